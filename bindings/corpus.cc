#include "lmtx/corpus/corpus.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "lmtx/corpus/targets.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

Document next_document(DocumentReader& reader) {
  Document document;
  {
    py::gil_scoped_release release;
    if (reader.next(document)) return document;
  }
  throw py::stop_iteration();
}

}  // namespace

void register_corpus(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  py::class_<DocumentReader>(m, "DocumentReader", "Reads a corpus once, document by document.")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &next_document);
  py::class_<Corpus>(m, "Corpus", "Documents that can be read any number of times in the same order. Immutable.")
      .def_static("from_documents", &Corpus::from_documents, py::arg("documents"), release(), "Keeps documents in memory; their uids must differ.")
      .def_static("open", &Corpus::open, py::arg("file"), release(),
                  "Documents of a file of JSON lines (.gz or plain), {\"uid\", \"title\"?, \"content\"?}. Checked here, read as needed: texts stay on disk.")
      .def("__len__", &Corpus::size)
      .def("__iter__", &Corpus::read, release())
      .def("fingerprint", &Corpus::fingerprint, release(), "32 hexadecimal digits that depend on every uid, title and content, in order.")
      .def("__repr__", [](const Corpus& corpus) { return "Corpus(" + with_commas(corpus.size()) + " documents)"; });
  m.def("read_targets", &read_targets, py::arg("file"), py::arg("num_labels"), release(),
        "For each document of a JSON-lines file, in order, its true labels (`target_ind`): sorted label numbers below `num_labels`.");
}

}  // namespace lmtx::python

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
  py::class_<DocumentReader>(m, "DocumentReader", "Reads a corpus once, document by document: what iter(corpus) gives. Belongs to one thread.")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &next_document)
      .def("__repr__", [](const DocumentReader&) { return "DocumentReader()"; });
  py::class_<Corpus>(m, "Corpus", R"(Documents that can be read any number of times in the same order. Immutable; may be used from several threads.

Example:
    >>> corpus = lmtx.Corpus.open('train.jsonl')
    >>> corpus
    Corpus(60 documents)
    >>> [document.uid for document in corpus][:3]
    ['d0', 'd1', 'd2'])")
      .def_static("from_documents", &Corpus::from_documents, py::arg("documents"), release(), R"(A corpus of documents that are kept in memory.

Raises:
    ValueError: For a uid that is empty or occurs twice, naming both positions.

Example:
    >>> lmtx.Corpus.from_documents([lmtx.Document('1', content='income tax')])
    Corpus(1 documents))")
      .def_static("open", &Corpus::open, py::arg("file"), release(),
                  R"(The documents of a file of JSON lines (.gz or plain), {"uid", "title"?, "content"?}; other fields are ignored.

The file is read once here to check it, then as needed: texts stay on disk, and memory is 16 bytes a document.

Raises:
    RuntimeError: Naming file and line for what is no document, and both lines for a uid that occurs twice.

Example:
    >>> next(iter(lmtx.Corpus.open('train.jsonl'))).uid
    'd0')")
      .def("__len__", &Corpus::size)
      .def("__iter__", &Corpus::read, release())
      .def("fingerprint", &Corpus::fingerprint, release(),
           R"(32 hexadecimal digits that depend on every uid, title and content, in order, and on nothing else. RuntimeError where the file has gone.

Example:
    >>> corpus = lmtx.Corpus.open('train.jsonl')
    >>> lmtx.Corpus.from_documents(list(corpus)).fingerprint() == corpus.fingerprint()
    True)")
      .def("__repr__", [](const Corpus& corpus) { return "Corpus(" + with_commas(corpus.size()) + " documents)"; });
  m.def("read_targets", &read_targets, py::arg("file"), py::arg("num_labels"), release(),
        R"(For each document of a JSON-lines file, in order, its true labels (`target_ind`): a list of sorted, distinct label numbers below `num_labels`.

Raises:
    RuntimeError: Naming file and line where they are missing, no list of integers, or out of range.

Example:
    >>> lmtx.read_targets('test.jsonl', num_labels=12)[:2]
    [[0, 1], [2, 8]])");
}

}  // namespace lmtx::python

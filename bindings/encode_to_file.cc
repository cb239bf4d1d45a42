#include "lmtx/encode_to_file.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <filesystem>

#include "encode_options.h"
#include "interrupts.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

const EncodeToFileOptions defaults;

VectorDtype to_dtype(const std::string& name) {
  if (name == "float32") return VectorDtype::float32;
  if (name == "float16") return VectorDtype::float16;
  throw py::value_error("`file_dtype` must be 'float32' or 'float16', but is '" + name + "' instead.");
}

// A Corpus or a LabelSet as it is; whatever else lmtx.inputs makes a Corpus of.
py::object to_source(const py::object& documents) {
  if (py::isinstance<Corpus>(documents) || py::isinstance<LabelSet>(documents)) return documents;
  return py::module_::import("lmtx.inputs").attr("make_corpus")(documents);
}

py::object encode(const Encoder& encoder, const py::object& documents, const std::filesystem::path& file, int64_t max_length, const std::optional<Text>& prompt,
                  const std::optional<Text>& prompt_name, std::optional<bool> normalize, int64_t token_budget, const Text& dtype, bool deterministic,
                  const std::string& file_dtype, bool overwrite, int64_t window_tokens, double checkpoint_seconds, const py::object& on_event) {
  EncodeToFileOptions options;
  options.encode = make_encode_options(encoder, max_length, prompt, prompt_name, normalize, token_budget, dtype, deterministic);
  options.file_dtype = to_dtype(file_dtype);
  options.overwrite = overwrite;
  options.window_tokens = window_tokens;
  options.checkpoint_seconds = checkpoint_seconds;
  const py::object source = to_source(documents);
  const auto work = [&](const auto& texts) {
    run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { encode_to_file(encoder, texts, file, options, event, stop); });
  };
  if (py::isinstance<LabelSet>(source)) work(source.cast<const LabelSet&>());
  else work(source.cast<const Corpus&>());
  return py::module_::import("numpy").attr("load")(py::cast(file), py::arg("mmap_mode") = "r");
}

}  // namespace

void register_encode_to_file(py::module_& m) {
  py::class_<Encoder>(m.attr("Encoder"))
      .def("encode_to_file", &encode, py::arg("documents"), py::arg("file"), py::kw_only(), py::arg("max_length") = defaults.encode.max_length,
           py::arg("prompt") = py::none(), py::arg("prompt_name") = py::none(), py::arg("normalize") = py::none(),
           py::arg("token_budget") = defaults.encode.token_budget, py::arg("dtype") = std::string(name_of(defaults.encode.dtype)),
           py::arg("deterministic") = defaults.encode.deterministic, py::arg("file_dtype") = "float32", py::arg("overwrite") = defaults.overwrite,
           py::arg("window_tokens") = defaults.window_tokens, py::arg("checkpoint_seconds") = defaults.checkpoint_seconds, py::arg("on_event") = py::none(),
           R"(Writes the vectors of documents or labels to a NumPy file, [num_documents, dim], in memory that does not grow with their number.

Documents are read from disk window by window; the next window is tokenized while one is computed. Until all is done the rows are in FILE.partial. Whatever
ends the work (Ctrl-C, a kill, a full disk), the same call goes on from there and ends with the same bytes.

Args:
    documents: A Corpus, of which the texts are title and content, or a LabelSet, of which they are the names; or what lmtx.train takes for documents: a path
        to JSON lines, a DataFrame, or a list of str, dict or Document, which stay in memory.
    file: Usually NAME.npy.
    max_length, prompt, prompt_name, normalize, token_budget, dtype, deterministic: As for encode().
    file_dtype: "float32", or "float16": half the size, each number rounded to three digits.
    overwrite: Take the place of a `file` that is there already, when all is done.
    window_tokens: Tokens that are sorted by length together, at least 16 times `token_budget`, on a card 64 times; a text counts as 16 at least.
    checkpoint_seconds: How often what was computed is secured. A kill costs so much at most, and a window.
    on_event: Called with an Event after each batch.

Returns:
    numpy.load(file, mmap_mode="r"): a read-only array, float32 or float16 [num_documents, dim], whose rows are read from disk when they are used.

Raises:
    ValueError: For a `file` that is there already or cannot be written; where FILE.partial was begun with another encoder, documents or options, naming what
        differs; for wrong options, as in encode().
    RuntimeError: Naming the path, where another process writes it, for a damaged FILE.partial, a full disk, and documents that cannot be read.

Example:
    >>> encoder = lmtx.Encoder.load('model')
    >>> vectors = encoder.encode_to_file(lmtx.Corpus.open('train.jsonl'), 'train.npy', file_dtype='float16')
    >>> vectors.shape, vectors.dtype
    ((60, 32), dtype('float16'))
    >>> encoder.encode_to_file(lmtx.LabelSet.open('labels.jsonl'), 'labels.npy').shape
    (12, 32)
    >>> lmtx.LabelIndex.build(np.load('labels.npy', mmap_mode='r')).num_labels
    12)");
}

}  // namespace lmtx::python

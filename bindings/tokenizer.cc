#include "lmtx/text/tokenizer.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <memory>

#include "interrupts.h"
#include "register.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

// Arrays that share the memory of all tokens.
py::list to_arrays(RaggedTokens tokens) {
  auto* owner = new RaggedTokens(std::move(tokens));
  const py::capsule base(owner, [](void* pointer) { delete static_cast<RaggedTokens*>(pointer); });
  py::list arrays(owner->size());
  for (int64_t i = 0; i < owner->size(); ++i) {
    const std::span<const int32_t> sequence = (*owner)[i];
    arrays[static_cast<size_t>(i)] = py::array_t<int32_t>(static_cast<py::ssize_t>(sequence.size()), sequence.data(), base);
  }
  return arrays;
}

py::list encode(const Tokenizer& tokenizer, const Texts& texts, int64_t max_length) {
  return to_arrays(run_long(py::none(), [&](const EventCallback&, std::stop_token stop) { return tokenizer.encode(texts.views(), max_length, stop); }));
}

py::array_t<int32_t> to_array(std::span<const int32_t> ids) { return py::array_t<int32_t>(static_cast<py::ssize_t>(ids.size()), ids.data()); }

}  // namespace

void register_tokenizer(py::module_& m) {
  py::class_<Tokenizer>(m, "Tokenizer", R"(Texts to token ids, equal to Hugging Face's `tokenizers`. Immutable; may be used from several threads, also at once.

Example:
    >>> tokenizer = lmtx.Tokenizer.load('model')
    >>> tokenizer
    Tokenizer(99 tokens)
    >>> tokenizer.encode(['tax', 'tax on trade'], max_length=4)
    [array([ 2, 77,  3], dtype=int32), array([ 2, 77, 19,  3], dtype=int32)])")
      .def_static("load", &Tokenizer::load, py::arg("folder"), py::kw_only(), py::arg("lower_case") = false, py::call_guard<py::gil_scoped_release>(),
                  R"(The tokenizer of a model folder: tokenizer.json (WordPiece, byte-level BPE, SentencePiece's unigram and BPE models), else its older
files: vocab.txt, sentencepiece.bpe.model, or vocab.json and merges.txt. Truncation and padding stored there are ignored.

Args:
    lower_case: Put texts in lower case first, whatever these files say.

Raises:
    RuntimeError: Naming the file and what in it is missing, broken or not supported.

Example:
    >>> lmtx.Tokenizer.load('model').vocabulary_size
    99)")
      .def("encode", &encode, py::arg("texts"), py::kw_only(), py::arg("max_length"),
           R"(The ids of each text with special tokens, an int32 array a text. Ctrl-C ends it within a second.

Args:
    texts: A list, tuple, NumPy array, pandas Series or generator of str.
    max_length: Tokens a text, special tokens included: the text is cut, they stay.

Raises:
    TypeError: For a text that is missing or no str, naming its position.
    ValueError: For a `max_length` that leaves no room for the special tokens.

Example:
    >>> lmtx.Tokenizer.load('model').encode(['income tax'], max_length=48)
    [array([ 2, 13, 54, 43, 55, 53, 45, 77,  3], dtype=int32)])")
      .def_property_readonly("prefix", [](const Tokenizer& tokenizer) { return to_array(tokenizer.prefix()); },
                             "int32 [n]: the special tokens put before a text.")
      .def_property_readonly("suffix", [](const Tokenizer& tokenizer) { return to_array(tokenizer.suffix()); },
                             "int32 [n]: the special tokens put after a text.")
      .def_property_readonly("vocabulary_size", &Tokenizer::vocabulary_size, "int: all ids are below it.")
      .def_property_readonly("model_max_length", &Tokenizer::model_max_length, "int, in tokens, as tokenizer_config.json says; 0 where it says nothing.")
      .def("__repr__", [](const Tokenizer& tokenizer) { return "Tokenizer(" + with_commas(tokenizer.vocabulary_size()) + " tokens)"; });
}

}  // namespace lmtx::python

#include "lmtx/text/tokenizer.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <memory>

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
  RaggedTokens tokens;
  {
    py::gil_scoped_release release;
    tokens = tokenizer.encode(texts.views(), max_length);
  }
  return to_arrays(std::move(tokens));
}

py::array_t<int32_t> to_array(std::span<const int32_t> ids) { return py::array_t<int32_t>(static_cast<py::ssize_t>(ids.size()), ids.data()); }

}  // namespace

void register_tokenizer(py::module_& m) {
  py::class_<Tokenizer>(m, "Tokenizer", "Texts to token ids, equal to Hugging Face's `tokenizers`. Immutable.")
      .def_static("load", &Tokenizer::load, py::arg("folder"), py::kw_only(), py::arg("lower_case") = false, py::call_guard<py::gil_scoped_release>(),
                  "The tokenizer of a model folder: tokenizer.json, else its older files. Truncation and padding stored there are ignored. With `lower_case`\n"
                  "texts are put in lower case first, whatever these files say.")
      .def("encode", &encode, py::arg("texts"), py::kw_only(), py::arg("max_length"),
           "The ids of each text with special tokens, an int32 array a text; none longer than `max_length` (at least 2).")
      .def_property_readonly("prefix", [](const Tokenizer& tokenizer) { return to_array(tokenizer.prefix()); }, "Special tokens put before a text.")
      .def_property_readonly("suffix", [](const Tokenizer& tokenizer) { return to_array(tokenizer.suffix()); }, "Special tokens put after a text.")
      .def_property_readonly("vocabulary_size", &Tokenizer::vocabulary_size)
      .def_property_readonly("model_max_length", &Tokenizer::model_max_length, "As tokenizer_config.json says; 0 where it says nothing.")
      .def("__repr__", [](const Tokenizer& tokenizer) { return "Tokenizer(" + with_commas(tokenizer.vocabulary_size()) + " tokens)"; });
}

}  // namespace lmtx::python

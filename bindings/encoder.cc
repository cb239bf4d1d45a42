#include "lmtx/encoder.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "register.h"
#include "tensor.h"
#include "text.h"

namespace lmtx::python {
namespace {

const EncodeOptions defaults;

py::object to_output(const at::Tensor& vectors, const std::string& out) { return out == "torch" ? to_torch(vectors) : to_numpy(vectors); }

void check_output(const std::string& out) {
  if (out != "numpy" && out != "torch") throw py::value_error("`out` must be 'numpy' or 'torch', but is '" + out + "' instead.");
}

py::object encode(const Encoder& encoder, const std::vector<Text>& texts, int64_t max_length, std::optional<Text> prompt, std::optional<bool> normalize,
                  int64_t token_budget, const std::string& out, const py::object& on_event) {
  check_output(out);
  EncodeOptions options{.max_length = max_length, .prompt = std::nullopt, .normalize = normalize, .token_budget = token_budget};
  if (prompt) options.prompt = std::move(prompt->utf8);
  const at::Tensor vectors = run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return encoder.encode(views(texts), options, event, stop); });
  return to_output(vectors, out);
}

py::object encode_one(const Encoder& encoder, Text text, int64_t max_length, std::optional<Text> prompt, std::optional<bool> normalize, int64_t token_budget,
                      const std::string& out, const py::object& on_event) {
  return encode(encoder, {std::move(text)}, max_length, std::move(prompt), normalize, token_budget, out, on_event)[py::int_(0)];
}

Encoder load(const std::filesystem::path& folder, const std::string& device) { return Encoder::load(folder, {.device = device}); }

template <class Class, class Function, class... Extra>
void def_encode(Class& encoder, Function function, const char* name, const Extra&... extra) {
  encoder.def("encode", function, py::arg(name), py::kw_only(), py::arg("max_length") = defaults.max_length, py::arg("prompt") = py::none(),
              py::arg("normalize") = py::none(), py::arg("token_budget") = defaults.token_budget, py::arg("out") = "numpy", py::arg("on_event") = py::none(), extra...);
}

}  // namespace

void register_encoder(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  auto encoder = py::class_<Encoder>(m, "Encoder", "Texts to vectors. Immutable; may be used from several threads.");
  encoder.def_static("load", &load, py::arg("folder"), py::kw_only(), py::arg("device") = EncoderOptions{}.device, release(),
                     "Opens a sentence-transformers folder. `device`: \"cpu\", \"cuda\" or \"cuda:N\".");
  def_encode(encoder, &encode_one, "text", "The vector of one text, float32 [dim].");
  def_encode(encoder, &encode, "texts",
             "Vectors of texts, float32 [num_texts, dim].\n\n"
             "Args:\n"
             "    max_length: Tokens a text, special tokens included; 0: the folder's max_seq_length.\n"
             "    prompt: Put before each text; None: the folder's default prompt.\n"
             "    normalize: Scale to unit length; None: as the folder's modules say.\n"
             "    token_budget: Tokens computed at once.\n"
             "    out: \"numpy\", or \"torch\" for a tensor.\n"
             "    on_event: Called with an Event after each batch.");
  encoder
      .def("save", &Encoder::save, py::arg("folder"), py::kw_only(), py::arg("max_length") = 0, py::arg("normalize") = true, release(),
           "Writes a folder that opens in sentence-transformers, whole or not at all; `max_length` (0: as loaded) becomes its max_seq_length.")
      .def_property_readonly("dim", &Encoder::dim, "Numbers a vector.")
      .def_property_readonly("max_length", &Encoder::max_length, "Tokens a text, special tokens included.")
      .def_property_readonly("max_positions", &Encoder::max_positions, "The most tokens that the model has positions for.")
      .def_property_readonly("tokenizer", &Encoder::tokenizer, py::return_value_policy::copy)
      .def("fingerprint", &Encoder::fingerprint, release(), "32 hexadecimal digits over weights, configuration and tokenizer.")
      .def("__repr__", [](const Encoder& self) { return "Encoder(dim=" + std::to_string(self.dim()) + ", max_length=" + std::to_string(self.max_length()) + ")"; });
}

}  // namespace lmtx::python

#include "lmtx/encoder.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "interrupts.h"
#include "register.h"
#include "tensor.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

const EncodeOptions defaults;

py::object to_output(const at::Tensor& vectors, const std::string& out) { return out == "torch" ? to_torch(vectors) : to_numpy(vectors); }

std::optional<std::string> choose_prompt(const Encoder& encoder, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name) {
  if (prompt && prompt_name) throw py::value_error("give `prompt` or `prompt_name`, not both.");
  if (prompt_name) return encoder.prompt(prompt_name->utf8);
  return prompt ? std::optional(prompt->utf8) : std::nullopt;
}

at::Tensor embed(const Encoder& encoder, std::span<const std::string_view> texts, const EncodeOptions& options, const std::string& out,
                 const py::object& on_event) {
  if (out != "numpy" && out != "torch") throw py::value_error("`out` must be 'numpy' or 'torch', but is '" + out + "' instead.");
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return encoder.encode(texts, options, event, stop); });
}

py::object encode(const Encoder& encoder, const Texts& texts, int64_t max_length, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name,
                  std::optional<bool> normalize, int64_t token_budget, const std::string& out, const py::object& on_event) {
  const EncodeOptions options{max_length, choose_prompt(encoder, prompt, prompt_name), normalize, token_budget};
  return to_output(embed(encoder, texts.views(), options, out, on_event), out);
}

py::object encode_one(const Encoder& encoder, const Text& text, int64_t max_length, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name,
                      std::optional<bool> normalize, int64_t token_budget, const std::string& out, const py::object& on_event) {
  const std::string_view view = text.utf8;
  const EncodeOptions options{max_length, choose_prompt(encoder, prompt, prompt_name), normalize, token_budget};
  return to_output(embed(encoder, std::span(&view, 1), options, out, on_event)[0], out);
}

Encoder with_prompts(const Encoder& encoder, const std::map<std::string, std::string>& prompts, const std::optional<Text>& default_name) {
  return encoder.with_prompts(prompts, default_name ? default_name->utf8 : "");
}

std::optional<std::string> default_prompt_name(const Encoder& encoder) {
  return encoder.default_prompt_name().empty() ? std::nullopt : std::optional(encoder.default_prompt_name());
}

// `name` itself where it is a folder, else what lmtx.models makes of it: a model of the Hugging Face hub, or an error.
std::filesystem::path find_model(const std::filesystem::path& name) {
  std::error_code unknown;
  if (std::filesystem::is_directory(name, unknown)) return name;
  const py::gil_scoped_acquire gil;
  const auto text = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefault(name.c_str()));
  if (!text) throw py::error_already_set();
  return py::module_::import("lmtx.models").attr("find_model")(text).cast<std::filesystem::path>();
}

Encoder load(const std::filesystem::path& folder, const std::string& device) { return Encoder::load(find_model(folder), {.device = device}); }

template <class Class, class Function, class... Extra>
void def_encode(Class& encoder, Function function, const char* name, const Extra&... extra) {
  encoder.def("encode", function, py::arg(name), py::kw_only(), py::arg("max_length") = defaults.max_length, py::arg("prompt") = py::none(),
              py::arg("prompt_name") = py::none(), py::arg("normalize") = py::none(), py::arg("token_budget") = defaults.token_budget,
              py::arg("out") = "numpy", py::arg("on_event") = py::none(), extra...);
}

}  // namespace

void register_encoder(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  auto encoder = py::class_<Encoder>(m, "Encoder", "Texts to vectors. Immutable; may be used from several threads.");
  encoder.def_static("load", &load, py::arg("folder"), py::kw_only(), py::arg("device") = EncoderOptions{}.device, release(),
                     "Opens a sentence-transformers folder, or a model of the Hugging Face hub by its name (\"intfloat/multilingual-e5-small\"), which is downloaded unless\n"
                     "it is in the cache. `device`: \"cpu\", \"cuda\" or \"cuda:N\".");
  def_encode(encoder, &encode_one, "text", "The vector of one text, float32 [dim].");
  def_encode(encoder, &encode, "texts",
             "Vectors of texts, float32 [num_texts, dim].\n\n"
             "Args:\n"
             "    texts: A list, tuple, NumPy array, pandas Series or generator of str; TypeError names the position of a missing one.\n"
             "    max_length: Tokens a text, special tokens included; 0: the folder's max_seq_length.\n"
             "    prompt: Put before each text; None: the folder's default prompt.\n"
             "    prompt_name: The same, by its name in `prompts`.\n"
             "    normalize: Scale to unit length; None: as the folder's modules say.\n"
             "    token_budget: Tokens computed at once.\n"
             "    out: \"numpy\", or \"torch\" for a tensor.\n"
             "    on_event: Called with an Event after each batch.");
  encoder
      .def("save", &Encoder::save, py::arg("folder"), py::kw_only(), py::arg("max_length") = 0, py::arg("normalize") = false, release(),
           "Writes a folder that opens in sentence-transformers and gives the same vectors, whole or not at all; `max_length` (0: as loaded) becomes its\n"
           "max_seq_length, and with `normalize` its vectors have unit length.")
      .def("with_prompts", &with_prompts, py::arg("prompts"), py::kw_only(), py::arg("default_name") = py::none(),
           "The same encoder with these prompts in place of or besides its own; the one named `default_name` is put before texts by default.")
      .def_property_readonly("dim", &Encoder::dim, "Numbers a vector.")
      .def_property_readonly("max_length", &Encoder::max_length, "Tokens a text, special tokens included.")
      .def_property_readonly("max_positions", &Encoder::max_positions, "The most tokens that the model has positions for.")
      .def_property_readonly("tokenizer", &Encoder::tokenizer, py::return_value_policy::copy)
      .def_property_readonly("prompts", &Encoder::prompts, "What the folder has to put before texts, by name.")
      .def_property_readonly("default_prompt_name", &default_prompt_name, "The name of the prompt that is put before texts by default; None: none is.")
      .def("fingerprint", &Encoder::fingerprint, release(), "32 hexadecimal digits over weights, configuration and tokenizer.")
      .def("__repr__", [](const Encoder& self) { return "Encoder(dim=" + std::to_string(self.dim()) + ", max_length=" + std::to_string(self.max_length()) + ")"; });
}

}  // namespace lmtx::python

#include "lmtx/encoder.h"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "encode_options.h"
#include "interrupts.h"
#include "register.h"
#include "tensor.h"
#include "text.h"
#include "texts.h"

namespace lmtx::python {
namespace {

const EncodeOptions defaults;

py::object to_output(const at::Tensor& vectors, const std::string& out) { return out == "torch" ? to_torch(vectors) : to_numpy(vectors); }

at::Tensor embed(const Encoder& encoder, std::span<const std::string_view> texts, const EncodeOptions& options, const std::string& out,
                 const py::object& on_event) {
  if (out != "numpy" && out != "torch") throw py::value_error("`out` must be 'numpy' or 'torch', but is '" + out + "' instead.");
  return run_long(on_event, [&](const EventCallback& event, std::stop_token stop) { return encoder.encode(texts, options, event, stop); });
}

py::object encode(const Encoder& encoder, const Texts& texts, int64_t max_length, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name,
                  std::optional<bool> normalize, int64_t token_budget, const Text& dtype, bool deterministic, const std::string& out,
                  const py::object& on_event) {
  const EncodeOptions options = make_encode_options(encoder, max_length, prompt, prompt_name, normalize, token_budget, dtype, deterministic);
  return to_output(embed(encoder, texts.views(), options, out, on_event), out);
}

py::object encode_one(const Encoder& encoder, const Text& text, int64_t max_length, const std::optional<Text>& prompt, const std::optional<Text>& prompt_name,
                      std::optional<bool> normalize, int64_t token_budget, const Text& dtype, bool deterministic, const std::string& out,
                  const py::object& on_event) {
  const std::string_view view = text.utf8;
  const EncodeOptions options = make_encode_options(encoder, max_length, prompt, prompt_name, normalize, token_budget, dtype, deterministic);
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
              py::arg("dtype") = std::string(name_of(defaults.dtype)), py::arg("deterministic") = defaults.deterministic,
              py::arg("out") = "numpy", py::arg("on_event") = py::none(), extra...);
}

}  // namespace

void register_encoder(py::module_& m) {
  using release = py::call_guard<py::gil_scoped_release>;
  auto encoder = py::class_<Encoder>(m, "Encoder", R"(Texts to vectors. Immutable; may be used from several threads, also at once.

Example:
    >>> encoder = lmtx.Encoder.load('model')
    >>> encoder
    Encoder(dim=32, max_length=48)
    >>> vectors = encoder.encode(['income tax', 'foreign trade'])
    >>> vectors.shape, vectors.dtype
    ((2, 32), dtype('float32')))");
  encoder.def_static("load", &load, py::arg("folder"), py::kw_only(), py::arg("device") = EncoderOptions{}.device, release(),
                     R"(Opens a sentence-transformers folder, or a model of the Hugging Face hub by its name ("intfloat/multilingual-e5-small"), which is
downloaded unless it is in the cache.

Args:
    folder: With modules.json or config.json, model.safetensors and a tokenizer; or the name of a model on the hub.
    device: "cpu", "cuda" or "cuda:N".

Raises:
    RuntimeError: Naming the file and what in it is missing, broken or not supported.
    ValueError: For a name that is no folder, not in the cache and not on the hub; for a device that is none, or that this build has no code for.

Example:
    >>> lmtx.Encoder.load('model', device='cpu').max_length
    48)");
  def_encode(encoder, &encode_one, "text", "The vector of one text, float32 [dim]; arguments and errors as for many texts.");
  def_encode(encoder, &encode, "texts",
             R"(Vectors of texts, float32 [num_texts, dim]; equal texts are computed once. Ctrl-C ends it within a second.

Args:
    texts: A list, tuple, NumPy array, pandas Series or generator of str.
    max_length: Tokens a text, special tokens included; 0: the folder's max_seq_length.
    prompt: Put before each text; None: the folder's default prompt.
    prompt_name: The same, by its name in `prompts`.
    normalize: Scale to unit length; None: as the folder's modules say.
    token_budget: Tokens computed at once; 0: what suits the device. Where a card's memory is too small for so many, fewer are, and a notice says so.
    dtype: Of the products in the network: "float32" or "bfloat16", on the CPU "int8", on a card "float16"; vectors are float32. What the others gain and lose is
        in docs/encoder.md. The first call in a dtype copies the network's weights to it.
    deterministic: Vectors are the same to the last bit in any batch and order, with any number of threads. On the CPU they are so anyway; on a card each
        text is then computed alone.
    out: "numpy", or "torch" for a tensor.
    on_event: Called with an Event after each batch.

Returns:
    A NumPy array, or a tensor on the CPU.

Raises:
    TypeError: For a text that is missing or no str, naming its position.
    ValueError: For a `max_length` that the model has no positions for, a negative `token_budget`, an unknown `prompt_name`, `dtype` or `out`,
        a `dtype` that the encoder's device has no code for.
    RuntimeError: In a process that was forked while LMTX computed in its parent; where a card's memory is too small for a single text.

Example:
    >>> encoder = lmtx.Encoder.load('model')
    >>> encoder.encode('income tax').shape
    (32,)
    >>> encoder.encode(('tax', 'trade'), out='torch').shape
    torch.Size([2, 32])
    >>> encoder.encode('income tax', dtype='int8').dtype
    dtype('float32'))");
  encoder
      .def("save", &Encoder::save, py::arg("folder"), py::kw_only(), py::arg("max_length") = 0, py::arg("normalize") = false, release(),
           R"(Writes a folder that opens in sentence-transformers and gives the same vectors, whole or not at all.

Args:
    max_length: Becomes its max_seq_length, in tokens; 0: as loaded.
    normalize: Its vectors have unit length, whatever those of the loaded folder had.

Raises:
    ValueError: For a `max_length` that the model has no positions for.
    RuntimeError: Naming the path that could not be written, and why.

Example:
    >>> lmtx.Encoder.load('model').save('shorter', max_length=16)
    >>> lmtx.Encoder.load('shorter').max_length
    16)")
      .def("with_prompts", &with_prompts, py::arg("prompts"), py::kw_only(), py::arg("default_name") = py::none(),
           R"(The same encoder with these prompts, by name, in place of or besides its own.

Args:
    default_name: The one that is put before texts by default; None: none is. ValueError where there is none of that name.

Example:
    >>> encoder = lmtx.Encoder.load('model').with_prompts({'query': 'query: '}, default_name='query')
    >>> encoder.default_prompt_name
    'query')")
      .def_property_readonly("dim", &Encoder::dim, "int: numbers a vector.")
      .def_property_readonly("max_length", &Encoder::max_length,
           "int: tokens a text, special tokens included: the folder's max_seq_length, at most `max_positions`.")
      .def_property_readonly("max_positions", &Encoder::max_positions, "int: the most tokens that the model has positions for.")
      .def_property_readonly("tokenizer", &Encoder::tokenizer, py::return_value_policy::copy, "The Tokenizer that cuts texts for it.")
      .def_property_readonly("prompts", &Encoder::prompts,
           "dict[str, str]: what the folder has to put before texts, by name; \"query\" and \"document\" are always there, often empty.")
      .def_property_readonly("default_prompt_name", &default_prompt_name, "str: the name of the prompt that is put before texts by default; None: none is.")
      .def("fingerprint", &Encoder::fingerprint, release(),
           R"(32 hexadecimal digits over weights, configuration and tokenizer: equal for folders that give equal vectors. Computed once.

Example:
    >>> lmtx.Encoder.load('model').fingerprint() == lmtx.Encoder.load('model').fingerprint()
    True)")
      .def("__repr__", [](const Encoder& self) { return "Encoder(dim=" + std::to_string(self.dim()) + ", max_length=" + std::to_string(self.max_length()) + ")"; });
}

}  // namespace lmtx::python

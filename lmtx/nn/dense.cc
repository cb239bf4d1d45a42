#include "lmtx/nn/dense.h"

#include <algorithm>
#include <iterator>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/quote.h"
#include "lmtx/nn/model_folder.h"

namespace lmtx {
namespace {

using detail::fail;
using detail::Json;

struct ActivationNames {
  ops::Activation activation;
  // As sentence-transformers writes it; read are torch.nn.NAME, too.
  const char* torch_class;
};
constexpr ActivationNames activations[] = {
    {ops::Activation::identity, "torch.nn.modules.linear.Identity"}, {ops::Activation::gelu, "torch.nn.modules.activation.GELU"},
    {ops::Activation::relu, "torch.nn.modules.activation.ReLU"},     {ops::Activation::silu, "torch.nn.modules.activation.SiLU"},
    {ops::Activation::tanh, "torch.nn.modules.activation.Tanh"},     {ops::Activation::sigmoid, "torch.nn.modules.activation.Sigmoid"}};

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

ops::Activation activation_of(const std::string& torch_class, const std::string& place) {
  std::string known;
  for (const ActivationNames& names : activations) {
    const std::string name = last_part(names.torch_class);
    if (torch_class == names.torch_class || torch_class == "torch.nn." + name) return names.activation;
    known += (known.empty() ? "" : ", ") + name;
  }
  fail(place, "`activation_function` " + detail::quote(torch_class) + " is not supported; supported are, of torch.nn, " + known + ".");
}

const char* class_of(ops::Activation activation) {
  return std::find_if(std::begin(activations), std::end(activations), [&](const ActivationNames& names) { return names.activation == activation; })
      ->torch_class;
}

int64_t read_width(const Json& config, const char* key, const std::string& place) {
  const int64_t width = detail::json_integer(config, key, place);
  if (width < 1) fail(place, "`" + std::string(key) + "` must be at least 1, but is " + std::to_string(width) + " instead.");
  return width;
}

}  // namespace

DenseSettings read_dense(const std::filesystem::path& module) {
  const std::filesystem::path file = module / "config.json";
  const std::string place = file.string();
  const Json config = detail::read_json(file);
  check_is_of_vectors(config, place);
  return {.in = read_width(config, "in_features", place),
          .out = read_width(config, "out_features", place),
          .bias = detail::json_boolean_or(config, "bias", true, place),
          .activation = activation_of(detail::json_string_or(config, "activation_function", class_of(ops::Activation::tanh), place), place),
          .residual = detail::json_boolean_or(config, "use_residual", false, place)};
}

Json dense_json(const DenseSettings& settings) {
  Json config = {{"in_features", settings.in}, {"out_features", settings.out}, {"bias", settings.bias}, {"activation_function", class_of(settings.activation)}};
  // Older versions know no such key.
  if (settings.residual) config["use_residual"] = true;
  return config;
}

}  // namespace lmtx

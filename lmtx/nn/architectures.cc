#include "lmtx/nn/architectures.h"

#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/nn/description.h"
#include "lmtx/nn/transformer.h"

namespace lmtx {
namespace {

struct Architecture {
  const char* model_type;
  TransformerDescription (*describe)(const detail::Json& config, const std::string& place);
};
constexpr Architecture architectures[] = {
    {"bert", describe_bert},   {"camembert", describe_roberta}, {"distilbert", describe_distilbert}, {"modernbert", describe_modernbert},
    {"mpnet", describe_mpnet}, {"roberta", describe_roberta},   {"xlm-roberta", describe_roberta}};

TransformerDescription describe(const detail::Json& config, const std::string& place) {
  const std::string model_type = detail::json_string(config, "model_type", place);
  std::string known;
  for (const Architecture& architecture : architectures) {
    if (model_type == architecture.model_type) return architecture.describe(config, place);
    known += (known.empty() ? "" : ", ") + std::string(architecture.model_type);
  }
  throw std::runtime_error(place + ": architecture " + model_type + " is not supported; supported are " + known + ".");
}

}  // namespace

std::shared_ptr<SentenceModel> make_model(ModelFolder folder, Weights weights) {
  const std::string place = (folder.path / "config.json").string();
  TransformerDescription description = describe(folder.config, place);
  check_config(folder.config, place);
  check_settings(description.settings, place);
  return std::make_shared<Transformer>(std::move(folder), std::move(description.settings), std::move(description.names), std::move(weights));
}

}  // namespace lmtx

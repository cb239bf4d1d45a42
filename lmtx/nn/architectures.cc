#include "lmtx/nn/architectures.h"

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

namespace lmtx {
namespace {

struct Architecture {
  const char* model_type;
  std::shared_ptr<SentenceModel> (*make)(ModelFolder, Weights);
};
constexpr std::array<Architecture, 2> architectures = {{{"bert", make_bert}, {"distilbert", make_distilbert}}};

}  // namespace

std::shared_ptr<SentenceModel> make_model(ModelFolder folder, Weights weights) {
  const std::string place = (folder.path / "config.json").string();
  const std::string model_type = detail::json_string(folder.config, "model_type", place);
  std::string known;
  for (const Architecture& architecture : architectures) {
    if (model_type == architecture.model_type) return architecture.make(std::move(folder), std::move(weights));
    known += (known.empty() ? "" : ", ") + std::string(architecture.model_type);
  }
  throw std::runtime_error(place + ": architecture " + model_type + " is not supported; supported are " + known + ".");
}

}  // namespace lmtx

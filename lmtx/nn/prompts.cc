#include "lmtx/nn/prompts.h"

#include <stdexcept>

#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

const char* const file_name = "config_sentence_transformers.json";

}  // namespace

Prompts Prompts::read(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / file_name;
  Prompts prompts;
  if (!std::filesystem::exists(file)) return prompts;
  prompts.config_ = detail::read_json(file);
  prompts.default_name_ = detail::json_string_or(prompts.config_, "default_prompt_name", "", file.string());
  const detail::Json listed = prompts.config_.value("prompts", detail::Json());
  if (!listed.is_null() && !listed.is_object()) {
    throw std::runtime_error(file.string() + ": `prompts` must be an object, but is " + listed.type_name() + " instead.");
  }
  for (const auto& [name, text] : listed.items()) prompts.by_name_[name] = detail::json_string_or(listed, name.c_str(), "", file.string() + ": `prompts`");
  if (prompts.default_name_.empty() || prompts.by_name_.contains(prompts.default_name_)) return prompts;
  throw std::runtime_error(file.string() + ": `default_prompt_name` is " + detail::quote(prompts.default_name_) + ", but there are only the prompts " +
                           prompts.names() + ".");
}

const std::string& Prompts::find(const std::string& name) const {
  const auto prompt = by_name_.find(name);
  if (prompt == by_name_.end()) throw std::invalid_argument("There is no prompt " + detail::quote(name) + "; there are " + names() + ".");
  return prompt->second;
}

Prompts Prompts::with(const Map& prompts, const std::string& default_name) const {
  Prompts changed = *this;
  for (const auto& [name, text] : prompts) {
    changed.by_name_[name] = text;
    changed.config_["prompts"][name] = text;
  }
  changed.default_name_ = default_name;
  changed.config_["default_prompt_name"] = default_name.empty() ? detail::Json() : detail::Json(default_name);
  changed.default_prompt();
  return changed;
}

void Prompts::write(const std::filesystem::path& folder) const {
  if (!config_.empty()) detail::write_json(folder / file_name, config_);
}

std::string Prompts::names() const {
  std::string names;
  for (const auto& [name, text] : by_name_) names += (names.empty() ? "" : ", ") + detail::quote(name);
  return names;
}

}  // namespace lmtx

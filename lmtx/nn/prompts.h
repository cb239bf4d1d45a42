// The prompts of a sentence-transformers folder: what is put before texts, by name (config_sentence_transformers.json).
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"

namespace lmtx {

// A value. "query" and "document" are always there, empty where the folder says nothing of them, as in sentence-transformers.
class LMTX_API Prompts {
 public:
  using Map = std::map<std::string, std::string>;

  // Those of a folder. Throws std::runtime_error naming the file and the fault.
  static Prompts read(const std::filesystem::path& folder);

  const Map& by_name() const { return by_name_; }
  // Throws std::invalid_argument with the names there are.
  const std::string& find(const std::string& name) const;
  // Empty where there is no default.
  const std::string& default_name() const { return default_name_; }
  // The one that is put before texts where nothing else is asked for; empty where there is none.
  std::string default_prompt() const { return default_name_.empty() ? "" : find(default_name_); }

  // These in place of or besides those that there are, and `default_name` as the name of the default one (empty: none).
  Prompts with(const Map& prompts, const std::string& default_name) const;
  // Writes the file, with all else that it said; none where there was none and nothing to say.
  void write(const std::filesystem::path& folder) const;

 private:
  std::string names() const;

  Map by_name_ = {{"query", ""}, {"document", ""}};
  std::string default_name_;
  // The whole file.
  detail::Json config_ = detail::Json::object();
};

}  // namespace lmtx

// Keys out of the environment: they go into headers of requests and nowhere else. Internal.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtx/export.h"

namespace lmtx::http {

class LMTX_API Secrets {
 public:
  // `key_variable`, unless empty, holds the key of "Authorization: Bearer"; of `header_variables` each is a header's name and the variable with its value.
  // White space around values is left out. Throws std::invalid_argument naming the variable, never its value, where it is not set or holds what no header may.
  Secrets(const std::string& key_variable, const std::vector<std::pair<std::string, std::string>>& header_variables);

  // "Name: value" lines.
  const std::vector<std::string>& headers() const { return headers_; }
  // `text` with each value replaced by "***": servers quote keys in their messages. Values of fewer than 4 bytes are none to hide.
  std::string without(std::string_view text) const;

 private:
  void add(const std::string& header, const std::string& variable, std::string_view before);

  std::vector<std::string> headers_, values_;
};

}  // namespace lmtx::http

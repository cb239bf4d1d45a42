#include "lmtx/teacher/http/secrets.h"

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "lmtx/detail/quote.h"

namespace lmtx::http {

namespace {

constexpr size_t least_secret_bytes = 4;

std::string_view trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// A token of RFC 9110.
bool is_header_name(std::string_view name) {
  constexpr std::string_view letters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  return !name.empty() && name.find_first_not_of(letters) == name.npos;
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

}  // namespace

Secrets::Secrets(const std::string& key_variable, const std::vector<std::pair<std::string, std::string>>& header_variables) {
  if (!key_variable.empty()) add("Authorization", key_variable, "Bearer ");
  for (const auto& [header, variable] : header_variables) add(header, variable, "");
}

void Secrets::add(const std::string& header, const std::string& variable, std::string_view before) {
  if (!is_header_name(header)) throw std::invalid_argument(detail::quote(header) + " is no name of a header.");
  const char* set = std::getenv(variable.c_str());
  const std::string_view value = trimmed(set ? set : "");
  const std::string what = "The environment variable " + detail::quote(variable) + ", which has the value of the header " + detail::quote(header) + ",";
  if (value.empty()) throw std::invalid_argument(what + (set ? " is empty." : " is not set."));
  if (!is_header_value(value)) throw std::invalid_argument(what + " holds control characters, which a header cannot have.");
  headers_.push_back(header + ": " + std::string(before) + std::string(value));
  if (value.size() >= least_secret_bytes) values_.emplace_back(value);
  // One that holds another must go first.
  std::sort(values_.begin(), values_.end(), [](const std::string& a, const std::string& b) { return a.size() > b.size(); });
}

std::string Secrets::without(std::string_view text) const {
  std::string clean(text);
  for (const std::string& value : values_) {
    for (size_t at = 0; (at = clean.find(value, at)) != clean.npos; at += 3) clean.replace(at, value.size(), "***");
  }
  return clean;
}

}  // namespace lmtx::http

// JSON through nlohmann-json, with messages that name the place. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

using Json = nlohmann::ordered_json;

// Parses text; `place` ("file" or "file:line") goes into the message of the std::runtime_error thrown for broken JSON, and for nesting over 100 levels.
// `keep` sees every part (see nlohmann::json's parser callbacks) and returns false for those that it does not want in the result.
LMTX_API Json parse_json(std::string_view text, const std::string& place, const Json::parser_callback_t& keep = nullptr);
// Throws the std::runtime_error of parse_json() for what nlohmann's parser found.
[[noreturn]] LMTX_API void broken_json(const std::string& place, const std::exception& error);
// parse_json() for a whole file.
LMTX_API Json read_json(const std::filesystem::path& file);
// Written with two spaces of indentation, whole or not at all. Strings that are no UTF-8 are written with U+FFFD.
LMTX_API void write_json(const std::filesystem::path& file, const Json& json);

// Member access with messages: "`place`: `key` must be a string, but is a number instead." Throws std::runtime_error.
LMTX_API std::string json_string(const Json& object, const char* key, const std::string& place);
LMTX_API std::string json_string_or(const Json& object, const char* key, const std::string& otherwise, const std::string& place);
LMTX_API int64_t json_integer(const Json& object, const char* key, const std::string& place);
LMTX_API int64_t json_integer_or(const Json& object, const char* key, int64_t otherwise, const std::string& place);
LMTX_API double json_number_or(const Json& object, const char* key, double otherwise, const std::string& place);
LMTX_API bool json_boolean_or(const Json& object, const char* key, bool otherwise, const std::string& place);

}  // namespace lmtx::detail

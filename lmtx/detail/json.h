// JSON through nlohmann-json, with messages that name the place. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx::detail {

using Json = nlohmann::ordered_json;

// Parses text; `place` ("file" or "file:line") goes into the message of the std::runtime_error thrown for broken JSON, nesting over 100 levels, more than
// 8,388,608 values, and a key that an object has twice. `keep` sees every value, key and start of an object or array (see nlohmann::json's parser callbacks;
// ends it does not see) and returns false for those that it does not want in the result.
LMTX_API Json parse_json(std::string_view text, const std::string& place, const Json::parser_callback_t& keep = nullptr);
// The same for a whole file, of at most 64 MiB.
LMTX_API Json read_json(const std::filesystem::path& file);
// Written with two spaces of indentation, whole or not at all. Strings that are no UTF-8 are written with U+FFFD.
LMTX_API void write_json(const std::filesystem::path& file, const Json& json);

// Member access with messages: "`place`: `key` must be a string, but is a number instead." Throws std::runtime_error.
LMTX_API std::string json_string(const Json& object, const char* key, const std::string& place);
LMTX_API std::string json_string_or(const Json& object, const char* key, const std::string& otherwise, const std::string& place);
LMTX_API int64_t json_integer(const Json& object, const char* key, const std::string& place);
LMTX_API int64_t json_integer_or(const Json& object, const char* key, int64_t otherwise, const std::string& place);
LMTX_API double json_number_or(const Json& object, const char* key, double otherwise, const std::string& place);
LMTX_API bool json_boolean(const Json& object, const char* key, const std::string& place);
LMTX_API bool json_boolean_or(const Json& object, const char* key, bool otherwise, const std::string& place);

}  // namespace lmtx::detail

// JSON lines, plain or gzip, as corpora, labels and recordings use them. Internal: no public header includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// Reads a file of JSON objects, one a line. Blank lines and a byte order mark are passed over; lines may end in CRLF.
class LMTX_API JsonLines {
 public:
  // Throws std::runtime_error naming the file.
  explicit JsonLines(const std::filesystem::path& file) : reader_(file) {}
  // The next object; false at the end of the file. Throws std::runtime_error naming file and line for text that is no UTF-8, broken JSON, and JSON
  // that is no object.
  bool next(Json& object);
  // The two halves of next(), for readers that need few of the objects: skip() goes to the next object's line, parse() reads what is on it.
  bool skip();
  void parse(Json& object) const;
  // Of the object that next() gave last, from 1.
  int64_t line_number() const { return reader_.line_number(); }
  // "path:12" for messages.
  std::string place() const { return reader_.place(); }

 private:
  LineReader reader_;
  std::string line_;
};

// True where the field is there and is not null.
LMTX_API bool json_has(const Json& object, const char* key);
// A uid: a string that is not empty, or an integer, which stands for its decimal text. Throws std::runtime_error.
LMTX_API std::string json_uid(const Json& object, const char* key, const std::string& place);
// A list of uids, and a list of strings; empty where it is missing or null. Throw std::runtime_error.
LMTX_API std::vector<std::string> json_uids_or_none(const Json& object, const char* key, const std::string& place);
LMTX_API std::vector<std::string> json_strings_or_none(const Json& object, const char* key, const std::string& place);

}  // namespace lmtx::detail

// Which requests were written into the folder of a batch, and where their answers lie. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/json.h"
#include "lmtx/export.h"
#include "lmtx/teacher/batch_folder.h"

namespace lmtx::detail {

// Names of requests: custom_id is the digest in hexadecimal digits.
std::optional<Digest> batch_id(std::string_view custom_id);

// A line of answers.
struct BatchLine {
  // Unset where it is none of ours.
  std::optional<Digest> id;
  // What the provider made of it; null where it failed.
  Json body;
  // Why it failed: "HTTP 429: too many requests". Empty where it did not.
  std::string failure;
};

// Throws std::runtime_error naming `place` for what is no line of answers. Without `with_body` an answer's body is left empty, which is faster.
LMTX_API BatchLine parse_batch_line(std::string_view text, const std::string& place, bool with_body = true);

// Where a line of answers lies.
struct BatchAnswer {
  Digest id;
  uint32_t file;
  bool failed;
  int64_t line, offset, size;
};

// Labels that one request asks about: the request's name, and those that each label would have alone.
struct BatchList {
  Digest id;
  std::vector<Digest> pairs;
};

// What is known about a request.
struct BatchRequest {
  int64_t exported = 0;
  // By file and line.
  std::span<const BatchAnswer> answers;

  // Whether a copy of it is without an answer. A provider takes a name once in a batch, and gives a file for each: lines of one file answer one copy.
  bool waits() const;
};

// Sorted by name in memory: 16 bytes a request, 56 an answer; what answers say stays in their files. Belongs to one thread.
class BatchIndex {
 public:
  explicit BatchIndex(std::filesystem::path folder);

  // Reads files that came or changed since the last time. Throws std::runtime_error naming file and line.
  void refresh();

  BatchRequest find(const Digest& id) const;
  // Requests about several labels, the one that has this name alone among them.
  std::vector<const BatchList*> lists_with(const Digest& pair) const;
  // The line, read from its file. Throws std::runtime_error where that has changed.
  BatchLine read(const BatchAnswer& answer) const;
  std::string place(const BatchAnswer& answer) const;
  BatchStatus status() const;

  std::filesystem::path requests() const { return folder_ / "requests"; }
  std::filesystem::path answers() const { return folder_ / "answers"; }
  std::filesystem::path lists() const { return folder_ / "lists"; }
  // For the next file of requests: greater than that of any.
  int64_t next_number() const;
  static std::string file_name(int64_t number);

  // A file of requests that was just written.
  void add_requests(int64_t number, std::span<const Digest> ids, std::span<const BatchList> lists);

 private:
  // How a file is told from what it was.
  struct Stamp {
    std::filesystem::path file;
    uintmax_t size;
    std::filesystem::file_time_type time;
    bool operator==(const Stamp&) const = default;
  };
  static std::vector<Stamp> files_in(const std::filesystem::path& folder);
  void read_requests();
  void read_lists();
  void read_answers();
  void add_answers_of(uint32_t file, std::set<Digest>& known_files);
  void index_lists();

  std::filesystem::path folder_;
  std::vector<Stamp> request_files_, list_files_, answer_files_;
  // With repetitions, sorted.
  std::vector<Digest> exported_;
  std::vector<BatchAnswer> answers_;
  int64_t foreign_answers_ = 0;
  std::vector<BatchList> lists_;
  // Names of pairs, and positions in `lists_`; sorted.
  std::vector<std::pair<Digest, size_t>> pairs_of_lists_;
};

}  // namespace lmtx::detail

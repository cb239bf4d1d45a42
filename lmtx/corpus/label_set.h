// The labels of a task. A label's number is its place in its LabelSet; it is never reused, so that indexes and stores can rely on it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

struct Label {
  // Unique within its LabelSet.
  std::string uid;
  std::string name;
  std::string description;
  std::vector<std::string> other_names;
  // Uids of broader labels.
  std::vector<std::string> broader;
};

// A value. Const methods may be called from several threads.
class LMTX_API LabelSet {
 public:
  LabelSet() = default;
  // Throws std::invalid_argument, naming both positions, for an empty name or uid, or a uid that occurs twice.
  explicit LabelSet(std::vector<Label> labels);

  // Labels of a file of JSON lines, `.gz` or plain: {"uid", "title", "description"?, "alternatives"?, "broader"?}. Throws
  // std::runtime_error naming the file and the line (both lines for a duplicate).
  static LabelSet open(const std::filesystem::path& file);
  // Writes such a file, so that it is there whole or not at all.
  void save(const std::filesystem::path& file) const;

  int64_t size() const { return static_cast<int64_t>(labels_.size()); }
  // Throws std::out_of_range.
  const Label& operator[](int64_t number) const;
  // The number of the label with this uid.
  std::optional<int64_t> find(std::string_view uid) const;
  const std::vector<Label>& labels() const { return labels_; }

  // 32 hexadecimal digits that depend on every field of every label, in order, and on nothing else.
  std::string fingerprint() const;

 private:
  std::vector<Label> labels_;
  std::unordered_map<std::string, int64_t> numbers_;
};

}  // namespace lmtx

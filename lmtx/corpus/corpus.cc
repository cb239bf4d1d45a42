#include "lmtx/corpus/corpus.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

using detail::Json;
using detail::JsonLines;

struct Corpus::Impl {
  int64_t size = 0;
  std::string fingerprint;
  std::function<std::unique_ptr<DocumentReader>()> read;
};

namespace {

class Fingerprint {
 public:
  Fingerprint() { hasher_.add("lmtx corpus 1"); }
  void add(const Document& document) { hasher_.add(document.uid).add(document.title).add(document.content); }
  std::string finish() { return detail::hex(hasher_.finish()); }

 private:
  detail::Hasher hasher_;
};

Document to_document(const Json& object, const std::string& place) {
  if (!detail::json_has(object, "title") && !detail::json_has(object, "content")) {
    throw std::runtime_error(place + ": a document must have a `title` or a `content`, but has neither.");
  }
  return {.uid = detail::json_uid(object, "uid", place),
          .title = detail::json_string_or(object, "title", "", place),
          .content = detail::json_string_or(object, "content", "", place)};
}

// Finds a uid that occurs twice in a file with 16 bytes a document: hashes lead to candidates, a second reading decides.
class DuplicateCheck {
 public:
  void add(std::string_view uid, int64_t line) { seen_.push_back({hash(uid), line}); }

  // Throws std::runtime_error naming both lines of the first duplicate.
  void finish(const std::filesystem::path& file) {
    std::sort(seen_.begin(), seen_.end());
    const std::vector<int64_t> lines = candidates();
    if (!lines.empty()) compare_uids(file, lines);
  }

 private:
  struct Seen {
    uint64_t hash;
    int64_t line;
    auto operator<=>(const Seen&) const = default;
  };

  static uint64_t hash(std::string_view uid) {
    const detail::Digest digest = detail::Hasher().add(uid).finish();
    uint64_t hash;
    std::memcpy(&hash, digest.data(), sizeof hash);
    return hash;
  }

  // Lines whose hash occurs on another line, too; rising.
  std::vector<int64_t> candidates() const {
    std::vector<int64_t> lines;
    for (size_t i = 0; i < seen_.size(); ++i) {
      const bool twin_before = i > 0 && seen_[i - 1].hash == seen_[i].hash;
      const bool twin_after = i + 1 < seen_.size() && seen_[i + 1].hash == seen_[i].hash;
      if (twin_before || twin_after) lines.push_back(seen_[i].line);
    }
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  static void compare_uids(const std::filesystem::path& file, const std::vector<int64_t>& lines) {
    std::unordered_map<std::string, int64_t> first_line;
    JsonLines reader(file);
    Json object;
    for (const int64_t line : lines) {
      do {
        if (!reader.skip()) return;
      } while (reader.line_number() < line);
      reader.parse(object);
      const std::string uid = detail::json_uid(object, "uid", reader.place());
      const auto [entry, is_new] = first_line.try_emplace(uid, line);
      if (!is_new) {
        throw std::runtime_error(reader.place() + ": the uid " + detail::quote(uid) + " is taken by line " + std::to_string(entry->second) + ".");
      }
    }
  }

  std::vector<Seen> seen_;
};

class MemoryReader final : public DocumentReader {
 public:
  explicit MemoryReader(std::shared_ptr<const std::vector<Document>> documents) : documents_(std::move(documents)) {}

  bool next(Document& document) override {
    if (position_ == documents_->size()) return false;
    document = (*documents_)[position_++];
    return true;
  }

 private:
  std::shared_ptr<const std::vector<Document>> documents_;
  size_t position_ = 0;
};

// Hashes along, so that a file that changed after it was checked does not pass unseen.
class FileReader final : public DocumentReader {
 public:
  FileReader(std::filesystem::path file, std::string fingerprint) : file_(std::move(file)), expected_(std::move(fingerprint)), lines_(file_) {}

  bool next(Document& document) override {
    if (finished_) return false;
    if (!lines_.next(object_)) {
      finish();
      return false;
    }
    Document next = to_document(object_, lines_.place());
    fingerprint_.add(next);
    document = std::move(next);
    return true;
  }

 private:
  void finish() {
    finished_ = true;
    if (fingerprint_.finish() != expected_) throw std::runtime_error(file_.string() + ": the file has changed since it was opened; open it again.");
  }

  std::filesystem::path file_;
  std::string expected_;
  JsonLines lines_;
  Json object_;
  Fingerprint fingerprint_;
  bool finished_ = false;
};

void check_uids(const std::vector<Document>& documents) {
  std::unordered_map<std::string_view, size_t> places;
  places.reserve(documents.size());
  for (size_t i = 0; i < documents.size(); ++i) {
    const std::string name = "documents[" + std::to_string(i) + "]";
    const std::string& uid = documents[i].uid;
    if (uid.empty()) throw std::invalid_argument("`" + name + "` must have a uid, but it is empty.");
    const auto [entry, is_new] = places.try_emplace(uid, i);
    if (!is_new) {
      throw std::invalid_argument("`" + name + "` has the uid " + detail::quote(uid) + ", which documents[" + std::to_string(entry->second) + "] has, too.");
    }
  }
}

}  // namespace

Corpus::Corpus(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Corpus Corpus::from_documents(std::vector<Document> documents) {
  check_uids(documents);
  Fingerprint fingerprint;
  for (const Document& document : documents) fingerprint.add(document);
  auto impl = std::make_shared<Impl>();
  impl->size = static_cast<int64_t>(documents.size());
  impl->fingerprint = fingerprint.finish();
  impl->read = [shared = std::make_shared<const std::vector<Document>>(std::move(documents))] { return std::make_unique<MemoryReader>(shared); };
  return Corpus(std::move(impl));
}

Corpus Corpus::open(const std::filesystem::path& file) {
  auto impl = std::make_shared<Impl>();
  JsonLines lines(file);
  Json object;
  Fingerprint fingerprint;
  DuplicateCheck duplicates;
  while (lines.next(object)) {
    const Document document = to_document(object, lines.place());
    fingerprint.add(document);
    duplicates.add(document.uid, lines.line_number());
    ++impl->size;
  }
  duplicates.finish(file);
  impl->fingerprint = fingerprint.finish();
  // Absolute, so that a change of the working folder does not matter.
  impl->read = [path = std::filesystem::absolute(file), expected = impl->fingerprint] { return std::make_unique<FileReader>(path, expected); };
  return Corpus(std::move(impl));
}

int64_t Corpus::size() const { return impl_->size; }
std::unique_ptr<DocumentReader> Corpus::read() const { return impl_->read(); }
std::string Corpus::fingerprint() const { return impl_->fingerprint; }

}  // namespace lmtx

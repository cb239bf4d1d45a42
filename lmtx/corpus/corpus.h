// The documents of a task, as a stream that can be read any number of times in the same order.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lmtx/corpus/document.h"
#include "lmtx/export.h"

namespace lmtx {

// Reads a corpus once, from its first document to its last. Belongs to one thread.
class LMTX_API DocumentReader {
 public:
  virtual ~DocumentReader() = default;
  // Puts the next document into `document`; false, leaving it untouched, when there are no more.
  // Throws std::runtime_error, naming file and line, for what is no document.
  virtual bool next(Document& document) = 0;
};

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API Corpus {
 public:
  // Keeps the documents in memory. Throws std::invalid_argument, naming both positions, for a uid that occurs twice or is empty.
  static Corpus from_documents(std::vector<Document> documents);

  // Documents of a file of JSON lines, `.gz` or plain: {"uid", "title"?, "content"?}, other fields (such as
  // "target_ind") are ignored and never kept. The file is read once here to count and check it: std::runtime_error naming file and line for
  // broken JSON, a missing uid, a field of another type, no title and no content field, or a uid that occurs twice (naming both lines).
  // Memory: 16 bytes a document; texts stay on disk.
  static Corpus open(const std::filesystem::path& file);

  int64_t size() const;
  std::unique_ptr<DocumentReader> read() const;

  // 32 hexadecimal digits that depend on every uid, title and content, in order, and on nothing else.
  std::string fingerprint() const;

 private:
  struct Impl;
  explicit Corpus(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx

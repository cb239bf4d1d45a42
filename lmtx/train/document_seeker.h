// Reads a corpus forward, to the documents that are wanted. Internal.
#pragma once

#include <cstdint>
#include <memory>

#include "lmtx/corpus/corpus.h"

namespace lmtx {

class DocumentSeeker {
 public:
  explicit DocumentSeeker(const Corpus& documents) : reader_(documents.read()) {}

  // The document of this number, which is larger than the one before; false where the corpus ends earlier.
  bool read(int64_t number, Document& document) {
    for (; next_ <= number; ++next_) {
      if (!reader_->next(document)) return false;
    }
    return true;
  }

 private:
  std::unique_ptr<DocumentReader> reader_;
  int64_t next_ = 0;
};

}  // namespace lmtx

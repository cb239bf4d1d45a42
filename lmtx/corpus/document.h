// A document, and the one place where its text is put together.
#pragma once

#include <string>
#include <string_view>

#include "lmtx/export.h"

namespace lmtx {

struct Document {
  // Unique within its corpus.
  std::string uid;
  std::string title;
  std::string content;
};

// The text of a document as encoders and baselines see it: title, tab, content; a missing part brings no tab.
LMTX_API std::string document_text(std::string_view title, std::string_view content);
inline std::string document_text(const Document& document) { return document_text(document.title, document.content); }

}  // namespace lmtx

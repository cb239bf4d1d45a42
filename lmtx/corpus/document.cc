#include "lmtx/corpus/document.h"

namespace lmtx {

std::string document_text(std::string_view title, std::string_view content) {
  std::string text;
  text.reserve(title.size() + 1 + content.size());
  text += title;
  if (!title.empty() && !content.empty()) text += '\t';
  text += content;
  return text;
}

}  // namespace lmtx

#include "lmtx/train/check_judged.h"

#include <stdexcept>
#include <string>

namespace lmtx {

namespace {

void check_rises(int64_t before, int64_t number, const std::string& what) {
  if (number <= before) throw std::invalid_argument(what + " must rise, but " + std::to_string(number) + " comes after " + std::to_string(before) + ".");
}

}  // namespace

void check_rising(std::span<const JudgedDocument> judged) {
  int64_t last_document = -1;
  for (const JudgedDocument& document : judged) {
    check_rises(last_document, document.document, "The numbers of judged documents");
    last_document = document.document;
    int64_t last_label = -1;
    for (const JudgedLabel& label : document.labels) {
      check_rises(last_label, label.label, "The labels judged for document " + std::to_string(document.document));
      last_label = label.label;
    }
  }
}

}  // namespace lmtx

// A document as a title and the content that it should be recognized by (MACLR: Xiong et al., NAACL 2022). Internal.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "lmtx/corpus/document.h"
#include "lmtx/export.h"

namespace lmtx {

struct TitlePairOptions {
  // With which the title is deleted from a sentence of the content that has it.
  double title_deletion = 0.9;
  // A document without a title lends one of its sentences as title, which its content then lacks.
  bool inverse_cloze = true;
};

struct TitlePair {
  std::string title;
  std::string content;
};

// None where fewer than 5 words of content or none of the title are left (ours; published: fewer than two sentences). The draws depend on `key` alone.
LMTX_API std::optional<TitlePair> make_title_pair(const Document& document, const TitlePairOptions& options, uint64_t key);

}  // namespace lmtx

// The documents of a run as titles and contents, on disk. Internal; format: docs/formats/run.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "lmtx/corpus/corpus.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"
#include "lmtx/train/text_file.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/unsupervised/title_pair.h"

namespace lmtx {

struct TitledTextsOptions {
  TitlePairOptions pairs = {};
  // Tokens of a title and a content, special tokens and prompt included.
  int64_t title_length = 32;
  int64_t content_length = 128;
  // Put before each.
  std::string prompt = {};
  uint64_t seed = 0;
};

// The documents that make_title_pair() makes a pair of, tokenized.
struct LMTX_API TitledTexts {
  // By rising number. Sequence i of both files is of document documents[i].
  std::vector<int64_t> documents;
  TokenFile titles, contents;

  // Writes titles.tokens, contents.tokens and titled, in this order, those that are not there yet. Reads the corpus three times. Memory: one block of
  // documents.
  static void write(const std::filesystem::path& folder, const Corpus& documents, const Tokenizer& tokenizer, const TitledTextsOptions& options,
                    std::stop_token stop = {});
  // Throws std::runtime_error naming the file and the fault; also where they do not fit each other or have documents beyond so many.
  static TitledTexts open(const std::filesystem::path& folder, int64_t num_documents);
};

// The titles and the contents of all documents as they are, by number: titles.texts and contents.texts.
struct LMTX_API PlainTexts {
  TextFile titles, contents;

  static void write(const std::filesystem::path& folder, const Corpus& documents, std::stop_token stop = {});
  static PlainTexts open(const std::filesystem::path& folder, int64_t num_documents);
};

}  // namespace lmtx

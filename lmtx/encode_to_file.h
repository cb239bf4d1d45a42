// Texts, however many, to a file of vectors.
#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/export.h"

namespace lmtx {

enum class VectorDtype {
  float32,
  float16,  // the float32 ones, rounded to nearest
};

struct EncodeToFileOptions {
  // How a text becomes a vector, as for Encoder::encode.
  EncodeOptions encode = {};
  // Of the numbers in the file.
  VectorDtype file_dtype = VectorDtype::float32;
  // Take the place of a file that is there already, when all is done.
  bool overwrite = false;
  // Tokens that are read ahead, sorted by length and computed before they are written, a text counted as 16 at least: what a kill costs at most, besides what
  // was not yet secured. Never fewer than 16 times `encode.token_budget`, on a card 64 times.
  int64_t window_tokens = 1 << 17;
  // How often what was computed is secured, 0 for after each window; a kill costs so much at most, and a window.
  double checkpoint_seconds = 5;
};

// Writes `file`, a NumPy array [num_documents, dim] in C order (docs/formats/vectors.md) that numpy.load(file, mmap_mode="r") opens: row i is the vector of
// document_text() of document i. Memory does not grow with their number: documents are read from the corpus window by window, and the next window is read and
// tokenized on a thread of its own while one is computed (where torch may use but one thread, it is not). Equal texts of one window are computed once.
//
// Until all is done the rows are in FILE.partial, with FILE.partial.json beside it. Whatever ends the work, a kill, a full disk, a stop request, the same call
// goes on from the last row that was secured, and the file gets the same bytes as without the interruption, given the same machine and torch (on a card with
// `encode.deterministic`).
//
// Throws std::invalid_argument for wrong options, for a `file` that is there already (unless `overwrite`) or cannot be written, and where FILE.partial was
// begun with another encoder, corpus or options, naming what differs; std::runtime_error, naming the path, where another process writes it, for a damaged
// FILE.partial, a full disk and a corpus that cannot be read; lmtx::Stopped on a stop request. `on_event` gets progress in documents.
LMTX_API void encode_to_file(const Encoder& encoder, const Corpus& documents, const std::filesystem::path& file, const EncodeToFileOptions& options = {},
                             const EventCallback& on_event = {}, std::stop_token stop = {});
// The same for the names of labels.
LMTX_API void encode_to_file(const Encoder& encoder, const LabelSet& labels, const std::filesystem::path& file, const EncodeToFileOptions& options = {},
                             const EventCallback& on_event = {}, std::stop_token stop = {});

}  // namespace lmtx

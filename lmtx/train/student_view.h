// What a student makes of a run's texts: their vectors, in mapped files. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <stop_token>

#include "lmtx/encoder.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/train/embedding.h"
#include "lmtx/train/token_file.h"

namespace lmtx {

// Unit rows, float32 on the CPU: of the documents that are trained on, of those held out, in the order of their numbers, and of all labels' names.
struct StudentView {
  at::Tensor training, held_out, labels;
};

struct ViewTexts {
  const TokenFile& documents;
  const TokenFile& labels;
  // Numbers of documents, rising.
  std::span<const int64_t> training, held_out;
};

// Embeds what is not there yet; a folder whose writing was interrupted is gone on with. Memory: one block of documents, and the labels' vectors. It is whole
// where view.json is.
LMTX_API void write_view(const std::filesystem::path& folder, const Encoder& encoder, const ViewTexts& texts, const EmbeddingOptions& options,
                         const EventCallback& on_event = {}, std::stop_token stop = {});
LMTX_API bool is_view(const std::filesystem::path& folder);
// Maps the files; the tensors keep them. Throws std::runtime_error naming the file and the fault, also where there are not as many rows as given.
LMTX_API StudentView open_view(const std::filesystem::path& folder, const ViewTexts& texts, int64_t dim);

}  // namespace lmtx

// Texts to vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/text/tokenizer.h"

namespace lmtx {

class SentenceModel;  // lmtx/nn/sentence_model.h

struct EncoderOptions {
  // "cpu", "cuda" or "cuda:N".
  std::string device = "cpu";
};

struct EncodeOptions {
  // Tokens a text, special tokens included; 0 means the folder's max_seq_length.
  int64_t max_length = 0;
  // Put before each text; unset means the folder's default prompt (often none).
  std::optional<std::string> prompt = std::nullopt;
  // Scale vectors to unit length; unset means as the folder's modules say.
  std::optional<bool> normalize = std::nullopt;
  // Tokens computed at once: larger is faster up to a point, and takes more memory.
  int64_t token_budget = 4096;
};

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API Encoder {
 public:
  // Opens a sentence-transformers folder. Throws std::runtime_error naming the file and the part that is missing, broken or not supported.
  static Encoder load(const std::filesystem::path& folder, const EncoderOptions& options = {});

  // float32 [num_texts, dim] on the CPU. Equal texts are embedded once; vectors do not depend on the batch a text is in beyond 1e-6.
  // `on_event` gets progress in distinct texts; a stop request ends it with lmtx::Stopped.
  at::Tensor encode(std::span<const std::string_view> texts, const EncodeOptions& options = {}, const EventCallback& on_event = {},
                    std::stop_token stop = {}) const;
  // The same for tokens that tokenizer() made (prompts have no effect, max_length must be 0: cut them first).
  at::Tensor encode_tokens(const RaggedTokens& tokens, const EncodeOptions& options = {}, const EventCallback& on_event = {},
                           std::stop_token stop = {}) const;

  // Writes a folder in sentence-transformers' classic dialect, so that it is there whole or not at all; with the tokenizer files of the folder that was
  // loaded. `max_length` (0: as loaded) becomes its max_seq_length. With `normalize` a Normalize module is there whatever the loaded folder had.
  void save(const std::filesystem::path& folder, int64_t max_length = 0, bool normalize = true) const;

  int64_t dim() const;
  // Tokens a text, special tokens included: max_seq_length of the folder, at most the positions of the model.
  int64_t max_length() const;
  // The most tokens that the model has positions for.
  int64_t max_positions() const;
  const Tokenizer& tokenizer() const;
  const SentenceModel& model() const;
  // The same tokenizer and settings around other weights of the same shape (what training makes).
  Encoder with_model(std::shared_ptr<const SentenceModel> model) const;
  // 32 hexadecimal digits over weights, configuration and tokenizer: equal for folders that give equal vectors.
  std::string fingerprint() const;

 private:
  struct Impl;
  explicit Encoder(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx

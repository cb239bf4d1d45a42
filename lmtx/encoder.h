// Texts to vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

#include "lmtx/compute_dtype.h"
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
  // Tokens computed at once: larger is faster up to a point, and takes more memory. 0 means what suits the device: 4,096 on the CPU, on a card 32,768 in half
  // precision and 16,384 in float32. Where a card's memory is too small for them, fewer are computed at once, and a notice says so.
  int64_t token_budget = 0;
  // Of the products in the network. float32 and bfloat16 on any device; int8 on the CPU only and float16 on cards only. What is between products is float32 on
  // the CPU, on cards as wide as the products.
  ComputeDtype dtype = ComputeDtype::float32;
  // A text's vector is the same to the last bit whatever it is encoded with, in any order, by any number of threads. On the CPU it is so anyway, for every
  // dtype; on a card it means that each text is computed alone.
  bool deterministic = false;
};

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API Encoder {
 public:
  // Opens a sentence-transformers folder. Throws std::runtime_error naming the file and the part that is missing, broken or not supported.
  static Encoder load(const std::filesystem::path& folder, const EncoderOptions& options = {});

  // float32 [num_texts, dim] on the CPU. Equal texts are embedded once; vectors do not depend on the batch a text is in beyond 1e-6 (on a card in half precision
  // beyond its rounding), on the CPU not at all. A card computes while texts are tokenized and vectors copied on other threads, on the caller's current stream.
  // The first call in a dtype copies the weights of the network's products to it, for all later ones. Throws std::invalid_argument for wrong options,
  // std::runtime_error where a card's memory is too small for a single text. `on_event` gets progress in distinct texts; a stop request ends it with lmtx::Stopped.
  at::Tensor encode(std::span<const std::string_view> texts, const EncodeOptions& options = {}, const EventCallback& on_event = {},
                    std::stop_token stop = {}) const;
  // The same for tokens that tokenizer() made; max_length must be 0: cut them first. `prompt` says what they begin with and is not put before them; that
  // matters only where the folder leaves prompts out of vectors.
  at::Tensor encode_tokens(const RaggedTokens& tokens, const EncodeOptions& options = {}, const EventCallback& on_event = {},
                           std::stop_token stop = {}) const;

  // Writes a folder in sentence-transformers' classic dialect, so that it is there whole or not at all; with the tokenizer files of the folder that was
  // loaded. `max_length` (0: as loaded) becomes its max_seq_length. With `normalize` a Normalize module is there whatever the loaded folder had.
  void save(const std::filesystem::path& folder, int64_t max_length = 0, bool normalize = false) const;

  // Numbers in a vector.
  int64_t dim() const;
  // Tokens a text, special tokens included: max_seq_length of the folder, at most the positions of the model.
  int64_t max_length() const;
  // The most tokens that the model has positions for.
  int64_t max_positions() const;
  const Tokenizer& tokenizer() const;
  const SentenceModel& model() const;

  // What the folder has to put before texts, by name; "query" and "document" are always there, often empty, as in sentence-transformers.
  const std::map<std::string, std::string>& prompts() const;
  // Throws std::invalid_argument with the names there are.
  const std::string& prompt(const std::string& name) const;
  // Put before texts where encode() is not told otherwise; empty where the folder names none.
  std::string default_prompt() const;
  const std::string& default_prompt_name() const;
  // These prompts in place of or besides those that there are, the one named `default_name` (empty: none) as the default; a saved folder has them.
  Encoder with_prompts(const std::map<std::string, std::string>& prompts, const std::string& default_name) const;
  // Tokens at the start of a text behind `prompt` that its vector leaves out: those of the prompt where the folder says so (`include_prompt` false), else 0.
  int64_t unpooled_tokens(const std::string& prompt) const;

  // The same tokenizer and settings around other weights of the same shape (what training makes), which must not change any more.
  Encoder with_model(std::shared_ptr<const SentenceModel> model) const;
  // 32 hexadecimal digits over weights, configuration and tokenizer: equal for folders that give equal vectors.
  std::string fingerprint() const;

 private:
  struct Impl;
  explicit Encoder(std::shared_ptr<const Impl> impl);
  std::shared_ptr<const Impl> impl_;
};

}  // namespace lmtx

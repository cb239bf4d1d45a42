// Texts to tags: all that tagging needs, in one folder, without a teacher.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/compute_dtype.h"
#include "lmtx/corpus/document.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/eval/decision_rule.h"
#include "lmtx/event.h"
#include "lmtx/export.h"

namespace lmtx {

class Encoder;
class LabelIndex;

struct Tag {
  // The label's number in the tagger's LabelSet, its uid and its name.
  int64_t number = -1;
  std::string uid;
  std::string label;
  // Cosine of text and label, plus the label's bias.
  float score = 0;
  // Of the tag being right; unset where the tagger's decision rule has no calibration.
  std::optional<float> probability;
};

// How texts and labels were cut when the tagger was made; tagging cuts the same way.
struct TaggerSettings {
  // Tokens a document and a label, special tokens included; 0 means the encoder's max_length(). A tagger has them set.
  int64_t search_length = 0;
  int64_t label_length = 0;
  // Put before each document and each label name; unset means the encoder's default prompt (often none). A tagger has them set.
  std::optional<std::string> document_prompt = std::nullopt;
  std::optional<std::string> label_prompt = std::nullopt;
};

struct TagOptions {
  // The k best labels, whatever their scores; 0 means as the tagger's decision rule says.
  int64_t k = 0;
};

struct TaggerOptions {
  // "cpu", "cuda" or "cuda:N".
  std::string device = "cpu";
};

// An immutable handle, cheap to copy; const methods may be called from several threads.
class LMTX_API Tagger {
 public:
  // Puts a tagger together; label i of `labels` owns row i of the index.
  Tagger(Encoder encoder, LabelSet labels, LabelIndex index, TaggerSettings settings = {}, DecisionRule rule = {});
  // Embeds the labels (their names) with `encoder`, in `dtype` as EncodeOptions has it, and puts a tagger together. Texts are embedded in float32 later on.
  static Tagger from_labels(Encoder encoder, LabelSet labels, TaggerSettings settings = {}, DecisionRule rule = {}, const EventCallback& on_event = {},
                            std::stop_token stop = {}, ComputeDtype dtype = ComputeDtype::float32);

  // The same tagger with another rule.
  Tagger with_rule(DecisionRule rule) const;

  // Throws std::runtime_error naming the file and the fault.
  static Tagger load(const std::filesystem::path& folder, const TaggerOptions& options = {});
  // A sentence-transformers folder (max_seq_length = search_length, the default prompt is that of documents) with the folder `lmtx/` in it, which other
  // readers ignore.
  // `provenance` is JSON text kept as lmtx/provenance.json. There whole or not at all. Format: docs/formats/tagger.md.
  void save(const std::filesystem::path& folder, const std::string& provenance = "{}") const;

  // Best first. Strings are taken as they are, documents as document_text() puts them together.
  std::vector<Tag> tag(std::string_view text, const TagOptions& options = {}) const;
  std::vector<std::vector<Tag>> tag(std::span<const std::string_view> texts, const TagOptions& options = {}, const EventCallback& on_event = {},
                                    std::stop_token stop = {}) const;
  std::vector<std::vector<Tag>> tag(std::span<const Document> documents, const TagOptions& options = {}, const EventCallback& on_event = {},
                                    std::stop_token stop = {}) const;

  const LabelSet& labels() const;
  const Encoder& encoder() const;
  const LabelIndex& index() const;
  const TaggerSettings& settings() const;
  const DecisionRule& rule() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  explicit Tagger(std::shared_ptr<const Impl> impl);
};

}  // namespace lmtx

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
#include "lmtx/search/label_filter.h"

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
  // Besides its name, a label has a vector for each of its other names, and one for "name: description" where it has one. The best counts.
  bool embed_other_names = false;
  bool embed_descriptions = false;
};

struct TagOptions {
  // The k best labels, whatever their scores; 0 means as the tagger's decision rule says.
  int64_t k = 0;
  // Which labels may come; nullptr: all. Made once (choose_labels), it serves any number of calls.
  std::shared_ptr<const LabelFilter> filter = nullptr;
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
  // Embeds the labels (their names, and what settings say) with `encoder`, in `dtype` as EncodeOptions has it, and puts a tagger together. Texts are embedded
  // in float32 later on.
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

  // New taggers with other labels; this one stays as it is. They share encoder and vectors with this one, so that a change takes milliseconds; only texts that
  // are new are embedded, and label numbers never change. A label whose texts change is embedded anew: what training moved in its vectors, and its bias, go.
  // All throw std::invalid_argument for a uid that is not there.
  // With more labels, numbered on from labels().size(). Throws std::invalid_argument for a uid that is taken.
  Tagger with_labels_added(std::span<const Label> labels, const EventCallback& on_event = {}, std::stop_token stop = {}) const;
  // Without these. What lies below one in the hierarchy lies below its broader labels then.
  Tagger with_labels_removed(std::span<const std::string> uids) const;
  // With these in the place of those of the same uids.
  Tagger with_labels_replaced(std::span<const Label> labels, const EventCallback& on_event = {}, std::stop_token stop = {}) const;
  // Without one label, whose names become other names of another; what lies below it lies below that then.
  Tagger with_label_merged(const std::string& uid, const std::string& into) const;
  // With the label vectors in one segment: as fast and small as if made anew. Worth its time after many changes.
  Tagger compact() const;

  const LabelSet& labels() const;
  // Whether both are copies of the same, which no change lies between.
  bool is(const Tagger& other) const { return impl_ == other.impl_; }
  const Encoder& encoder() const;
  const LabelIndex& index() const;
  const TaggerSettings& settings() const;
  const DecisionRule& rule() const;

 private:
  struct Impl;
  std::shared_ptr<const Impl> impl_;
  explicit Tagger(std::shared_ptr<const Impl> impl);
  // The same with other labels.
  Tagger with(LabelSet labels, LabelIndex index) const;
};

}  // namespace lmtx

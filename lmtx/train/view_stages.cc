#include "lmtx/train/view_stages.h"

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/to_tensor.h"
#include "lmtx/train/array_file.h"
#include "lmtx/train/label_refinement.h"
#include "lmtx/train/lexical_shortlister.h"
#include "lmtx/train/neighbour_labels.h"
#include "lmtx/train/posterior.h"
#include "lmtx/train/proposals.h"
#include "lmtx/train/training_set.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

constexpr detail::FileKind words_kind{"LMTXWORD", 1, "file of rankings by words"};

// Labels that words rank for a document.
constexpr int64_t words_ranked = 100;

void save_words(const fs::path& file, std::span<const RankedLists* const> rankings) {
  ArrayFileWriter writer;
  for (const RankedLists* lists : rankings) {
    writer.add(lists->offsets);
    writer.add(lists->labels);
    writer.add(lists->scores);
  }
  writer.save(file, words_kind);
}

RankedLists read_words(ArrayFileReader& reader, size_t num_lists) {
  RankedLists lists{reader.next<int64_t>(), reader.next<int64_t>(), reader.next<float>()};
  const bool fits = lists.offsets.size() == num_lists + 1 && lists.offsets.front() == 0 && std::is_sorted(lists.offsets.begin(), lists.offsets.end()) &&
                    lists.offsets.back() == static_cast<int64_t>(lists.labels.size()) && lists.labels.size() == lists.scores.size();
  if (!fits) reader.refuse();
  return lists;
}

Shortlists to_shortlists(const std::vector<int64_t>& documents, const LabelMatches& matches) {
  const at::Tensor labels = matches.labels.to(at::kInt).contiguous(), scores = matches.scores.contiguous();
  return {.k = labels.size(1),
          .documents = documents,
          .labels = {labels.const_data_ptr<int32_t>(), labels.const_data_ptr<int32_t>() + labels.numel()},
          .scores = {scores.const_data_ptr<float>(), scores.const_data_ptr<float>() + scores.numel()}};
}

// The target of a judged pair.
class Targets {
 public:
  explicit Targets(std::span<const JudgedDocument> judged) : judged_(judged) {}

  double of(int64_t document, int64_t label) const {
    const auto found = std::lower_bound(judged_.begin(), judged_.end(), document, [](const JudgedDocument& a, int64_t number) { return a.document < number; });
    if (found == judged_.end() || found->document != document) missing(document);
    const auto pair =
        std::lower_bound(found->labels.begin(), found->labels.end(), label, [](const JudgedLabel& a, int64_t number) { return a.label < number; });
    if (pair == found->labels.end() || pair->label != label) missing(document);
    return pair->target;
  }

 private:
  [[noreturn]] static void missing(int64_t document) {
    throw std::logic_error("A judged pair of document " + std::to_string(document) + " has no target: this is a bug in LMTX.");
  }
  std::span<const JudgedDocument> judged_;
};

float cosine(const at::Tensor& a, int64_t i, const at::Tensor& b, int64_t j) {
  const int64_t dim = a.size(1);
  const float *x = a.const_data_ptr<float>() + i * dim, *z = b.const_data_ptr<float>() + j * dim;
  return std::inner_product(x, x + dim, z, 0.0F);
}

// Of a label in a list, divided by the list's best; 0 where it is not there.
float relative_score(const RankedLists& lists, int64_t i, int64_t label) {
  const auto labels = lists.labels_of(i);
  const auto found = std::find(labels.begin(), labels.end(), label);
  return found == labels.end() ? 0 : lists.scores_of(i)[static_cast<size_t>(found - labels.begin())] / lists.scores_of(i).front();
}

}  // namespace

bool needs_views(const TrainerOptions& options) {
  return options.shortlist_sources != "dense" || options.exploration > 0 || options.asking != "top" || options.selection != "rank1" ||
         options.plan == "all_judged" || LabelRefinementOptions::of(options).any();
}

ViewStages::ViewStages(const WorkFolder& folder, const TrainerOptions& options, const TextPrompts& prompts, const Lengths& lengths, const RunTexts& texts,
                       StageServices services)
    : folder_(folder), options_(options), prompts_(prompts), lengths_(lengths), texts_(texts), services_(std::move(services)) {}

// --- what is known of the texts ---

fs::path ViewStages::folder_of(int64_t student) const { return student < 0 ? folder_.path() / "base" : folder_.cycle(student); }

const StudentView& ViewStages::view(int64_t student) const {
  if (const auto opened = views_.find(student); opened != views_.end()) return opened->second;
  const fs::path folder = folder_of(student) / "vectors";
  if (!is_view(folder)) {
    const Encoder encoder = services_.load_student(student);
    EmbeddingOptions options = resolve_embedding(options_, lengths_, prompts_, encoder);
    // float16 has three bits more than bfloat16.
    if (options.dtype != ComputeDtype::float32) options.dtype = ComputeDtype::float16;
    write_view(folder, encoder, view_texts(), options, services_.events("embed documents", student + 1), services_.stop);
  }
  // The base encoder's is used in every cycle, of the others the newest.
  std::erase_if(views_, [](const auto& opened) { return opened.first >= 0; });
  return views_.emplace(student, open_view(folder, view_texts(), services_.load_student(-1).dim())).first->second;
}

ViewStages::Words ViewStages::words() const {
  const fs::path file = folder_of(-1) / "words";
  const size_t training = texts_.split.training.size(), held_out = texts_.split.development.size();
  if (!fs::exists(file)) {
    fs::create_directories(file.parent_path());
    const LexicalShortlister shortlister(texts_.label_set, texts_.label_twins);
    const auto on_event = services_.events("search words", -1);
    const RankedLists of_training = shortlister.shortlist(texts_.corpus, texts_.split.training, words_ranked, on_event, services_.stop);
    const RankedLists of_held_out = shortlister.shortlist(texts_.corpus, texts_.split.development, words_ranked, on_event, services_.stop);
    save_words(file, std::vector<const RankedLists*>{&of_training, &of_held_out});
  }
  ArrayFileReader reader(file, words_kind);
  Words words{.training = read_words(reader, training), .held_out = read_words(reader, held_out)};
  reader.finish();
  return words;
}

int64_t ViewStages::row_of(int64_t document) const {
  const auto& training = texts_.split.training;
  const auto found = std::lower_bound(training.begin(), training.end(), texts_.document_twins.first(document));
  return found - training.begin();
}

// --- what to ask ---

void ViewStages::propose(int64_t cycle, std::span<const JudgedDocument> judged) const {
  const fs::path file = folder_.cycle(cycle) / "proposals";
  if (fs::exists(file)) return;
  const StudentView& view = this->view(cycle - 1);
  const ProposalOptions options = ProposalOptions::of(options_, cycle);
  const LabelMatches matches =
      beside(index(cycle - 1), services_.load_student(-1)).search(view.training, std::min(options.size, texts_.labels.size()), {}, {}, services_.stop);
  const Shortlists dense = to_shortlists(texts_.split.training, matches);
  const Words words = options.sources & proposed_by::bm25 ? this->words() : Words();
  RankedLists neighbours;
  if (options.sources & proposed_by::neighbours) {
    neighbours = neighbour_labels(
        view.training, texts_.split.training, judged, [](const JudgedLabel& label) { return label.target; }, texts_.label_twins, options.size, {},
        services_.stop);
  }
  lmtx::propose(texts_.split.training, {.dense = &dense, .bm25 = &words.training, .neighbours = &neighbours}, texts_.labels.size(), texts_.label_twins, options,
                services_.stop)
      .save(file);
}

Proposals ViewStages::load_proposals(int64_t cycle) const {
  const fs::path file = folder_.cycle(cycle) / "proposals";
  Proposals proposals = Proposals::load(file);
  if (proposals.documents != texts_.split.training) detail::fail(file.string(), "is of other documents than those that are trained on.");
  if (!proposals.within(texts_.documents.size(), texts_.labels.size())) detail::fail(file.string(), "names labels that this run does not have.");
  return proposals;
}

Asking ViewStages::choose(int64_t cycle, std::span<const AskedPairs> earlier, std::span<const JudgedDocument> judged, int64_t budget) const {
  const Proposals proposals = load_proposals(cycle);
  const Targets targets(judged);
  const std::vector<PastPair> past = past_pairs(earlier, [&](int64_t document, const AskedPair& pair) { return targets.of(document, pair.label); });
  const ProposedLabels proposed = ProposedLabels::of(proposals);
  const at::Tensor vectors = options_.first_documents == "spread" ? view(cycle - 1).training : at::Tensor();
  Asking asking = options_.asking == "streams" ? choose_by_streams(proposed, past, budget, cycle, options_.seed, AskingOptions::of(options_), vectors)
                                               : choose_by_place(proposed, past, budget, cycle, options_.seed);
  save_streams(asking.streams, folder_.cycle(cycle) / "streams");
  return asking;
}

// --- what was answered ---

std::vector<JudgedDocument> ViewStages::judged(std::span<const AskedPairs> stages) const {
  std::vector<JudgedDocument> judged = training_set(stages, texts_.document_twins, texts_.label_twins);
  if (judged.empty()) return judged;
  add_near(judged, static_cast<int64_t>(stages.size()) - 1);
  if (options_.targets == "posterior") {
    const StudentView& base = view(-1);
    const Words words = this->words();
    assign_posterior_targets(judged, options_, [&](int64_t document, int64_t label) {
      const int64_t row = row_of(document);
      return PairFeatures{.cosine = cosine(base.training, row, base.labels, label),
                          .words = relative_score(words.training, row, texts_.label_twins.first(label))};
    });
    return judged;
  }
  mark_random(judged, stages);
  assign_targets(judged, options_);
  return judged;
}

void ViewStages::add_near(std::vector<JudgedDocument>& judged, int64_t cycle) const {
  const Proposals proposals = load_proposals(cycle);
  for (JudgedDocument& document : judged) {
    const auto labels = proposals.labels_of(row_of(document.document));
    document.near.assign(labels.begin(), labels.begin() + std::min<int64_t>(static_cast<int64_t>(labels.size()), options_.mask_near));
  }
}

void ViewStages::mark_random(std::vector<JudgedDocument>& judged, std::span<const AskedPairs> stages) const {
  for (size_t cycle = 0; cycle < stages.size(); ++cycle) {
    const std::vector<AskingStream> streams = load_streams(folder_.cycle(static_cast<int64_t>(cycle)) / "streams", stages[cycle].num_pairs());
    size_t at = 0;
    for (int64_t i = 0; i < stages[cycle].num_documents(); ++i) {
      const auto found = std::lower_bound(judged.begin(), judged.end(), stages[cycle].document(i),
                                          [](const JudgedDocument& a, int64_t number) { return a.document < number; });
      for (const AskedPair& pair : stages[cycle].of(i)) {
        if (streams[at++] != AskingStream::random || found == judged.end() || found->document != stages[cycle].document(i)) continue;
        for (JudgedLabel& label : found->labels) label.at_random = label.at_random || label.label == pair.label;
      }
    }
  }
}

// --- what labels have become ---

JudgedPairs ViewStages::pairs_of(std::span<const JudgedDocument> judged) const {
  std::vector<int64_t> rows, labels;
  std::vector<float> targets, weights;
  for (const JudgedDocument& document : judged) {
    // Its twin's verdicts are the same.
    if (!texts_.document_twins.is_first(document.document)) continue;
    for (const JudgedLabel& label : document.labels) {
      rows.push_back(row_of(document.document));
      labels.push_back(label.label);
      targets.push_back(static_cast<float>(label.target));
      weights.push_back(static_cast<float>(label.weight));
    }
  }
  return {detail::to_tensor(rows), detail::to_tensor(labels), detail::to_tensor(targets), detail::to_tensor(weights)};
}

LabelIndex ViewStages::refined(int64_t cycle, std::span<const JudgedDocument> judged, double share) const {
  LabelRefinementOptions options = LabelRefinementOptions::of(options_);
  options.prototype_weight *= share;
  const StudentView& view = this->view(cycle);
  if (!options.any()) return LabelIndex::build(view.labels);
  const RefinedLabels refined = refine_labels(view.training, view.labels, pairs_of(judged), options);
  const LabelIndex index = LabelIndex::build(refined.vectors);
  if (!options.bias) return index;
  std::vector<int64_t> all(static_cast<size_t>(refined.biases.numel()));
  std::iota(all.begin(), all.end(), 0);
  const at::Tensor biases = refined.biases.contiguous();
  return index.with_bias(all, {biases.const_data_ptr<float>(), all.size()});
}

void ViewStages::keep(int64_t cycle, const LabelIndex& index) const {
  const fs::path folder = folder_of(cycle) / "index";
  if (!fs::exists(folder)) index.save(folder);
}

bool ViewStages::has_index(int64_t student) const { return fs::exists(folder_of(student) / "index"); }

LabelIndex ViewStages::index(int64_t student) const {
  return has_index(student) ? LabelIndex::load(folder_of(student) / "index") : LabelIndex::build(view(student).labels);
}

Shortlists ViewStages::rank_held_out(int64_t student, const LabelIndex& index, int64_t k) const {
  const auto& documents = texts_.split.development;
  if (documents.empty()) return {.k = 1, .documents = {}, .labels = {}, .scores = {}};
  return to_shortlists(documents, index.search(view(student).held_out, std::min(k, texts_.labels.size()), {}, {}, services_.stop));
}

RankedLists ViewStages::words_of_held_out() const { return words().held_out; }

}  // namespace lmtx

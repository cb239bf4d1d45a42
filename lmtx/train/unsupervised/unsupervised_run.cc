#include "lmtx/train/unsupervised/unsupervised_run.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cstdio>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/options_json.h"
#include "lmtx/detail/random.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/detail/tagging_prompts.h"
#include "lmtx/detail/with_commas.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/train/array_file.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/finished_run.h"
#include "lmtx/train/prepared_texts.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/step_training.h"
#include "lmtx/train/training_texts.h"
#include "lmtx/train/unsupervised/kmeans.h"
#include "lmtx/train/unsupervised/likely_labels.h"
#include "lmtx/train/unsupervised/pair_steps.h"
#include "lmtx/train/unsupervised/segment_pairs.h"
#include "lmtx/train/unsupervised/segments.h"
#include "lmtx/train/unsupervised/tfidf_index.h"
#include "lmtx/train/unsupervised/titled_texts.h"
#include "lmtx/train/unsupervised/words.h"
#include "lmtx/version.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Json;
using detail::with_commas;

namespace {

constexpr detail::FileKind clusters_kind{"LMTXCLUS", 1, "file of clusters"};
constexpr int64_t trained_format = 1;

// A twentieth of the documents is held out, at most so many.
constexpr int64_t most_held_out = 2000;

// Texts matched by their words at once.
constexpr size_t matched_texts = 4096;

std::string text_of(const char* pattern, double number) {
  char text[64];
  std::snprintf(text, sizeof text, pattern, number);
  return text;
}

void check_finite(const SentenceModel& student, double learning_rate) {
  for (const auto& [name, weights] : student.parameters()) {
    if (!at::isfinite(weights).all().item<bool>())
      throw std::runtime_error("The training ran away (weights of " + name + " are not finite): `learning_rate` " + std::to_string(learning_rate) +
                               " is too large. Start again in a new folder with a smaller one.");
  }
}

// The part of a schedule's steps that come after `end`.
int64_t steps_after(const std::vector<StagePart>& parts, const StagePart& part) {
  const StagePart& last = parts.back();
  return last.first_step + last.num_steps - part.first_step - part.num_steps;
}

}  // namespace

UnsupervisedRun::UnsupervisedRun(const CurriculumInput& input, const RunManifest& manifest, const EventCallback& on_event, std::stop_token stop)
    : input_(input), options_(input.options), folder_(input.folder), manifest_(manifest), on_event_(on_event), stop_(std::move(stop)) {}

TrainingReport UnsupervisedRun::run() {
  prepare();
  options_.method == "maclr" ? run_maclr() : run_rts();
  save_tagger();
  return finish();
}

// --- before the first training ---

void UnsupervisedRun::prepare() {
  const Tokenizer& tokenizer = input_.base.tokenizer();
  PreparedTexts texts = prepare_texts(folder_, input_.documents, *input_.labels, tokenizer, input_.lengths, input_.prompts, staged("tokenize"), stop_);
  report_.inputs = texts.report();
  documents_ = std::move(texts.documents);
  labels_ = std::move(texts.labels);
  document_twins_ = std::move(texts.document_twins);
  label_twins_ = std::move(texts.label_twins);
  TitledTexts::write(folder_.path(), input_.documents, tokenizer,
                     {.pairs = {.title_deletion = options_.title_deletion, .inverse_cloze = options_.inverse_cloze},
                      .title_length = std::min(options_.title_length, input_.base.max_positions()),
                      .content_length = input_.lengths.document,
                      .prompt = input_.prompts.document,
                      .seed = options_.seed},
                     stop_);
  TitledTexts titled = TitledTexts::open(folder_.path(), documents_->size());
  titled_ = TitleTexts{.titles = titled.titles,
                       .contents = titled.contents,
                       .documents = std::move(titled.documents),
                       .labels = *labels_,
                       .label_numbers = label_twins_.firsts(labels_->size()),
                       .unpooled = input_.base.unpooled_tokens(input_.prompts.document)};
  split(texts.is_empty);
}

// Documents that read as an earlier one, or have no text, are passed over.
void UnsupervisedRun::split(const std::vector<bool>& is_empty) {
  std::vector<int64_t> titled;
  for (size_t place = 0; place < titled_->documents.size(); ++place) {
    if (document_twins_.is_first(titled_->documents[place])) titled.push_back(static_cast<int64_t>(place));
  }
  const auto order = detail::permutation(static_cast<int64_t>(titled.size()), detail::random_key(options_.seed, "held-out titles"));
  const size_t count = std::min<size_t>(titled.size() / 20, most_held_out);
  std::vector<bool> is_held_out(static_cast<size_t>(documents_->size()));
  for (size_t i = 0; i < count; ++i) {
    held_out_.push_back(titled[static_cast<size_t>(order[i])]);
    is_held_out[static_cast<size_t>(titled_->documents[static_cast<size_t>(held_out_.back())])] = true;
  }
  std::sort(held_out_.begin(), held_out_.end());
  for (const int64_t place : titled) {
    if (!is_held_out[static_cast<size_t>(titled_->documents[static_cast<size_t>(place)])]) places_.push_back(place);
  }
  for (int64_t i = 0; i < documents_->size(); ++i) {
    if (!is_empty[static_cast<size_t>(i)] && document_twins_.is_first(i) && !is_held_out[static_cast<size_t>(i)]) training_.push_back(i);
  }
}

// --- MACLR ---

void UnsupervisedRun::run_maclr() {
  if (!places_.empty()) run_titles();
  if (options_.self_training_epochs > 0) run_self_training();
}

void UnsupervisedRun::run_titles() {
  const auto documents = static_cast<int64_t>(places_.size());
  const auto parts = stage_parts(num_title_steps(documents, options_), cluster_phases(options_.clusters, documents));
  const size_t first = trained_.size();
  for (const StagePart& part : parts) {
    if (part.num_steps == 0) continue;
    const auto make_steps = [&] {
      TitleStepsPart steps{.places = places_, .clusters = clusters_of(part), .first_step = part.first_step, .num_steps = part.num_steps};
      return std::make_unique<TitleSteps>(*titled_, std::move(steps), options_);
    };
    train({.make_steps = make_steps, .options = options_, .steps_before = part.first_step, .steps_after = steps_after(parts, part)});
  }
  note_training("Titles against contents of " + with_commas(documents) + " documents", first);
}

std::vector<int64_t> UnsupervisedRun::clusters_of(const StagePart& part) const {
  if (part.clusters == 0) return {};
  const fs::path file = part_folder(static_cast<int64_t>(trained_.size())) / "clusters";
  if (!fs::exists(file)) {
    std::vector<int64_t> documents;
    for (const int64_t place : places_) documents.push_back(titled_->documents[static_cast<size_t>(place)]);
    const Encoder encoder = student();
    const at::Device device = encoder.model().device();
    const at::Tensor vectors = embed("embed documents", *documents_, documents, input_.lengths.document, encoder).to(device);
    const at::Tensor clusters = cluster_unit_rows(
        vectors, {.clusters = part.clusters, .starts = device.is_cpu() ? 1 : 5, .key = detail::random_key(options_.seed, "clusters", {part.first_step})},
        stop_);
    const auto* numbers = clusters.const_data_ptr<int64_t>();
    ArrayFileWriter writer;
    writer.add(std::vector<int64_t>(numbers, numbers + clusters.numel()));
    writer.save(file, clusters_kind);
  }
  ArrayFileReader reader(file, clusters_kind);
  std::vector<int64_t> clusters = reader.next<int64_t>();
  reader.finish();
  if (clusters.size() != places_.size()) reader.refuse();
  return clusters;
}

void UnsupervisedRun::run_self_training() {
  const fs::path file = part_folder(static_cast<int64_t>(trained_.size())) / "pairs";
  if (!fs::exists(file)) find_likely_labels().save(file);
  const LabelPairs pairs = LabelPairs::load(file);
  if (!pairs.within(documents_->size(), labels_->size())) detail::fail(file.string(), "names documents or labels that this run does not have.");
  TrainerOptions options = options_;
  options.learning_rate *= options_.self_training_rate;
  const auto make_steps = [&] {
    const TrainingTexts texts{.documents = *documents_,
                              .labels = *labels_,
                              .suffix_size = static_cast<int64_t>(input_.base.tokenizer().suffix().size()),
                              .document_length = input_.lengths.document,
                              .label_length = input_.lengths.label};
    return std::make_unique<PairSteps>(std::make_shared<LabelPairSource>(pairs, texts), PairStepsOptions{.epochs = options_.self_training_epochs,
                                                                                                         .batch_size = options_.batch_size,
                                                                                                         .temperature = options_.temperature,
                                                                                                         .mask_duplicates = options_.mask_duplicates,
                                                                                                         .seed = options_.seed,
                                                                                                         .name = "self-training",
                                                                                                         .unpooled = titled_->unpooled});
  };
  const size_t first = trained_.size();
  train({.make_steps = make_steps, .options = options});
  note_training("Documents against likely labels in " + with_commas(static_cast<int64_t>(pairs.documents.size())) + " pairs", first);
}

LabelPairs UnsupervisedRun::find_likely_labels() const {
  const Encoder encoder = student();
  const Computing computing = resolve_computing(options_, encoder.model());
  const Shortlister shortlister(encoder, *labels_, label_twins_,
                                {.search_length = input_.lengths.search,
                                 .suffix_size = static_cast<int64_t>(encoder.tokenizer().suffix().size()),
                                 .token_budget = computing.search_token_budget,
                                 .dtype = computing.dtype,
                                 .prompts = input_.prompts},
                                staged("embed labels"), stop_);
  const Shortlists ranked =
      shortlister.shortlist(*documents_, training_, 1, part_folder(static_cast<int64_t>(trained_.size())) / "ranked.log", staged("embed documents"), stop_);

  TermCounts counts;
  std::vector<std::string_view> names;
  for (const int64_t label : titled_->label_numbers) names.push_back((*input_.labels)[label].name);
  for (const std::string_view name : names) counts.add(name);
  const auto first_reader = input_.documents.read();
  for (Document document; first_reader->next(document); counts.add(document_text(document))) check_stop(stop_);
  const TfidfIndex index = TfidfIndex::build(names, titled_->label_numbers, counts);
  std::vector<TfidfIndex::Match> matches;
  std::vector<std::string> texts;
  const auto match = [&] {
    const auto found = index.best(std::vector<std::string_view>(texts.begin(), texts.end()), stop_);
    matches.insert(matches.end(), found.begin(), found.end());
    texts.clear();
  };
  const auto reader = input_.documents.read();
  Document document;
  size_t next = 0;
  for (int64_t number = 0; next < training_.size() && reader->next(document); ++number) {
    if (training_[next] != number) continue;
    ++next;
    texts.push_back(document_text(document));
    if (texts.size() == matched_texts) match();
  }
  match();
  return likely_labels(ranked, matches);
}

// --- RTS ---

void UnsupervisedRun::run_rts() {
  PlainTexts::write(folder_.path(), input_.documents, stop_);
  const PlainTexts texts = PlainTexts::open(folder_.path(), documents_->size());
  std::vector<int32_t> num_words;
  for (const int64_t document : training_) num_words.push_back(static_cast<int32_t>(split_words(texts.contents[document]).size()));
  const int64_t min_words = options_.segment_words > 0 ? options_.segment_words : default_segment_words(num_words);
  const SegmentPairOptions pair_options{.titles = options_.pair_titles,
                                        .labels = options_.pair_labels,
                                        .title_segments = options_.pair_title_segments,
                                        .segments = options_.pair_segments,
                                        .min_words = min_words,
                                        .max_pairs = options_.max_pairs,
                                        // Twice as many tokens as a segment has words at most.
                                        .max_length = std::min(std::max<int64_t>(4 * min_words, 32), input_.base.max_positions()),
                                        .document_prompt = input_.prompts.document,
                                        .label_prompt = input_.prompts.label,
                                        .seed = options_.seed};
  const auto make_steps = [&] {
    SegmentTexts segment_texts{
        .titles = texts.titles, .contents = texts.contents, .labels = input_.labels, .document_numbers = training_, .label_numbers = titled_->label_numbers};
    auto pairs = std::make_shared<SegmentPairs>(std::move(segment_texts), input_.base.tokenizer(), pair_options);
    return std::make_unique<PairSteps>(std::move(pairs), PairStepsOptions{.epochs = options_.epochs,
                                                                          .batch_size = options_.batch_size,
                                                                          .temperature = options_.temperature,
                                                                          .mask_duplicates = options_.mask_duplicates,
                                                                          .seed = options_.seed,
                                                                          .name = "segments",
                                                                          .unpooled = titled_->unpooled});
  };
  train({.make_steps = make_steps, .options = options_});
  note_training("Titles, labels and segments of " + std::to_string(min_words) + " to " + std::to_string(2 * min_words) + " words of " +
                    with_commas(static_cast<int64_t>(training_.size())) + " documents",
                0);
}

// --- a training ---

void UnsupervisedRun::train(const Part& part) {
  const auto number = static_cast<int64_t>(trained_.size());
  if (!fs::exists(part_folder(number) / "trained.json")) train_newly(part, number);
  trained_.push_back(read_trained(number));
  if (!trained_.back().has_student) return;
  for (int64_t earlier = 0; earlier < number; ++earlier) detail::remove_tree(folder_.path() / student_name(earlier));
  for (const char* working : {"training", "ranked.log"}) detail::remove_tree(part_folder(number) / working);
}

void UnsupervisedRun::train_newly(const Part& part, int64_t number) {
  const auto steps = part.make_steps();
  const Encoder start = student();
  const StepTrainingResult result = train_steps({.start = start.model(),
                                                 .steps = *steps,
                                                 .options = part.options,
                                                 .checkpoint_folder = part_folder(number) / "training",
                                                 .steps_before = part.steps_before,
                                                 .steps_after = part.steps_after},
                                                of_stage(part), stop_);
  Json json;
  json["format"] = trained_format;
  json["student"] = result.student != nullptr;
  json["steps"] = result.steps;
  json["first_loss"] = result.first_loss;
  json["last_loss"] = result.last_loss;
  if (result.student) {
    check_finite(*result.student, part.options.learning_rate);
    const Encoder trained = detail::with_tagging_prompts(start.with_model(result.student), input_.prompts.document, input_.prompts.label);
    trained.save(folder_.path() / student_name(number), input_.lengths.search, /*normalize=*/true);
    json["student_files"] = detail::folder_checksums(folder_.path() / student_name(number));
  }
  detail::write_json(part_folder(number) / "trained.json", detail::sealed(std::move(json)));
}

UnsupervisedRun::Trained UnsupervisedRun::read_trained(int64_t number) const {
  const std::string place = (part_folder(number) / "trained.json").string();
  const Json json = detail::read_json(place);
  const int64_t format = detail::json_integer(json, "format", place);
  if (format > trained_format)
    detail::fail(place, "has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(trained_format) + "; update LMTX.");
  detail::check_seal(json, place);
  return {.has_student = detail::json_boolean(json, "student", place),
          .steps = detail::json_integer(json, "steps", place),
          .first_loss = detail::json_number_or(json, "first_loss", 0, place),
          .last_loss = detail::json_number_or(json, "last_loss", 0, place)};
}

int64_t UnsupervisedRun::last_with_student() const {
  auto number = static_cast<int64_t>(trained_.size()) - 1;
  while (number >= 0 && !trained_[static_cast<size_t>(number)].has_student) --number;
  return number;
}

// Always from its folder, so that it is the same encoder before and after an interruption.
Encoder UnsupervisedRun::student() const {
  const int64_t number = last_with_student();
  if (number < 0) return input_.base;
  const fs::path trained = part_folder(number) / "trained.json";
  detail::check_folder(folder_.path() / student_name(number), detail::read_json(trained).value("student_files", Json()), trained.string());
  return Encoder::load(folder_.path() / student_name(number), {.device = input_.base.model().device().str()});
}

// --- measuring ---

at::Tensor UnsupervisedRun::embed(const std::string& stage, const TokenFile& texts, const std::vector<int64_t>& numbers, int64_t length,
                                  const Encoder& encoder) const {
  const Computing computing = resolve_computing(options_, encoder.model());
  RaggedTokens tokens;
  for (const int64_t number : numbers) {
    const auto cut = cut_tokens(texts[number], length, static_cast<int64_t>(encoder.tokenizer().suffix().size()));
    tokens.ids.insert(tokens.ids.end(), cut.begin(), cut.end());
    tokens.offsets.push_back(static_cast<int64_t>(tokens.ids.size()));
  }
  EncodeOptions options;
  options.prompt = input_.prompts.document;
  options.normalize = true;
  options.token_budget = computing.search_token_budget;
  options.dtype = computing.dtype;
  return encoder.encode_tokens(tokens, options, staged(stage), stop_);
}

double UnsupervisedRun::recall(const Encoder& encoder) const {
  const at::Tensor titles = embed("embed titles held out", titled_->titles, held_out_, titled_->titles.max_length(), encoder);
  const at::Tensor contents = embed("embed contents held out", titled_->contents, held_out_, titled_->contents.max_length(), encoder);
  const at::Tensor best = at::mm(titles, contents.t()).argmax(/*dim=*/1);
  return best.eq(at::arange(best.numel(), at::kLong)).to(at::kDouble).mean().item<double>();
}

// --- the end ---

void UnsupervisedRun::save_tagger() {
  if (fs::exists(folder_.tagger())) return;
  const Encoder encoder = student();
  const bool halves = resolve_computing(options_, encoder.model()).dtype != ComputeDtype::float32;
  const auto tagger = Tagger::from_labels(encoder, *input_.labels,
                                          {.search_length = input_.lengths.search,
                                           .label_length = input_.lengths.label,
                                           .document_prompt = input_.prompts.document,
                                           .label_prompt = input_.prompts.label},
                                          {}, staged("embed labels"), stop_, halves ? ComputeDtype::float16 : ComputeDtype::float32);
  check_stop(stop_);
  tagger.save(folder_.tagger(), provenance());
}

TrainingReport UnsupervisedRun::finish() {
  const int64_t last = last_with_student();
  if (!held_out_.empty())
    note("The content that is nearest to a title is its own for " + text_of("%.1f", 100 * recall(input_.base)) + " % of " +
         with_commas(static_cast<int64_t>(held_out_.size())) + " documents held out before training, for " + text_of("%.1f", 100 * recall(student())) +
         " % after it.");
  report_.teacher = manifest_.teacher;
  report_.ended = last < 0 ? "nothing to learn" : "stages";
  if (last >= 0) report_.student_folders.push_back(student_name(last));
  if (last < 0) note("There is nothing to learn from, so that the tagger carries the base encoder as it was.");
  report_.tagger_folder = folder_.tagger().filename();
  write_report(folder_.report(), report_);
  return read_finished_run(folder_);
}

// How the tagger came about, without time, host or path: the same run gives the same bytes.
std::string UnsupervisedRun::provenance() const {
  Json json;
  json["lmtx"] = version();
  json["torch"] = manifest_.torch;
  json["base"] = manifest_.base;
  json["documents"] = manifest_.documents;
  json["labels"] = manifest_.labels;
  json["options"] = detail::options_to_json(options_);
  return json.dump(2);
}

fs::path UnsupervisedRun::part_folder(int64_t number) const {
  const fs::path folder = folder_.path() / ("part-" + std::to_string(number));
  detail::make_folder(folder);
  return folder;
}

void UnsupervisedRun::note_training(const std::string& what, size_t first_part) {
  int64_t steps = 0;
  for (size_t i = first_part; i < trained_.size(); ++i) steps += trained_[i].steps;
  if (steps == 0) return;
  note(what + ": " + with_commas(steps) + " steps, loss " + text_of("%.3f", trained_[first_part].first_loss) + " to " +
       text_of("%.3f", trained_.back().last_loss) + ".");
}

void UnsupervisedRun::note(const std::string& message) {
  report_.notices.push_back(message);
  if (on_event_) on_event_({.kind = Event::Kind::notice, .stage = "notice", .message = message});
}

// Progress of a training as that of all that it is a part of.
EventCallback UnsupervisedRun::of_stage(const Part& part) const {
  if (!on_event_) return {};
  return [this, before = part.steps_before, after = part.steps_after](const Event& event) {
    Event overall = event;
    overall.done += before;
    overall.total += before + after;
    on_event_(overall);
  };
}

EventCallback UnsupervisedRun::staged(const std::string& stage) const {
  if (!on_event_) return {};
  return [this, stage](const Event& event) {
    Event named = event;
    named.stage = stage;
    named.cycle = -1;
    on_event_(named);
  };
}

}  // namespace lmtx

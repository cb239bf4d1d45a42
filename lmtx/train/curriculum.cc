#include "lmtx/train/curriculum.h"

#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/options_json.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/detail/tagging_prompts.h"
#include "lmtx/eval/bootstrap.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/train/asking_policy.h"
#include "lmtx/train/asking_time.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/finished_run.h"
#include "lmtx/train/notices.h"
#include "lmtx/train/prepared_texts.h"
#include "lmtx/train/round_budget.h"
#include "lmtx/train/selection.h"
#include "lmtx/train/student_training.h"
#include "lmtx/train/training_set.h"
#include "lmtx/version.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Json;
using Clock = std::chrono::steady_clock;

namespace {

// Stands for the untouched encoder among the students.
constexpr int64_t base_encoder = -1;

// Of trained.json; files of earlier versions have no number.
constexpr int64_t trained_format = 1;

Json read_trained(const fs::path& file) {
  Json json = detail::read_json(file);
  const int64_t format = detail::json_integer_or(json, "format", trained_format, file.string());
  if (format > trained_format) {
    detail::fail(file.string(),
                 "has format " + std::to_string(format) + ", but this version of LMTX reads up to " + std::to_string(trained_format) + "; update LMTX.");
  }
  detail::check_seal(json, file.string());
  return json;
}

// A training that ran away must not reach the next stage as NaN.
void check_finite(const SentenceModel& student, int64_t cycle, double learning_rate) {
  for (const auto& [name, weights] : student.parameters()) {
    if (!at::isfinite(weights).all().item<bool>())
      throw std::runtime_error("The training of cycle " + std::to_string(cycle) + " ran away (weights of " + name + " are not finite): `learning_rate` " +
                               std::to_string(learning_rate) +
                               " is too large. Start again in a new folder with a smaller one; with the same store nothing is asked twice.");
  }
}

// Share of yes among the scored pairs that `pick` takes, one of each document.
template <typename Pick>
std::optional<Interval> precision(const AskedPairs& pairs, double yes_above, Pick pick) {
  std::vector<double> values;
  for (int64_t i = 0; i < pairs.num_documents(); ++i) {
    const AskedPair& pair = pick(pairs.of(i));
    if (pair.state == PairState::scored) values.push_back(pair.score >= yes_above ? 1 : 0);
  }
  if (values.empty()) return std::nullopt;
  return bootstrap_mean(values);
}

// The labels ranked first: the student's before the untouched encoder's, where that differs.
AskedPairs first_ranked(const Shortlists& student, const std::optional<Shortlists>& untouched) {
  AskedPairs wanted;
  for (size_t i = 0; i < student.documents.size(); ++i) {
    std::vector<int64_t> labels{student.labels[i]};
    if (untouched && untouched->labels[i] != labels[0]) labels.push_back(untouched->labels[i]);
    wanted.add(student.documents[i], labels);
  }
  return wanted;
}

// The labels of `judged` that `verdicts` have, too; both by rising document and label.
std::vector<JudgedDocument> in_common(std::span<const JudgedDocument> judged, std::span<const JudgedDocument> verdicts) {
  std::vector<JudgedDocument> common;
  auto with_targets = judged.begin();
  for (const JudgedDocument& document : verdicts) {
    while (with_targets->document < document.document) ++with_targets;
    JudgedDocument& kept = common.emplace_back(*with_targets);
    std::erase_if(kept.labels, [&](const JudgedLabel& label) {
      return std::none_of(document.labels.begin(), document.labels.end(), [&](const JudgedLabel& other) { return other.label == label.label; });
    });
  }
  return common;
}

bool cut_by_budget(const CycleReport& cycle) { return cycle.training.over_budget + cycle.development.over_budget > 0; }

}  // namespace

template <typename Result>
Result Curriculum::load_result(int64_t cycle, const std::string& name) const {
  const fs::path file = folder_.cycle(cycle) / name;
  Result result = Result::load(file);
  if (!result.within(documents_->size(), labels_->size())) detail::fail(file.string(), "names documents or labels that this run does not have.");
  return result;
}

Curriculum::Curriculum(const CurriculumInput& input, const RunManifest& manifest, const EventCallback& on_event, std::stop_token stop)
    : input_(input),
      options_(input.options),
      folder_(input.folder),
      manifest_(manifest),
      on_event_(on_event),
      stop_(std::move(stop)),
      store_(std::make_shared<JudgmentStore>(JudgmentStore::open(input.store))),
      accounts_(manifest_.run, manifest_.budget, *store_) {}

TrainingReport Curriculum::run() {
  prepare();
  for (int64_t cycle = 0; so_far_.ended.empty(); ++cycle) run_cycle(cycle);
  save_tagger();
  return finish();
}

// --- before the first cycle ---

void Curriculum::prepare() {
  const Clock::time_point begin = Clock::now();
  const bool is_new = !fs::exists(folder_.twins());
  PreparedTexts texts =
      prepare_texts(folder_, input_.documents, *input_.labels, input_.base.tokenizer(), input_.lengths, input_.prompts, staged("tokenize", -1), stop_);
  if (is_new) tell_stage("tokenize", -1, begin);
  split_ = split(texts.is_empty, texts.document_twins);
  so_far_.inputs = texts.report();
  documents_ = std::move(texts.documents);
  labels_ = std::move(texts.labels);
  document_twins_ = std::move(texts.document_twins);
  label_twins_ = std::move(texts.label_twins);
  so_far_.notices = notices::of_inputs(input_, so_far_.inputs, split_);
  for (const std::string& notice : so_far_.notices) notify(-1, notice);
  if (needs_views(options_)) prepare_stages();
}

void Curriculum::prepare_stages() {
  const RunTexts texts{input_.documents, *input_.labels, *documents_, *labels_, document_twins_, label_twins_, split_};
  stages_.emplace(folder_, options_, input_.prompts, input_.lengths, texts,
                  StageServices{.load_student = [this](int64_t student) { return load_student(student); },
                                .events = [this](const std::string& stage, int64_t cycle) { return staged(stage, cycle); },
                                .stop = stop_});
  if (options_.selection == "pooled") pooled_.emplace(*stages_, folder_, options_, texts, pairs_held_out());
}

DocumentSplit Curriculum::split(const std::vector<bool>& is_empty, const Twins& twins) const {
  if (options_.selection != "pooled" || options_.development == 0) return split_documents(is_empty, twins, options_.development, options_.seed);
  return hold_out(is_empty, twins, held_out_size(static_cast<int64_t>(is_empty.size()), pairs_in_all()), options_.seed);
}

// --- a cycle ---

void Curriculum::run_cycle(int64_t cycle) {
  propose(cycle);
  training_asked_.push_back(ask_training(cycle));
  if (stages_) judged_ = stages_->judged(training_asked_);
  const Trained trained = train(cycle);
  development_asked_.push_back(trained.has_student ? ask_development(cycle) : AskedPairs());
  if (stages_ && trained.has_student) keep_labels(cycle);
  close_cycle(cycle, trained);
}

// Shortlists of the documents to train on, by the newest encoder; once also what the untouched encoder ranks first for those held out.
void Curriculum::propose(int64_t cycle) {
  if (fs::exists(folder_.cycle(cycle) / "asked")) return;
  if (stages_) return propose_from_views(cycle);
  shortlist(cycle, cycle - 1, split_.training, options_.judgments_per_cycle, "shortlist");
  if (cycle == 0) shortlist(cycle, base_encoder, split_.development, 1, "untouched");
  shortlister_.reset();
}

AskedPairs Curriculum::ask_training(int64_t cycle) {
  if (fs::exists(folder_.cycle(cycle) / "asked")) return load_result<AskedPairs>(cycle, "asked");
  if (stages_) return ask_chosen(cycle);
  const Shortlists shortlists = load_result<Shortlists>(cycle, "shortlist");
  return ask(cycle, choose_pairs(AskTop(options_.judgments_per_cycle), shortlists), training_asked_, spending_on_training(cycle), "asked");
}

void Curriculum::propose_from_views(int64_t cycle) {
  const Clock::time_point begin = Clock::now();
  stages_->propose(cycle, judged_);
  tell_stage("propose", cycle, begin);
}

// A share of all that may be asked, which grows from cycle to cycle; by place, as much in each.
AskedPairs Curriculum::ask_chosen(int64_t cycle) {
  const int64_t held_out = is_pooled() ? num_charged(development_asked_) + reserve_of_held_out(cycle) : pairs_held_out();
  const int64_t pairs = options_.asking == "streams" ? round_budget(pairs_in_all() - held_out, options_.cycles, cycle, num_charged(training_asked_))
                                                     : options_.judgments_per_cycle * static_cast<int64_t>(split_.training.size());
  Asking asking = stages_->choose(cycle, training_asked_, judged_, pairs);
  return ask(cycle, std::move(asking.pairs), training_asked_, spending_on_training(cycle), "asked");
}

// The labels of the cycle's student from here on: in later proposals, and in the tagger.
void Curriculum::keep_labels(int64_t cycle) {
  if (stages_->has_index(cycle)) return;
  const Clock::time_point begin = Clock::now();
  stages_->keep(cycle, stages_->refined(cycle, judged_, is_pooled() ? pooled_->kept_share(cycle, development_asked_) : 1));
  tell_stage("refine labels", cycle, begin);
}

Curriculum::Trained Curriculum::train(int64_t cycle) {
  const fs::path file = folder_.cycle(cycle) / "trained.json";
  if (!fs::exists(file)) {
    const Trained trained = learned_nothing_new(cycle) ? Trained{} : train_newly(cycle);
    Json json;
    json["format"] = trained_format;
    json["student"] = trained.has_student;
    json["steps"] = trained.steps;
    json["documents_with_yes"] = trained.documents_with_yes;
    json["documents_without_yes"] = trained.documents_without_yes;
    json["documents_left_over"] = trained.documents_left_over;
    json["first_loss"] = trained.first_loss;
    json["last_loss"] = trained.last_loss;
    // Later cycles learn from its weights, and cannot tell whether they are what they were.
    if (trained.has_student) json["student_files"] = detail::folder_checksums(folder_.path() / student_name(cycle));
    detail::write_json(file, detail::sealed(std::move(json)));
  }
  const Json json = read_trained(file);
  const std::string place = file.string();
  return {.has_student = detail::json_boolean(json, "student", place),
          .steps = detail::json_integer(json, "steps", place),
          .documents_with_yes = detail::json_integer(json, "documents_with_yes", place),
          .documents_without_yes = detail::json_integer(json, "documents_without_yes", place),
          .documents_left_over = detail::json_integer(json, "documents_left_over", place),
          .first_loss = detail::json_number_or(json, "first_loss", 0, place),
          .last_loss = detail::json_number_or(json, "last_loss", 0, place)};
}

Curriculum::Trained Curriculum::train_newly(int64_t cycle) {
  const std::vector<JudgedDocument> judged = to_learn_from();
  Clock::time_point begin = Clock::now();
  const Encoder start = load_student(options_.restart ? base_encoder : cycle - 1);
  const StudentTrainingResult result = train_student({.start = start.model(),
                                                      .documents = *documents_,
                                                      .labels = *labels_,
                                                      .suffix_size = static_cast<int64_t>(start.tokenizer().suffix().size()),
                                                      .document_length = input_.lengths.document,
                                                      .label_length = input_.lengths.label,
                                                      .document_unpooled = start.unpooled_tokens(input_.prompts.document),
                                                      .label_unpooled = start.unpooled_tokens(input_.prompts.label),
                                                      .judged = judged,
                                                      .options = options_,
                                                      .cycle = cycle,
                                                      .checkpoint_folder = folder_.cycle(cycle) / "training",
                                                      .base = &input_.base.model()},
                                                     staged("train", cycle), stop_);
  tell_stage("train", cycle, begin);
  if (result.student) {
    begin = Clock::now();
    check_finite(*result.student, cycle, options_.learning_rate);
    const Encoder student = detail::with_tagging_prompts(start.with_model(result.student), input_.prompts.document, input_.prompts.label);
    student.save(folder_.path() / student_name(cycle), input_.lengths.search, /*normalize=*/true);
    tell_stage("save student", cycle, begin);
  }
  return {.has_student = result.student != nullptr,
          .steps = result.steps,
          .documents_with_yes = result.documents_with_yes,
          .documents_without_yes = result.documents_without_yes,
          .documents_left_over = result.documents_left_over,
          .first_loss = result.first_loss,
          .last_loss = result.last_loss};
}

std::vector<JudgedDocument> Curriculum::to_learn_from() const {
  if (stages_ && options_.use_all_judgments) return judged_;
  const auto stages = std::span<const AskedPairs>(training_asked_).last(options_.use_all_judgments ? training_asked_.size() : 1);
  std::vector<JudgedDocument> verdicts = training_set(stages, document_twins_, label_twins_);
  return stages_ ? in_common(judged_, verdicts) : verdicts;
}

AskedPairs Curriculum::ask_development(int64_t cycle) {
  if (fs::exists(folder_.cycle(cycle) / "measured")) return load_result<AskedPairs>(cycle, "measured");
  rank_held_out(cycle);
  if (is_pooled()) return ask(cycle, pooled_->wanted(cycle, development_asked_), development_asked_, spending_so_far(), "measured");
  std::optional<Shortlists> untouched;
  if (cycle == 0) untouched = load_result<Shortlists>(cycle, "untouched");
  const Shortlists ranked = load_result<Shortlists>(cycle, "ranked");
  if (untouched && untouched->labels.size() != ranked.labels.size())
    detail::fail((folder_.cycle(cycle) / "untouched").string(), "is of other documents than `ranked` beside it.");
  AskedPairs wanted = first_ranked(ranked, untouched);
  return ask(cycle, std::move(wanted), development_asked_, spending_so_far(), "measured");
}

// The labels that the cycle's student, and in the first cycle the untouched encoder, ranks first for each document held out.
void Curriculum::rank_held_out(int64_t cycle) {
  if (is_pooled()) return pooled_->rank(cycle, judged_);
  if (!stages_) return shortlist(cycle, cycle, split_.development, 1, "ranked");
  const fs::path file = folder_.cycle(cycle) / "ranked", untouched = folder_.cycle(cycle) / "untouched";
  if (!fs::exists(file)) stages_->rank_held_out(cycle, stages_->refined(cycle, judged_, 1), 1).save(file);
  if (cycle == 0 && !fs::exists(untouched)) stages_->rank_held_out(base_encoder, stages_->index(base_encoder), 1).save(untouched);
}

// Decides on the cycle's student and writes the cycle down, as a report of one cycle; the run goes on from what is read back, so that nothing
// depends on when that is.
void Curriculum::close_cycle(int64_t cycle, const Trained& trained) {
  const fs::path file = folder_.cycle(cycle) / "cycle.json";
  const bool is_new = !fs::exists(file);
  if (is_new) {
    TrainingReport report;
    CycleReport& now = report.cycles.emplace_back();
    now = {.cycle = cycle,
           .training = summarize(training_asked_.back(), options_.yes_above),
           .development = summarize(development_asked_.back(), options_.yes_above),
           .documents_with_yes = trained.documents_with_yes,
           .documents_without_yes = trained.documents_without_yes,
           .documents_left_over = trained.documents_left_over,
           .steps = trained.steps,
           .first_loss = trained.first_loss,
           .last_loss = trained.last_loss,
           .development_precision = {},
           .usage = used_in_cycle()};
    measure(cycle, now, report);
    decide(trained, now, report);
    report.notices = notices::of_cycle(now);
    if (trained.has_student) report.student_folders.push_back(student_name(cycle));
    for (const char* working : {"shortlist.log", "untouched.log", "ranked.log", "asked.missing", "measured.missing", "training"})
      detail::remove_tree(folder_.cycle(cycle) / working);
    // The next cycle needs the newest only.
    if (stages_ && cycle > 0) detail::remove_tree(folder_.cycle(cycle - 1) / "vectors");
    write_report(file, report);
  }
  const TrainingReport report = read_report(file);
  if (report.cycles.size() != 1 || report.cycles[0].cycle != cycle)
    detail::fail(file.string(), "must report cycle " + std::to_string(cycle) + " and no other.");
  so_far_.cycles.push_back(report.cycles.at(0));
  so_far_.ended = report.ended;
  if (cycle == 0) so_far_.untouched_precision = report.untouched_precision;
  so_far_.notices.insert(so_far_.notices.end(), report.notices.begin(), report.notices.end());
  so_far_.student_folders.insert(so_far_.student_folders.end(), report.student_folders.begin(), report.student_folders.end());
  if (!is_new || !on_event_) return;
  for (const std::string& notice : report.notices) notify(cycle, notice);
  on_event_({.kind = Event::Kind::cycle, .stage = "cycle", .cycle = cycle, .message = notices::summary(report.cycles.at(0))});
}

// What the answers of the cycle that ends now cost.
Usage Curriculum::used_in_cycle() const {
  Usage used = accounts_.used();
  for (const CycleReport& cycle : so_far_.cycles) used = used - cycle.usage;
  return used;
}

void Curriculum::measure(int64_t cycle, CycleReport& now, TrainingReport& report) const {
  if (is_pooled()) {
    // Without a student nothing was ranked.
    if (!fs::exists(folder_.cycle(cycle) / "ranked")) return;
    const std::vector<Candidate> candidates = pooled_->candidates(development_asked_);
    now.development_precision = expected_precision(candidates.back().targets);
    if (cycle == 0) report.untouched_precision = expected_precision(candidates.front().targets);
    return;
  }
  const auto first = [](std::span<const AskedPair> pairs) -> const AskedPair& { return pairs.front(); };
  const auto last = [](std::span<const AskedPair> pairs) -> const AskedPair& { return pairs.back(); };
  now.development_precision = precision(development_asked_.back(), options_.yes_above, first);
  if (cycle == 0) report.untouched_precision = precision(development_asked_.back(), options_.yes_above, last);
}

void Curriculum::decide(const Trained& trained, CycleReport& now, TrainingReport& report) const {
  if (!is_pooled() || !trained.has_student) {
    now.accepted = trained.has_student && is_accepted(now);
    report.ended = why_ended(now, trained.has_student);
    return;
  }
  const std::vector<Candidate> candidates = pooled_->candidates(development_asked_);
  const Selected selected = select_student(candidates, SelectionOptions::of(options_));
  now.accepted = candidates[static_cast<size_t>(selected.best)].cycle == now.cycle;
  if (cut_by_budget(now))
    report.ended = "budget";
  else if (now.cycle + 1 == options_.cycles)
    report.ended = "cycles";
  else if (selected.is_over)
    report.ended = "no gain";
}

// The first student is always taken, each later one only where the held-out verdicts show a gain. Where there are none, the newer student is the better
// guess, unless it has seen less than the one before because the budget ran out.
bool Curriculum::is_accepted(const CycleReport& cycle) const {
  if (so_far_.cycles.empty()) return true;
  const auto &before = so_far_.cycles.back().development_precision, &now = cycle.development_precision;
  if (before) return now && now->value > before->value;
  return now || !cut_by_budget(cycle) || options_.use_all_judgments;
}

// Empty where the run goes on.
std::string Curriculum::why_ended(const CycleReport& cycle, bool has_student) const {
  const bool never_asked = cycle.training.judgments == 0 || learned_nothing_new(cycle.cycle);
  if (!has_student) return cut_by_budget(cycle) && never_asked ? "budget" : "nothing to learn";
  if (cut_by_budget(cycle)) return "budget";
  if (!cycle.accepted) return "no gain";
  return cycle.cycle + 1 == options_.cycles ? "cycles" : "";
}

// Whether the budget left this cycle with nothing but verdicts of earlier ones.
bool Curriculum::learned_nothing_new(int64_t cycle) const {
  const auto pairs = training_asked_.back().all();
  const bool cut = std::any_of(pairs.begin(), pairs.end(), [](const AskedPair& pair) { return pair.state == PairState::over_budget; });
  return cycle > 0 && cut && std::none_of(pairs.begin(), pairs.end(), [](const AskedPair& pair) { return pair.answered() && !pair.earlier; });
}

// --- the end ---

void Curriculum::save_tagger() {
  shortlister_.reset();
  if (fs::exists(folder_.tagger())) return;
  const Clock::time_point begin = Clock::now();
  const int64_t best = best_cycle();
  const Encoder student = load_student(best);
  // float16 has three bits more than bfloat16, and vectors of labels last.
  const bool halves = resolve_computing(options_, student.model()).dtype != ComputeDtype::float32;
  const TaggerSettings settings{.search_length = input_.lengths.search,
                                .label_length = input_.lengths.label,
                                .document_prompt = input_.prompts.document,
                                .label_prompt = input_.prompts.label};
  const auto tagger = stages_ && stages_->has_index(best) ? Tagger(student, *input_.labels, stages_->index(best), settings)
                                                          : Tagger::from_labels(student, *input_.labels, settings, {}, staged("embed labels", -1), stop_,
                                                                                halves ? ComputeDtype::float16 : ComputeDtype::float32);
  check_stop(stop_);
  tagger.save(folder_.tagger(), provenance());
  tell_stage("save tagger", -1, begin);
}

TrainingReport Curriculum::finish() {
  so_far_.teacher = manifest_.teacher;
  so_far_.total = total();
  so_far_.best_cycle = best_cycle();
  so_far_.tagger_folder = folder_.tagger().filename();
  if (so_far_.best_cycle == base_encoder) so_far_.notices.push_back(why_base());
  // Where the report is, nobody opens the store again to tidy up after a kill.
  store_.reset();
  write_report(folder_.report(), so_far_);
  return read_finished_run(folder_);
}

std::string Curriculum::why_base() const {
  if (!is_pooled() || so_far_.student_folders.empty()) return notices::nothing_learned();
  return why_base_was_kept(pooled_->candidates(development_asked_), SelectionOptions::of(options_));
}

// Where students are compared by all verdicts, later ones may tell otherwise than a cycle could.
int64_t Curriculum::best_cycle() const {
  if (is_pooled() && !so_far_.student_folders.empty()) {
    const std::vector<Candidate> candidates = pooled_->candidates(development_asked_);
    return candidates[static_cast<size_t>(select_student(candidates, SelectionOptions::of(options_)).best)].cycle;
  }
  int64_t best = base_encoder;
  for (const CycleReport& cycle : so_far_.cycles) {
    if (cycle.accepted) best = cycle.cycle;
  }
  return best;
}

// How the tagger came about, without time, host or path: the same run gives the same bytes.
std::string Curriculum::provenance() const {
  const AskingReport asked = total();
  Json json;
  json["lmtx"] = version();
  json["torch"] = manifest_.torch;
  json["teacher"] = manifest_.teacher;
  json["base"] = manifest_.base;
  json["documents"] = manifest_.documents;
  json["labels"] = manifest_.labels;
  json["cycle"] = best_cycle();
  json["judgments"] = asked.judgments;
  json["abstentions"] = asked.abstentions;
  json["options"] = detail::options_to_json(options_);
  return json.dump(2);
}

AskingReport Curriculum::total() const {
  return summarize_distinct(training_asked_, options_.yes_above) + summarize_distinct(development_asked_, options_.yes_above);
}

// --- what stages share ---

AskedPairs Curriculum::ask(int64_t cycle, AskedPairs wanted, std::span<const AskedPairs> earlier, Spending spending, const std::string& result) {
  const Clock::time_point begin = Clock::now();
  std::optional<AskingTime> time;
  if (accounts_.budget().seconds) time.emplace(folder_.asking_time());
  const Asker asker(input_.teacher, store_, input_.documents, input_.labels, asker_options(time ? time->seconds() : 0, result == "asked"));
  const auto on_event = [&, tell = staged("ask", cycle)](const Event& event) {
    if (time) time->note();
    if (tell) tell(event);
  };
  const fs::path folder = folder_.cycle(cycle);
  AskedPairs pairs = asker.ask(std::move(wanted), earlier, spending, folder / (result + ".missing"), on_event, stop_);
  // The result must not outlive what it was made of.
  store_->flush();
  pairs.save(folder / result);
  tell_stage("ask", cycle, begin);
  return pairs;
}

AskerOptions Curriculum::asker_options(double seconds_spent, bool is_training) const {
  AskerOptions options{.run = manifest_.run,
                       .charge_stored = manifest_.budget.charge_stored,
                       .ask_rounds = options_.ask_rounds,
                       .accept_missing = options_.accept_missing,
                       .expect_usage = accounts_.limits_usage(),
                       .rates = input_.rates};
  if (accounts_.budget().seconds) options.seconds_left = (*accounts_.budget().seconds - seconds_spent) * (is_training ? 1 - kept_for_development() : 1);
  return options;
}

Spending Curriculum::spending_so_far() const { return accounts_.spending(num_charged(training_asked_) + num_charged(development_asked_)); }

Spending Curriculum::spending_on_training(int64_t cycle) const {
  Spending spending = spending_so_far();
  spending.keep_back(is_pooled() ? reserve_of_held_out(cycle) : development_reserve(cycle, spending.left()));
  spending.keep_back_share(kept_for_development());
  return spending;
}

// Of tokens, money and time, the share that questions about documents to train on leave.
double Curriculum::kept_for_development() const { return split_.development.empty() ? 0 : 0.1; }

// What the documents held out may still cost; in the last cycle no more than its student can need.
int64_t Curriculum::reserve_of_held_out(int64_t cycle) const {
  const int64_t left = std::max<int64_t>(0, pairs_held_out() - num_charged(development_asked_));
  return cycle + 1 < options_.cycles ? left : std::min(left, pooled_->most_wanted());
}

// Without some of the budget for the documents held out nobody could tell whether the rest was well spent.
int64_t Curriculum::development_reserve(int64_t cycle, int64_t left) const {
  const int64_t pairs = static_cast<int64_t>(split_.development.size()) * (cycle == 0 ? 2 : 1);
  return std::min(pairs, left / 10);
}

int64_t Curriculum::pairs_in_all() const { return lmtx::pairs_in_all(manifest_.budget.judgments, options_.judgments_per_document, input_.documents.size()); }

int64_t Curriculum::pairs_held_out() const { return split_.development.empty() ? 0 : lmtx::pairs_held_out(pairs_in_all()); }

void Curriculum::shortlist(int64_t cycle, int64_t student, std::span<const int64_t> documents, int64_t k, const std::string& result) {
  const fs::path folder = folder_.cycle(cycle);
  if (fs::exists(folder / result)) return;
  const auto on_event = staged("embed documents", cycle);
  Shortlists shortlists{.k = 1, .documents = {}, .labels = {}, .scores = {}};
  if (!documents.empty()) {
    const Shortlister& proposes = shortlister(cycle, student);
    const Clock::time_point begin = Clock::now();
    shortlists = proposes.shortlist(*documents_, documents, k, folder / (result + ".log"), on_event, stop_);
    tell_stage("embed documents", cycle, begin);
  }
  shortlists.save(folder / result);
}

const Shortlister& Curriculum::shortlister(int64_t cycle, int64_t student) {
  if (shortlister_ && shortlister_student_ == student) return *shortlister_;
  const Clock::time_point begin = Clock::now();
  const Encoder encoder = load_student(student);
  shortlister_.emplace(encoder, *labels_, label_twins_, resolve_embedding(options_, input_.lengths, input_.prompts, encoder), staged("embed labels", cycle),
                       stop_);
  shortlister_student_ = student;
  tell_stage("embed labels", cycle, begin);
  return *shortlister_;
}

// Always from its folder, so that it is the same encoder before and after an interruption.
Encoder Curriculum::load_student(int64_t student) const {
  if (student == base_encoder) return input_.base;
  const fs::path trained = folder_.cycle(student) / "trained.json";
  detail::check_folder(folder_.path() / student_name(student), read_trained(trained).value("student_files", Json()), trained.string());
  return Encoder::load(folder_.path() / student_name(student), {.device = input_.base.model().device().str()});
}

std::string Curriculum::student_name(int64_t cycle) const { return "cycle-" + std::to_string(cycle) + "/student"; }

EventCallback Curriculum::staged(const std::string& stage, int64_t cycle) const {
  if (!on_event_) return {};
  return [this, stage, cycle](const Event& event) {
    Event named = event;
    named.stage = stage;
    named.cycle = cycle;
    on_event_(named);
  };
}

void Curriculum::tell_stage(const std::string& stage, int64_t cycle, Clock::time_point begin) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (on_event_) on_event_({.kind = Event::Kind::stage, .stage = stage, .cycle = cycle, .seconds = seconds});
}

void Curriculum::notify(int64_t cycle, const std::string& message) const {
  if (on_event_) on_event_({.kind = Event::Kind::notice, .stage = "notice", .cycle = cycle, .message = message});
}

}  // namespace lmtx

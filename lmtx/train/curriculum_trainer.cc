#include "lmtx/train/curriculum_trainer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "lmtx/detail/computation.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/tagging_prompts.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/train/computing.h"
#include "lmtx/train/curriculum.h"
#include "lmtx/train/estimate.h"
#include "lmtx/train/finished_run.h"
#include "lmtx/train/round_budget.h"
#include "lmtx/train/selection.h"
#include "lmtx/train/unsupervised/unsupervised_run.h"
#include "lmtx/version.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

// torch's number of threads as the run has it, and afterwards as before.
class ThreadCount {
 public:
  explicit ThreadCount(int64_t threads) : before_(at::get_num_threads()) { set(static_cast<int>(threads)); }
  ~ThreadCount() { set(before_); }
  ThreadCount(const ThreadCount&) = delete;
  ThreadCount& operator=(const ThreadCount&) = delete;

 private:
  static void set(int threads) {
    if (threads != at::get_num_threads()) at::set_num_threads(threads);
  }
  int before_;
};

// Fewer threads add up in another order: the run would end with other weights than it would have without the interruption.
void check_threads(const RunManifest& manifest, const WorkFolder& folder) {
  if (!detail::is_forked() || manifest.threads <= 1) return;
  throw std::runtime_error("The run in " + folder.path().string() + " computes with " + std::to_string(manifest.threads) +
                           " threads, but this process was forked and has one; go on in a process that is no fork (\"spawn\" in Python's multiprocessing).");
}

bool asks(const TrainerOptions& options) { return options.method == "curriculum"; }

void check_inputs(const Corpus& documents, const LabelSet& labels) {
  if (documents.size() == 0) throw std::invalid_argument("There is nothing to train on: the corpus has no documents.");
  if (labels.size() == 0) throw std::invalid_argument("There is nothing to tag with: the label set is empty.");
  if (labels.num_living() < labels.size()) {
    throw std::invalid_argument("A run takes labels that are all there, but " + std::to_string(labels.size() - labels.num_living()) +
                                " of these were removed: make a new label set of those that are left.");
  }
  if (labels.size() > std::numeric_limits<int32_t>::max())
    throw std::invalid_argument("A run takes at most 2^31 - 1 labels, but there are " + std::to_string(labels.size()) + ".");
}

void check_budget(const Budget& budget) {
  const auto check = [](const auto& limit, const char* name) {
    if (limit && !(*limit >= 0))
      throw std::invalid_argument("`" + std::string(name) + "` of the budget must be at least 0, but is " + std::to_string(*limit) + " instead.");
  };
  check(budget.judgments, "judgments");
  check(budget.tokens, "tokens");
  check(budget.cost, "cost");
  check(budget.seconds, "seconds");
}

void check_rates(const Rates& rates) {
  const auto check = [](double rate, const char* name) {
    if (!(rate >= 0 && std::isfinite(rate)))
      throw std::invalid_argument("The rate `" + std::string(name) + "` must be at least 0, but is " + std::to_string(rate) + " instead.");
  };
  check(rates.prompt, "prompt");
  check(rates.completion, "completion");
  check(rates.tokens_per_second, "tokens_per_second");
  if (!std::isfinite(rates.cached)) throw std::invalid_argument("The rate `cached` must be a number, but is not finite.");
}

void check_teacher(const std::shared_ptr<TeacherOracle>& teacher, const RunOptions& run) {
  if (!teacher) throw std::invalid_argument("A run needs a teacher, but none was given.");
  if (teacher->identity().empty()) throw std::invalid_argument("The teacher's identity is empty; judgments are kept under it.");
  const TeacherTraits traits = teacher->traits();
  if (traits.questions_per_call < 0)
    throw std::invalid_argument("`questions_per_call` of the teacher must be at least 0, but is " + std::to_string(traits.questions_per_call) + " instead.");
  if (traits.concurrent_calls < 1)
    throw std::invalid_argument("`concurrent_calls` of the teacher must be at least 1, but is " + std::to_string(traits.concurrent_calls) + " instead.");
  check_budget(run.budget);
  check_rates(run.rates);
}

// Texts of all kinds share batches there, of which each leaves out equally many tokens.
void check_unsupervised(const TrainerOptions& options, const TextPrompts& prompts, const Encoder& base) {
  detail::check_prompt("document_prompt", prompts.document, std::min(options.title_length, base.max_positions()), base);
  const int64_t document = base.unpooled_tokens(prompts.document), label = base.unpooled_tokens(prompts.label);
  if (document == label) return;
  throw std::invalid_argument("With `method` \"" + options.method +
                              "\" an encoder that leaves prompts out of vectors needs prompts of equally many tokens, but `document_prompt` has " +
                              std::to_string(document) + " and `label_prompt` has " + std::to_string(label) + ".");
}

// A store that is there must be one, and one that is not must have a folder to be made in.
void check_store(const fs::path& store) {
  if (store.empty()) return;
  if (fs::exists(store)) {
    JudgmentStore::open(store);
    return;
  }
  const fs::path folder = fs::absolute(store).parent_path();
  if (!fs::is_directory(folder)) throw std::invalid_argument("The store " + store.string() + " cannot be made: its folder does not exist.");
  if (const std::string fault = detail::why_not_writable(folder); !fault.empty())
    throw std::invalid_argument("The store " + store.string() + " cannot be made: " + fault + ".");
}

EarlierAnswers earlier_answers(const fs::path& store, const std::string& teacher) {
  if (!fs::exists(store)) return {};
  const JudgmentStore judgments = JudgmentStore::open(store);
  return {.judgments = judgments.size(teacher), .usage = judgments.usage(teacher).usage};
}

RunManifest manifest_of(const CurriculumInput& input, const RunOptions& run) {
  return {.run = {},
          .teacher = asks(input.options) ? input.teacher->identity() : "none",
          .base = input.base.fingerprint(),
          .documents = input.documents.fingerprint(),
          .labels = input.labels->fingerprint(),
          .store = run.store.empty() ? "" : fs::weakly_canonical(run.store).string(),
          .budget = run.budget,
          .options = input.options,
          .torch = built_with_torch(),
          .threads = at::get_num_threads()};
}

}  // namespace

struct CurriculumTrainer::Impl {
  CurriculumInput input;
  // As run() would begin it.
  RunManifest manifest;
};

CurriculumTrainer::CurriculumTrainer(Encoder base, Corpus documents, LabelSet labels, std::shared_ptr<TeacherOracle> teacher, TrainerOptions options,
                                     RunOptions run) {
  const detail::Computation computation;
  check(options);
  resolve_computing(options, base.model());
  check_inputs(documents, labels);
  if (asks(options)) check_teacher(teacher, run);
  const WorkFolder folder(run.folder);
  folder.check_usable();
  if (asks(options)) check_store(run.store);
  const TextPrompts prompts = resolve_prompts(options, base);
  if (!asks(options)) check_unsupervised(options, prompts, base);
  const Lengths lengths = resolve_lengths(options, prompts, base, labels);
  const fs::path store = run.store.empty() ? folder.store() : run.store;
  CurriculumInput input{std::move(base),
                        std::move(documents),
                        std::make_shared<const LabelSet>(std::move(labels)),
                        std::move(teacher),
                        std::move(options),
                        prompts,
                        lengths,
                        folder,
                        store,
                        run.rates};
  RunManifest manifest = manifest_of(input, run);
  folder.check_same(manifest);
  impl_ = std::make_unique<Impl>(Impl{std::move(input), std::move(manifest)});
}

CurriculumTrainer::~CurriculumTrainer() = default;
CurriculumTrainer::CurriculumTrainer(CurriculumTrainer&&) noexcept = default;
CurriculumTrainer& CurriculumTrainer::operator=(CurriculumTrainer&&) noexcept = default;

Plan CurriculumTrainer::plan() const {
  const CurriculumInput& input = impl_->input;
  const TrainerOptions& options = input.options;
  const auto& budget = impl_->manifest.budget.judgments;
  Plan plan;
  plan.documents = input.documents.size();
  plan.labels = input.labels->size();
  if (!asks(options)) return plan;
  const int64_t in_all = pairs_in_all(budget, options.judgments_per_document, plan.documents);
  const bool pooled = options.selection == "pooled" && options.development > 0;
  plan.development = pooled ? held_out_size(plan.documents, in_all) : development_size(options.development, plan.documents);
  plan.cycles = options.cycles;
  const int64_t training = plan.documents - plan.development;
  plan.questions = plan.cycles * plan.documents;
  // Pooled, a share of all; else the first label of each cycle's student, and once that of the untouched encoder.
  const int64_t share = pooled && plan.development > 0 ? pairs_held_out(in_all) : 0, held_out = pooled ? share : (plan.cycles + 1) * plan.development;
  const int64_t by_place = plan.cycles * training * std::min(options.judgments_per_cycle, plan.labels);
  plan.pairs_wanted = (options.asking == "streams" ? in_all - share : by_place) + held_out;
  plan.judgments = std::min(plan.pairs_wanted, plan.documents * plan.labels);
  const int64_t wanted = plan.judgments;
  if (budget) plan.judgments = std::min(plan.judgments, *budget);
  const TeacherOracle& teacher = *input.teacher;
  plan.estimate =
      estimate(plan, teacher, input.documents, *input.labels, input.rates, [&] { return earlier_answers(input.store, teacher.identity()); }, options.seed);
  plan.limit = first_limit(impl_->manifest.budget, wanted, plan.estimate);
  return plan;
}

TrainingReport CurriculumTrainer::run(const EventCallback& on_event, std::stop_token stop) {
  const WorkFolder& folder = impl_->input.folder;
  folder.check_usable();
  if (is_finished(folder)) {
    folder.check_same(impl_->manifest);
    return read_finished_run(folder);
  }
  const detail::Computation computation;
  if (detail::is_forked()) impl_->manifest.threads = 1;
  const auto lock = folder.lock();
  const RunManifest manifest = folder.begin(impl_->manifest);
  if (on_event && manifest.torch != impl_->manifest.torch)
    on_event(
        {.kind = Event::Kind::notice,
         .stage = "notice",
         .message = "The run began with torch " + manifest.torch + " and goes on with " + impl_->manifest.torch + "; weights may differ in their last bits."});
  check_threads(manifest, folder);
  const ThreadCount threads(manifest.threads);
  if (!asks(impl_->input.options)) return UnsupervisedRun(impl_->input, manifest, on_event, std::move(stop)).run();
  return Curriculum(impl_->input, manifest, on_event, std::move(stop)).run();
}

const TrainerOptions& CurriculumTrainer::options() const { return impl_->input.options; }

}  // namespace lmtx

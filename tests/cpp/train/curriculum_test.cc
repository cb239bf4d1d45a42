// The whole curriculum on a small world with a tiny encoder.
#include <ATen/Parallel.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <thread>

#include "catch.h"
#include "lmtx/encoder.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/train/curriculum_trainer.h"
#include "lmtx/train/shortlister.h"
#include "trainer_fixtures.h"
#include "workshop.h"

using namespace lmtx;
using namespace lmtx::test;
using namespace std::chrono_literals;

namespace {

// What must come out the same, byte by byte, however a run was interrupted.
std::map<std::string, std::string> outcome(const fs::path& run) {
  auto files = contents(run / "tagger");
  files["report.json"] = detail::read_file(run / "report.json");
  return files;
}

void check_same_outcome(const fs::path& run, const fs::path& expected) {
  const auto files = outcome(run), expected_files = outcome(expected);
  REQUIRE(files.size() == expected_files.size());
  for (const auto& [name, bytes] : expected_files) {
    INFO(name);
    REQUIRE(files.count(name) == 1);
    REQUIRE(files.at(name) == bytes);
  }
}

// Documents whose first tag is true.
int64_t count_right(const Tagger& tagger) {
  int64_t right = 0;
  const auto documents = topic_documents(num_documents);
  const auto tags = tagger.tag(std::span<const Document>(documents), {.k = 1});
  for (size_t i = 0; i < documents.size(); ++i) right += topic_truth(documents[i].uid, tags[i].at(0).uid).score() > 0.5;
  return right;
}

// Runs until the `moment`-th event, then asks to stop; true when the run finished before.
bool run_until(CurriculumTrainer trainer, int64_t moment) {
  std::stop_source source;
  int64_t events = 0;
  try {
    trainer.run([&](const Event&) { if (++events >= moment) source.request_stop(); }, source.get_token());
    return true;
  } catch (const Stopped&) {
    return false;
  }
}

}  // namespace

TEST_CASE("Search, training and tagging put the same prompts before texts, and the folders say so") {
  const Workshop workshop("prompts");
  TrainerOptions options = small_options();
  options.cycles = 1;
  options.document_prompt = "x0 x ";
  options.label_prompt = "x1 ";
  const TrainingReport report = workshop.run(truthful(), "run", options);

  const Tagger tagger = Tagger::load(report.tagger_folder);
  REQUIRE(tagger.settings().document_prompt == "x0 x ");
  REQUIRE(tagger.settings().label_prompt == "x1 ");
  for (const std::string& folder : {report.tagger_folder, report.student_folders.at(0)}) {
    const Encoder saved = Encoder::load(folder);
    REQUIRE(saved.default_prompt() == "x0 x ");
    REQUIRE(saved.prompt("label") == "x1 ");
  }

  // What the first shortlists are made of: the untouched encoder, given the prompts.
  const Shortlists shortlists = Shortlists::load(workshop / "run" / "cycle-0" / "shortlist");
  const std::vector<Document> documents = topic_documents(num_documents);
  const Tagger untouched = Tagger::from_labels(Encoder::load(workshop / "model"), topic_labels(),
                                               {.search_length = 16, .label_length = 15, .document_prompt = "x0 x ", .label_prompt = "x1 "});
  for (size_t i = 0; i < shortlists.documents.size(); ++i) {
    const std::vector<Tag> tags = untouched.tag(document_text(documents[shortlists.documents[i]]), {.k = shortlists.k});
    for (int64_t r = 0; r < shortlists.k; ++r) REQUIRE(shortlists.scores[i * shortlists.k + r] == Approx(tags[r].score).margin(1e-5));
  }

  SECTION("the base's default prompt is what a run begins with") {
    // The same by its folder; and the student is another than without prompts.
    options.label_prompt = "x0 x ";
    const TrainingReport same = workshop.run(truthful(), "by-option", options);
    detail::write_json(workshop / "model" / "config_sentence_transformers.json", {{"prompts", {{"query", "x0 x "}}}, {"default_prompt_name", "query"}});
    options.document_prompt = options.label_prompt = "default";
    const TrainingReport by_default = workshop.run(truthful(), "by-default", options);
    options.document_prompt = options.label_prompt = "";
    const TrainingReport without = workshop.run(truthful(), "without", options);
    const auto weights = [](const TrainingReport& of) { return detail::read_file(fs::path(of.tagger_folder) / "model.safetensors"); };
    REQUIRE(weights(by_default) == weights(same));
    REQUIRE(weights(by_default) != weights(without));
    REQUIRE(Tagger::load(by_default.tagger_folder).settings().label_prompt == "x0 x ");
    REQUIRE(Encoder::load(without.tagger_folder).default_prompt().empty());
  }
}

TEST_CASE("A prompt that leaves no room for a text is refused before anything is made") {
  const Workshop workshop("prompts");
  TrainerOptions options = small_options();
  options.search_length = 5;
  options.document_prompt = "x x x";
  CHECK_THROWS_WITH(workshop.trainer(truthful(), options), "`document_prompt` must leave room for a text in 5 tokens, but takes 5 itself, special tokens included.");
  options.document_prompt = "";
  options.label_prompt = "\xff";
  CHECK_THROWS_WITH(workshop.trainer(truthful(), options), ContainsSubstring("`label_prompt` must be UTF-8"));
  CHECK_FALSE(fs::exists(workshop / "run"));
}

TEST_CASE("A run learns with any pooling") {
  const Workshop workshop("pooling");
  const char* pooling = GENERATE(R"({"word_embedding_dimension": 32, "pooling_mode_cls_token": true})",
                                 R"({"word_embedding_dimension": 32, "pooling_mode_max_tokens": true, "pooling_mode_mean_tokens": true})");
  detail::write_file_atomically(workshop / "model" / "1_Pooling" / "config.json", pooling);
  const TrainingReport report = workshop.run(truthful(), "run");
  const Encoder base = Encoder::load(workshop / "model");
  REQUIRE(report.cycles[0].last_loss < report.cycles[0].first_loss);
  REQUIRE(Encoder::load(report.tagger_folder).dim() == base.dim());
  REQUIRE(count_right(Tagger::load(report.tagger_folder)) > count_right(Tagger::from_labels(base, topic_labels(), {.search_length = 16, .label_length = 15})));
}

TEST_CASE("Training leaves prompts out of vectors where the folder does") {
  const Workshop workshop("unpooled");
  TrainerOptions options = small_options();
  options.cycles = 1;
  options.document_prompt = "x0 ";
  // Every label is asked about, so that the vectors matter in training alone.
  options.judgments_per_cycle = num_topics;
  options.development = 0;
  const auto weights_with = [&](const std::string& include_prompt) {
    detail::write_file_atomically(workshop / "model" / "1_Pooling" / "config.json", R"({"word_embedding_dimension": 32, "include_prompt": )" + include_prompt + "}");
    const TrainingReport report = workshop.run(truthful(), include_prompt, options);
    REQUIRE(report.cycles[0].last_loss < report.cycles[0].first_loss);
    return detail::read_file(fs::path(report.tagger_folder) / "model.safetensors");
  };
  REQUIRE(weights_with("false") != weights_with("true"));
}

TEST_CASE("A run teaches a student what the teacher knows, and leaves a tagger and a report") {
  const Workshop workshop("curriculum");
  const auto teacher = truthful();
  std::vector<std::string> stages;
  std::vector<std::string> cycles;
  const auto on_event = [&](const Event& event) {
    if (event.kind == Event::Kind::cycle) cycles.push_back(event.message);
    if (event.kind == Event::Kind::progress && (stages.empty() || stages.back() != event.stage)) stages.push_back(event.stage);
  };
  CurriculumTrainer trainer = workshop.trainer(teacher);
  const Plan plan = trainer.plan();
  const TrainingReport report = trainer.run(on_event);

  REQUIRE(report.teacher == "scripted/1");
  REQUIRE(!report.cycles.empty());
  REQUIRE(report.cycles[0].accepted);
  REQUIRE(report.cycles[0].training.pairs_wanted == 54 * 5);
  REQUIRE(report.cycles[0].training.questions == 54);
  REQUIRE(report.cycles[0].documents_with_yes > 20);
  REQUIRE(report.cycles[0].last_loss < report.cycles[0].first_loss);
  REQUIRE(report.untouched_precision);
  REQUIRE(report.cycles[0].development_precision);
  REQUIRE(report.total.judgments == static_cast<int64_t>(teacher->asked().size()));
  REQUIRE(report.total.judgments <= plan.judgments);
  REQUIRE(report.total.questions <= plan.questions);
  REQUIRE(report.total.pairs_wanted <= plan.pairs_wanted);
  REQUIRE(plan.development == 6);
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == 1);

  REQUIRE(cycles.size() == report.cycles.size());
  REQUIRE_THAT(cycles[0], ContainsSubstring("cycle 0: 270 pairs wanted, 270 judgments"));
  for (const char* stage : {"tokenize", "embed labels", "embed documents", "ask", "train"}) {
    INFO(stage);
    REQUIRE(std::find(stages.begin(), stages.end(), stage) != stages.end());
  }

  const Tagger tagger = Tagger::load(report.tagger_folder);
  REQUIRE(tagger.settings().search_length == 16);
  REQUIRE(tagger.settings().label_length == 15);
  const Tagger untouched = Tagger::from_labels(Encoder::load(workshop / "model"), topic_labels(), tagger.settings());
  REQUIRE(count_right(tagger) > count_right(untouched));
  REQUIRE(detail::read_json(fs::path(report.tagger_folder) / "lmtx/provenance.json")["judgments"] == report.total.judgments);
  REQUIRE(report.student_folders.size() == report.cycles.size());
  REQUIRE_NOTHROW(Encoder::load(report.student_folders[0]));
}

TEST_CASE("Runs with the same inputs give the same bytes") {
  const Workshop workshop("same");
  workshop.run(truthful(), "a");
  workshop.run(truthful({.traits = {.questions_per_call = 2, .concurrent_calls = 3}}), "b");
  check_same_outcome(workshop / "b", workshop / "a");
}

TEST_CASE("A run that was stopped at many moments ends as one that was not, and asks nothing twice") {
  const Workshop workshop("stopped");
  workshop.run(truthful(), "whole");
  const auto teacher = truthful();
  detail::KeyedRandom random(1);
  int64_t stops = 0;
  while (!run_until(workshop.trainer(teacher), 1 + random.below(30))) REQUIRE(++stops < 1000);
  REQUIRE(stops >= 5);
  check_same_outcome(workshop / "run", workshop / "whole");
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == 1);
}

TEST_CASE("A stop request is obeyed at every event") {
  const Workshop workshop("every event");
  const auto teacher = truthful();
  for (int64_t stops = 0; !run_until(workshop.trainer(teacher), 1); ++stops) {
    if (stops < 10) continue;
    workshop.trainer(teacher).run();
    break;
  }
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == 1);
}

TEST_CASE("A run keeps the number of threads that it began with") {
  const Workshop workshop("threads");
  at::set_num_threads(2);
  workshop.run(truthful(), "whole");
  REQUIRE_FALSE(run_until(workshop.trainer(truthful()), 8));
  REQUIRE(at::get_num_threads() == 2);
  at::set_num_threads(1);
  int threads = 0;
  workshop.trainer(truthful()).run([&](const Event&) { threads = at::get_num_threads(); });
  REQUIRE(threads == 2);
  REQUIRE(at::get_num_threads() == 1);
  check_same_outcome(workshop / "run", workshop / "whole");
}

TEST_CASE("A finished run returns its report and does nothing") {
  const Workshop workshop("finished");
  const TrainingReport report = workshop.trainer(truthful()).run();
  const auto before = contents(workshop / "run");
  const auto teacher = truthful();
  int64_t events = 0;
  const TrainingReport again = workshop.trainer(teacher).run([&](const Event&) { ++events; });
  REQUIRE(events == 0);
  REQUIRE(teacher->asked().empty());
  REQUIRE(again.to_json() == report.to_json());
  REQUIRE(contents(workshop / "run") == before);

  SECTION("also where the folder has moved") {
    fs::rename(workshop / "run", workshop / "moved");
    const TrainingReport moved = workshop.trainer(teacher, small_options(), {.folder = workshop / "moved", .store = {}, .budget = {}}).run();
    REQUIRE(moved.tagger_folder == (workshop / "moved" / "tagger").string());
    REQUIRE_NOTHROW(Tagger::load(moved.tagger_folder));
  }
}

TEST_CASE("A budget is never exceeded and leaves a usable tagger") {
  const Workshop workshop("budget");
  const int64_t limit = GENERATE(0, 7, 100, 300);
  const bool develop = GENERATE(true, false);
  CAPTURE(limit, develop);
  TrainerOptions options = small_options();
  options.development = develop ? 6 : 0;
  const auto teacher = truthful();
  const TrainingReport report = workshop.run(teacher, "run", options, {.judgments = limit});
  const int64_t asked = static_cast<int64_t>(teacher->asked().size());
  REQUIRE(asked <= limit);
  REQUIRE(report.ended == "budget");
  REQUIRE(report.total.judgments == asked);
  REQUIRE(report.total.over_budget > 0);
  // What was put aside for documents held out may be left: both encoders may agree on them.
  REQUIRE(asked >= limit - (develop ? std::min<int64_t>(12, limit / 10) : 0));
  const auto tags = Tagger::load(report.tagger_folder).tag("daa", {.k = 3});
  REQUIRE(tags.size() == 3);
  REQUIRE(report.best_cycle == (limit < 100 ? report.best_cycle : 0));
}

TEST_CASE("Answers that never come stop the run with their number; the same command goes on") {
  const Workshop workshop("open");
  workshop.run(truthful(), "whole");
  const auto stubborn = std::make_shared<ScriptedOracle>(
      [](std::string_view document, std::string_view label) { return document == "d7" || document == "d8" ? Verdict::fail("busy") : topic_truth(document, label); });
  try {
    workshop.trainer(stubborn).run();
    FAIL("expected PairsOpen");
  } catch (const PairsOpen& error) {
    REQUIRE(error.pairs > 0);
    REQUIRE_THAT(error.what(), ContainsSubstring("still open") && ContainsSubstring("busy"));
  }
  workshop.trainer(truthful()).run();
  check_same_outcome(workshop / "run", workshop / "whole");
}

TEST_CASE("A teacher that gives up loses nothing") {
  const Workshop workshop("giving up");
  workshop.run(truthful(), "whole");
  int64_t tries = 0;
  for (;; ++tries) {
    REQUIRE(tries < 100);
    const auto teacher = truthful({.throw_after = 10});
    try {
      workshop.trainer(teacher).run();
      break;
    } catch (const TeacherError&) {
    }
  }
  REQUIRE(tries >= 5);
  check_same_outcome(workshop / "run", workshop / "whole");
}

TEST_CASE("Missing verdicts are the same after an interruption") {
  const Workshop workshop("missing");
  const auto teacher = [] {
    return std::make_shared<ScriptedOracle>([](std::string_view document, std::string_view label) { return label == "t3" ? Verdict::miss() : topic_truth(document, label); });
  };
  const TrainingReport whole = workshop.run(teacher(), "whole");
  REQUIRE(whole.total.missing > 0);
  REQUIRE(whole.total.abstentions == whole.total.missing);
  detail::KeyedRandom random(3);
  while (!run_until(workshop.trainer(teacher()), 1 + random.below(60))) {
  }
  check_same_outcome(workshop / "run", workshop / "whole");
}

TEST_CASE("A second run that shares the store asks nothing") {
  const Workshop workshop("shared");
  const fs::path store = workshop / "shared.db";
  const auto first = truthful(), second = truthful();
  workshop.trainer(first, small_options(), {.folder = workshop / "a", .store = store, .budget = {}}).run();
  const TrainingReport report = workshop.trainer(second, small_options(), {.folder = workshop / "b", .store = store, .budget = {.judgments = 0}}).run();
  REQUIRE(second->asked().empty());
  REQUIRE(report.total.from_store == report.total.pairs_wanted);
  REQUIRE(report.total.questions == 0);
  const auto a = contents(workshop / "a" / "tagger"), b = contents(workshop / "b" / "tagger");
  REQUIRE(a == b);

  SECTION("but pays where charge_stored asks for it") {
    const TrainingReport charged = workshop.trainer(second, small_options(), {.folder = workshop / "c", .store = store, .budget = {.judgments = 100, .charge_stored = true}}).run();
    REQUIRE(charged.ended == "budget");
    REQUIRE(charged.total.judgments <= 100);
    REQUIRE(charged.total.judgments >= 90);
  }
}

TEST_CASE("Other options or inputs are refused, naming them, before anything happens") {
  const Workshop workshop("mismatch");
  workshop.trainer(truthful()).run();
  TrainerOptions other = small_options();
  other.epochs = 4;
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), other), ContainsSubstring("`epochs` is 3 there, but 4 was given"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful({.identity = "else"})), ContainsSubstring("the teacher is 'scripted/1' there, but 'else' was given"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {}, topic_documents(50)), ContainsSubstring("the fingerprint of the documents is"));
}

TEST_CASE("What makes no sense is refused before anything is made") {
  const Workshop workshop("senseless");
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {}, {}), ContainsSubstring("no documents"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {}, topic_documents(3), LabelSet()), ContainsSubstring("label set is empty"));
  REQUIRE_THROWS_WITH(workshop.trainer(nullptr), ContainsSubstring("needs a teacher"));
  TrainerOptions options = small_options();
  options.yes_above = 2;
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), options), ContainsSubstring("yes_above"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {.folder = {}, .store = workshop / "nowhere/store.db", .budget = {}}), ContainsSubstring("nowhere/store.db"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {.folder = {}, .store = workshop / "model/vocab.txt", .budget = {}}), ContainsSubstring("vocab.txt"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {.folder = {}, .store = {}, .budget = {.judgments = -1}}), ContainsSubstring("budget"));
  REQUIRE_THROWS_WITH(workshop.trainer(truthful(), small_options(), {.folder = workshop / "model", .store = {}, .budget = {}}), ContainsSubstring("holds no run"));
  REQUIRE_FALSE(fs::exists(workshop / "run"));
}

TEST_CASE("A folder in use keeps others out") {
  const Workshop workshop("lock");
  std::string message;
  const auto curious = std::make_shared<ScriptedOracle>([&](std::string_view document, std::string_view label) {
    if (message.empty()) {
      try {
        workshop.trainer(truthful()).run();
      } catch (const std::runtime_error& error) {
        message = error.what();
      }
    }
    return topic_truth(document, label);
  });
  workshop.trainer(curious).run();
  REQUIRE_THAT(message, ContainsSubstring("Another process is running in the work folder"));
}

TEST_CASE("Going on from the last student differs from starting again, and can be interrupted, too") {
  const Workshop workshop("restart");
  TrainerOptions options = small_options();
  options.restart = false;
  options.use_all_judgments = false;
  options.development = 0;
  const TrainingReport whole = workshop.run(truthful(), "whole", options);
  REQUIRE(whole.ended == "cycles");
  REQUIRE(whole.best_cycle == 1);
  detail::KeyedRandom random(5);
  while (!run_until(workshop.trainer(truthful(), options), 1 + random.below(80))) {
  }
  check_same_outcome(workshop / "run", workshop / "whole");
}

// --- kill -9 ---

namespace {

// The process that the kill test kills: this program, told by the environment where to run.
pid_t start_driver(const fs::path& folder) {
  ::setenv("LMTX_KILL_TEST_FOLDER", folder.c_str(), 1);
  std::string self = "lmtx_test_train", test = "Driver of the kill test";
  char* arguments[] = {self.data(), test.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, "/proc/self/exe", &actions, nullptr, arguments, environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return child;
}

// The exit status of a driver that ended by itself within `limit`; unset when it was killed then.
std::optional<int> wait_or_kill(pid_t child, std::chrono::milliseconds limit) {
  int status = 0;
  for (const auto start = std::chrono::steady_clock::now(); std::chrono::steady_clock::now() - start < limit; std::this_thread::sleep_for(1ms)) {
    if (::waitpid(child, &status, WNOHANG) == child) return status;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? std::nullopt : std::optional<int>(status);
}

}  // namespace

TEST_CASE("Driver of the kill test", "[.driver]") {
  const char* folder = std::getenv("LMTX_KILL_TEST_FOLDER");
  REQUIRE(folder);
  at::set_num_threads(1);
  // Slow enough for kills to hit the asking, too.
  const auto teacher = std::make_shared<ScriptedOracle>([](std::string_view document, std::string_view label) {
    std::this_thread::sleep_for(500us);
    return label == "t3" ? Verdict::miss() : topic_truth(document, label);
  });
  CurriculumTrainer(Encoder::load(fs::path(folder) / "model"), Corpus::from_documents(topic_documents(num_documents)), topic_labels(), teacher, small_options(),
                    {.folder = fs::path(folder) / "run", .store = {}, .budget = {}})
      .run();
}

TEST_CASE("A run that is killed at random moments ends with the bytes of one that is not") {
  const Folder whole("kill-whole"), killed("kill");
  for (const Folder* folder : {&whole, &killed}) make_tiny_model(*folder / "model");
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(wait_or_kill(start_driver(whole / ""), 120s) == 0);
  const int64_t duration = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  detail::KeyedRandom random(static_cast<uint64_t>(::getpid()));
  // Five lives of at most a tenth, each of which starts anew: none comes to the end, even on a machine that had twice as much to do when the whole run was timed.
  for (int kills = 0; kills < 5; ++kills) REQUIRE_FALSE(wait_or_kill(start_driver(killed / ""), std::chrono::milliseconds(random.below(duration / 10))));
  REQUIRE(wait_or_kill(start_driver(killed / ""), 120s) == 0);
  check_same_outcome(killed / "run", whole / "run");
}

// Whole runs without a teacher that answers at once: through batch files, and again from a store.
#include <algorithm>

#include "catch.h"
#include "lmtx/teacher/batch_file_oracle.h"
#include "lmtx/teacher/batch_folder.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store_oracle.h"
#include "lmtx/train/curriculum_trainer.h"
#include "teacher/batch_provider.h"
#include "trainer_fixtures.h"
#include "workshop.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

const ChatOptions chat{.model = "tiny"};

// What a run leaves but for its store and its name.
std::map<std::string, std::string> outcome(const fs::path& run) {
  auto files = contents(run / "tagger");
  files["report.json"] = detail::read_file(run / "report.json");
  for (const auto& entry : fs::directory_iterator(run)) {
    if (!entry.path().filename().string().starts_with("cycle-")) continue;
    for (auto& [name, bytes] : contents(entry.path())) files[entry.path().filename().string() + "/" + name] = std::move(bytes);
  }
  return files;
}

void check_same(const fs::path& run, const fs::path& expected) {
  const auto found = outcome(run), files = outcome(expected);
  REQUIRE(files.size() > 5);
  REQUIRE(found.size() == files.size());
  for (const auto& [name, bytes] : files) {
    INFO(name);
    REQUIRE(found.contains(name));
    REQUIRE(found.at(name) == bytes);
  }
}

// Runs turn by turn, each as a process of its own would, and gives the messages of those that did not come to an end.
std::vector<std::string> run_in_turns(const Workshop& workshop, const TrainerOptions& options, const BatchProvider::Habits& habits,
                                      const std::string& name = "run") {
  std::vector<std::string> messages;
  for (;;) {
    const auto teacher = BatchFileOracle::make({.folder = workshop / "batch"}, ChatProtocol(chat));
    try {
      workshop.run(teacher, name, options);
      return messages;
    } catch (const PairsOpen& open) {
      CHECK(open.pairs > 0);
      messages.emplace_back(open.what());
      REQUIRE(messages.size() < 60);
    }
    for (const fs::path& file : BatchProvider(workshop / "batch", habits, messages.size()).write(workshop / "output"))
      import_batch_answers(workshop / "batch", file);
  }
}

TrainerOptions options_of(const std::string& preset_name) {
  if (preset_name == "paper") return small_options();
  TrainerOptions options = preset("default");
  options.cycles = 2;
  options.judgments_per_document = 5;
  options.document_length = 16;
  options.batch_size = 4;
  options.steps = 6;
  options.mask_near = 2;
  options.learning_rate = 5e-3;
  options.search_token_budget = 256;
  return options;
}

}  // namespace

TEST_CASE("A run through batch files ends with the bytes of a run that was answered at once, whatever the provider's order, files and failures") {
  const TrainerOptions options = options_of(GENERATE("paper", "default"));
  const BatchProvider::Habits habits = GENERATE(BatchProvider::Habits{}, BatchProvider::Habits{.fails_every = 6, .repeats_every = 5, .share = 0.7});
  const Workshop workshop("batch");
  workshop.run(std::make_shared<OnlineTeacher>(chat), "online", options);
  const auto messages = run_in_turns(workshop, options, habits);
  check_same(workshop / "run", workshop / "online");
  REQUIRE(!messages.empty());
  const std::string batch = (workshop / "batch").string();
  for (const std::string& message : messages) {
    CHECK_THAT(message,
               ContainsSubstring(" pairs are open") && ContainsSubstring("Their requests are in " + batch + "/requests; put the answers into " + batch +
                                                                         "/answers (lmtx batch import " + batch + " FILE), and run the same command again."));
  }
  const auto names_failure = [&](const std::string& message) { return message.find("(first failure: " + batch + "/answers/output_") != std::string::npos; };
  CHECK(std::any_of(messages.begin(), messages.end(), names_failure) == (habits.fails_every > 0));
  // Every request once, and once more where it failed.
  const BatchProvider provider(workshop / "batch", habits);
  for (const auto& [id, times] : count_ids(workshop / "batch" / "requests")) CHECK(times == (provider.fails_first(id) ? 2 : 1));

  SECTION("and the judgments are those of the model, for whoever asks it online") {
    const auto silent = std::make_shared<ScriptedOracle>([](std::string_view, std::string_view) { return Verdict::fail("asked"); },
                                                         ScriptedOracleOptions{.identity = OnlineTeacher(chat).identity()});
    const RunOptions again{.folder = workshop / "again", .store = workshop / "run" / "judgments.db", .budget = {.charge_stored = true}};
    REQUIRE_NOTHROW(workshop.trainer(silent, options, again).run());
    CHECK(silent->asked().empty());
  }
}

TEST_CASE("A teacher that answers later is offered each question once a stage, one that fails as often as the options say") {
  class Later final : public TeacherOracle {
   public:
    explicit Later(std::string advice) : advice_(std::move(advice)) {}
    std::string identity() const override { return "later/1"; }
    void judge(std::span<const Question> questions, AnswerSink&) override { asked += static_cast<int64_t>(questions.size()); }
    TeacherTraits traits() const override { return {.questions_per_call = 0, .concurrent_calls = 1}; }
    std::string pending_advice() const override { return advice_; }
    int64_t asked = 0;

   private:
    const std::string advice_;
  };
  const Workshop workshop("later");
  const auto later = std::make_shared<Later>("Ask the owl."), never = std::make_shared<Later>("");
  CHECK_THROWS_WITH(workshop.run(later, "run"), ContainsSubstring("270 of 270 pairs are open. Ask the owl."));
  CHECK(later->asked == 54);
  CHECK_THROWS_WITH(
      workshop.run(never, "other"),
      ContainsSubstring("270 of 270 pairs are still open: the teacher did not answer them. All answers are kept; the same command asks for the rest."));
  CHECK(never->asked == 54 * small_options().ask_rounds);
}

TEST_CASE("A run is played again from its store alone, and ends with the same bytes") {
  const TrainerOptions options = options_of(GENERATE("paper", "default"));
  const bool knows_all = GENERATE(true, false);
  const Workshop workshop("replay");
  const auto rule = [&](std::string_view document, std::string_view label) {
    if (!knows_all && label == "t3") return Verdict::miss();
    return label == "t5" ? Verdict::abstain() : topic_truth(document, label);
  };
  const auto teacher = std::make_shared<ScriptedOracle>(rule);
  workshop.run(teacher, "first", options);
  const fs::path store = workshop / "kept.db";
  fs::copy_file(workshop / "first" / "judgments.db", store);
  const auto replay = StoreOracle::open(store);
  CHECK(replay->identity() == "scripted/1");
  CHECK(replay->size() == JudgmentStore::open(workshop / "first" / "judgments.db").size());
  workshop.run(replay, "second", options);
  check_same(workshop / "second", workshop / "first");

  SECTION("and what a run with other options asks besides is unknown, not open") {
    TrainerOptions more = options;
    more.seed = 99;
    REQUIRE_NOTHROW(workshop.run(StoreOracle::open(store), "more", more));
  }
}

TEST_CASE("A replay names whose judgments it gives, and refuses to guess") {
  const Folder folder("replays");
  const fs::path file = folder / "judgments.db";
  CHECK_THROWS_WITH(StoreOracle::open(file), ContainsSubstring(file.string()));
  CHECK_FALSE(fs::exists(file));
  const LabelToJudge labels[] = {{"t1", "la", ""}, {"t2", "lb", "with a description"}};
  const Question question{"d", "title", "content", labels};
  const auto judgments_of = [&](StoreOracle& oracle) {
    class Sink final : public AnswerSink {
     public:
      void put(const Question&, std::span<const Verdict> given, const Usage&, std::string_view) override { verdicts.assign(given.begin(), given.end()); }
      std::stop_token stop() const override { return {}; }
      std::vector<Verdict> verdicts;
    } sink;
    oracle.judge(std::span(&question, 1), sink);
    return sink.verdicts;
  };
  {
    JudgmentStore store = JudgmentStore::open(file);
    CHECK_THROWS_WITH(StoreOracle::open(file), file.string() + ": expected the judgments of one teacher, but it has no judgments.");
    store.put("one/1", {"d", "title", "content", std::span(labels, 1)}, std::vector<Verdict>{Verdict::score(0.25)});
  }
  CHECK((judgments_of(*StoreOracle::open(file)) == std::vector<Verdict>{Verdict::score(0.25), Verdict::miss()}));
  JudgmentStore::open(file).put("two/1", question, std::vector<Verdict>{Verdict::yes(), Verdict::abstain()});
  CHECK_THROWS_WITH(StoreOracle::open(file),
                    file.string() + ": expected the judgments of one teacher, but it has those of `one/1`, `two/1`; say whose to replay.");
  CHECK_THROWS_WITH(StoreOracle::open(file, "three/1"), file.string() + ": no judgments by `three/1`; it has those of `one/1`, `two/1`.");
  CHECK((judgments_of(*StoreOracle::open(file, "two/1")) == std::vector<Verdict>{Verdict::yes(), Verdict::abstain()}));
  CHECK(StoreOracle::open(file, "one/1")->size() == 1);
}

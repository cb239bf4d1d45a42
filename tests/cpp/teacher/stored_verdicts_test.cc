// Teachers that make something of other teachers' verdicts, and what they ask for it.
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>

#include "catch.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/ask.h"
#include "lmtx/teacher/calibrated_oracle.h"
#include "lmtx/teacher/combined_oracle.h"
#include "lmtx/teacher/scripted_oracle.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;

const std::vector<LabelToJudge> three_labels = {{"cat", "Cats", ""}, {"dog", "Dogs", "Canis familiaris"}, {"eel", "Eels", ""}};

std::vector<Question> three_documents() {
  std::vector<Question> questions;
  for (const char* uid : {"d0", "d1", "d2"}) questions.push_back({.uid = uid, .title = uid, .content = "Content", .labels = three_labels});
  return questions;
}

std::shared_ptr<JudgmentStore> new_store(const TemporaryFolder& folder) {
  return std::make_shared<JudgmentStore>(JudgmentStore::open(folder.path() / "judgments.db"));
}

// d0 gets yeses, d1 noes, of d2 nothing is known but an abstention.
Verdict by_document(std::string_view document, std::string_view label) {
  return document == "d2" ? Verdict::abstain() : Verdict::score((document == "d0" ? 0.8 : 0.1) + (label == "cat" ? 0.05 : 0));
}

std::shared_ptr<ScriptedOracle> scripted(std::string identity, ScriptedOracle::Rule rule = by_document, TeacherTraits traits = {}) {
  return std::make_shared<ScriptedOracle>(std::move(rule), ScriptedOracleOptions{.identity = std::move(identity), .traits = traits});
}

int64_t times_asked(const ScriptedOracle& teacher) {
  int64_t sum = 0;
  for (const auto& [pair, count] : teacher.asked()) sum += count;
  return sum;
}

Calibration shifted(double rate) { return Calibration::shift(std::vector{0.2, 0.4, 0.9}, rate); }

}  // namespace

TEST_CASE("changing the calibration asks nothing again") {
  const TemporaryFolder folder;
  const auto store = new_store(folder);
  const auto inner = scripted("llm/1");
  const auto questions = three_documents();
  const Calibration first = shifted(0.3), second = shifted(0.6);
  const AskedVerdicts once = ask(std::make_shared<CalibratedOracle>(inner, first, store), questions);
  CHECK(times_asked(*inner) == 9);
  CHECK(once.verdicts[0][0]->score() == first(0.8 + 0.05));
  CHECK(once.verdicts[1][2]->score() == first(0.1));
  CHECK(once.verdicts[2][1] == Verdict::abstain());
  const AskedVerdicts again = ask(std::make_shared<CalibratedOracle>(inner, second, store), questions);
  CHECK(times_asked(*inner) == 9);
  CHECK(again.verdicts[0][0]->score() == second(0.8 + 0.05));
  CHECK(again.verdicts[2][1] == Verdict::abstain());
  // Under the inner identity, as they came.
  CHECK(store->identities() == std::vector<std::string>{"llm/1"});
  CHECK(store->find("llm/1", questions[0])[0]->verdict.score() == 0.8 + 0.05);
}

TEST_CASE("only what the store does not have is asked") {
  const TemporaryFolder folder;
  const auto store = new_store(folder);
  const auto inner = scripted("llm/1");
  const auto questions = three_documents();
  Question part = questions[1];
  part.labels = std::span(three_labels).subspan(1, 1);
  store->put("llm/1", part, std::vector{Verdict::score(0.77)});
  const AskedVerdicts asked = ask(inner, questions, {.store = store});
  CHECK(asked.asked == 8);
  CHECK(asked.verdicts[1][1]->score() == 0.77);
  CHECK(inner->asked().count({"d1", "dog"}) == 0);
  CHECK(ask(inner, questions, {.store = store}).asked == 0);
  // Under another name they are asked.
  CHECK(ask(inner, questions, {.store = store, .identity = "llm/1+probe"}).asked == 9);
}

TEST_CASE("the identity of a calibrated teacher changes with the calibration, and fits its teacher") {
  const auto inner = scripted("llm/1");
  const CalibratedOracle first(inner, shifted(0.3), nullptr), second(inner, shifted(0.6), nullptr);
  CHECK(first.identity() == "llm/1+" + shifted(0.3).identity());
  CHECK(first.identity() != second.identity());
  CHECK_NOTHROW(CalibratedOracle(inner, shifted(0.3).for_teacher("llm/1"), nullptr));
  CHECK_THROWS_WITH(CalibratedOracle(inner, shifted(0.3).for_teacher("llm/2"), nullptr),
                    ContainsSubstring("fitted to the teacher `llm/2`, but the teacher is `llm/1`"));
}

TEST_CASE("what goes wrong with an answer comes out, whatever the teacher makes of it") {
  class Careless final : public TeacherOracle {
   public:
    std::string identity() const override { return "careless/1"; }
    void judge(std::span<const Question> questions, AnswerSink& answers) override {
      for (const Question& question : questions) {
        try {
          answers.put(question, std::vector(question.labels.size(), Verdict::yes()));
        } catch (const std::exception&) {
        }
      }
    }
  };
  class Full final : public AnswerSink {
   public:
    void put(const Question&, std::span<const Verdict>, const Usage&, std::string_view) override {
      ++puts;
      throw std::runtime_error("No space left on device");
    }
    std::stop_token stop() const override { return {}; }
    int puts = 0;
  };
  const TemporaryFolder folder;
  Full full;
  CHECK_THROWS_WITH(StoredVerdicts(std::make_shared<Careless>(), new_store(folder)).judge(three_documents(), full), "No space left on device");
  CHECK(full.puts == 1);
}

TEST_CASE("teachers are combined without those that abstain") {
  const TemporaryFolder folder;
  const auto store = new_store(folder);
  const auto first = scripted("llm/1"), second = scripted("llm/2", [](std::string_view, std::string_view label) {
                                          return label == "cat" ? Verdict::score(0.3) : label == "dog" ? Verdict::abstain() : Verdict::miss();
                                        });
  const Combination mean = Combination::mean(std::vector{1.0, 1.0});
  const auto combined = std::make_shared<CombinedOracle>(std::vector<std::shared_ptr<TeacherOracle>>{first, second}, mean, store);
  const AskedVerdicts asked = ask(combined, three_documents());
  CHECK(asked.verdicts[0][0]->score() == mean(std::vector{0.8 + 0.05, 0.3}));
  CHECK(asked.verdicts[0][1]->score() == Approx(0.8));
  CHECK(asked.verdicts[1][2]->score() == Approx(0.1));
  CHECK(asked.verdicts[2][0]->score() == Approx(0.3));
  CHECK(asked.verdicts[2][1] == Verdict::abstain());
  CHECK(asked.verdicts[2][2] == Verdict::miss());
  // What was missing is asked again, nothing else.
  const Combination other = Combination::mean(std::vector{2.0, 1.0});
  ask(std::make_shared<CombinedOracle>(std::vector<std::shared_ptr<TeacherOracle>>{first, second}, other, store), three_documents());
  CHECK(times_asked(*first) == 9);
  CHECK(times_asked(*second) == 12);
  CHECK(combined->identity() == mean.identity() + "(llm/1, llm/2)");
}

TEST_CASE("a pair that one teacher fails at, or leaves open, is no one's verdict") {
  const TemporaryFolder folder;
  const auto store = new_store(folder);
  const auto failing = scripted("llm/2", [](std::string_view, std::string_view label) { return label == "cat" ? Verdict::fail("timeout") : Verdict::yes(); });
  const auto forgetful = std::make_shared<ScriptedOracle>(by_document, ScriptedOracleOptions{.identity = "llm/1", .skip_every = 2});
  const auto combined =
      std::make_shared<CombinedOracle>(std::vector<std::shared_ptr<TeacherOracle>>{forgetful, failing}, Combination::mean(std::vector{1.0, 1.0}), store);
  const AskedVerdicts asked = ask(combined, three_documents());
  CHECK(asked.verdicts[0][0] == Verdict::fail("timeout"));
  CHECK(asked.verdicts[0][1]->scored());
  CHECK_FALSE(asked.verdicts[1][1].has_value());
  CHECK(ask(combined, three_documents()).verdicts[1][1]->scored());
  CHECK(forgetful->asked().at({"d0", "cat"}) == 1);
  CHECK(failing->asked().at({"d0", "cat"}) == 2);
  CHECK(failing->asked().at({"d1", "dog"}) == 1);
}

TEST_CASE("combined teachers name what is wrong with their arguments") {
  const auto teacher = scripted("llm/1");
  const Combination two = Combination::mean(std::vector{1.0, 1.0});
  CHECK_THROWS_WITH(CombinedOracle(std::vector<std::shared_ptr<TeacherOracle>>{teacher}, two, nullptr), "The combination is of 2 teachers, but there are 1.");
  CHECK_THROWS_WITH(CombinedOracle(std::vector<std::shared_ptr<TeacherOracle>>{teacher, teacher}, two, nullptr),
                    "Two of the teachers have the identity `llm/1`.");
  CHECK_THROWS_WITH(CombinedOracle(std::vector<std::shared_ptr<TeacherOracle>>{teacher, nullptr}, two, nullptr), ContainsSubstring("A teacher is needed"));
}

TEST_CASE("asking goes by the teacher's traits, from several threads") {
  std::vector<std::string> uids;
  for (int i = 0; i < 200; ++i) uids.push_back("d" + std::to_string(i));
  std::vector<Question> questions;
  for (const std::string& uid : uids) questions.push_back({.uid = uid, .title = "", .content = uid, .labels = three_labels});
  // The same document once more, with its labels the other way round.
  const std::vector<LabelToJudge> reversed(three_labels.rbegin(), three_labels.rend());
  questions.push_back({.uid = "d0", .title = "", .content = "d0", .labels = reversed});
  std::mutex mutex;
  std::set<std::thread::id> threads;
  const auto teacher = scripted("llm/1",
                                [&](std::string_view uid, std::string_view label) {
                                  const std::lock_guard lock(mutex);
                                  threads.insert(std::this_thread::get_id());
                                  return Verdict::score(uid == "d0" && label == "eel" ? 0.25 : 0.5);
                                },
                                {.questions_per_call = 7, .concurrent_calls = 4});
  int64_t last = 0;
  const AskedVerdicts asked = ask(teacher, questions, {.on_progress = [&](int64_t done) { last = done; }});
  CHECK(asked.asked == 603);
  CHECK(last == 201);
  CHECK(asked.verdicts[0][2]->score() == 0.25);
  CHECK(asked.verdicts[200][0]->score() == 0.25);
  CHECK(threads.count(std::this_thread::get_id()) == 0);
}

TEST_CASE("what a teacher throws comes out of asking, and a stop ends it") {
  const TemporaryFolder folder;
  const auto store = new_store(folder);
  for (const int64_t calls : {1, 3}) {
    const auto teacher = std::make_shared<ScriptedOracle>(
        by_document, ScriptedOracleOptions{.identity = "llm/" + std::to_string(calls), .throw_after = 2, .traits = {.concurrent_calls = calls}});
    CHECK_THROWS_AS(ask(teacher, three_documents(), {.store = store}), TeacherError);
    std::stop_source stop;
    stop.request_stop();
    CHECK_THROWS_AS(ask(scripted("llm/0", by_document, {.concurrent_calls = calls}), three_documents(), {}, stop.get_token()), Stopped);
  }
  CHECK(store->size("llm/1") == 6);
  CHECK_THROWS_WITH(ask(nullptr, three_documents()), ContainsSubstring("A teacher is needed"));
}

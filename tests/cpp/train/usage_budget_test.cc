// Limits on tokens, money and time, as a stage of asking keeps them.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>

#include "catch.h"
#include "lmtx/train/asker.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t num_documents = 30, labels_each = 4;

// Takes 100 tokens a question, whatever its labels; says so beforehand where asked to.
class Costly final : public TeacherOracle {
 public:
  explicit Costly(TeacherTraits traits = {}, int64_t expected = 0) : traits_(traits), expected_(expected) {}
  std::string identity() const override { return "costly/1"; }
  TeacherTraits traits() const override { return traits_; }
  Usage estimate(const Question&) const override { return {.prompt_tokens = expected_}; }
  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    for (const Question& question : questions) {
      if (answers.stop().stop_requested()) return;
      before_answer();
      ++answered;
      answers.put(question, std::vector<Verdict>(question.labels.size(), Verdict::yes()), {.prompt_tokens = 90, .completion_tokens = 10});
    }
  }

  std::function<void()> before_answer = [] {};
  std::atomic<int64_t> answered = 0;

 private:
  TeacherTraits traits_;
  int64_t expected_;
};

struct World {
  explicit World(const std::string& name)
      : folder("usage-" + name),
        documents(Corpus::from_documents(topic_documents(num_documents))),
        labels(std::make_shared<const LabelSet>(topic_labels())),
        store(std::make_shared<JudgmentStore>(JudgmentStore::open(folder / "judgments.db"))) {}

  AskedPairs ask(std::shared_ptr<TeacherOracle> teacher, Budget budget, AskerOptions options = {}) {
    AskedPairs wanted;
    for (int64_t i = 0; i < num_documents; ++i) wanted.add(i, std::vector<int64_t>{0, 1, 2, 3});
    options.run = "this run";
    options.expect_usage = budget.tokens || budget.cost;
    return Asker(std::move(teacher), store, documents, labels, options)
        .ask(std::move(wanted), {}, Spending(budget, 0, store->usage_of_run("this run")), folder / "missing");
  }

  Folder folder;
  Corpus documents;
  std::shared_ptr<const LabelSet> labels;
  std::shared_ptr<JudgmentStore> store;
};

int64_t count_state(const AskedPairs& pairs, PairState state) {
  return std::count_if(pairs.all().begin(), pairs.all().end(), [&](const AskedPair& pair) { return pair.state == state; });
}

// Every pair is scored and charged, or over the budget and free.
void check_accounts(const AskedPairs& pairs, int64_t answered) {
  CHECK(count_state(pairs, PairState::scored) == answered * labels_each);
  CHECK(count_state(pairs, PairState::over_budget) == (num_documents - answered) * labels_each);
  CHECK(pairs.num_charged() == answered * labels_each);
}

}  // namespace

TEST_CASE("where the teacher can tell beforehand, tokens never go over the limit") {
  World world("expected");
  const auto traits = GENERATE(TeacherTraits{}, TeacherTraits{.questions_per_call = 7}, TeacherTraits{.questions_per_call = 0},
                               TeacherTraits{.questions_per_call = 2, .concurrent_calls = 3});
  const auto teacher = std::make_shared<Costly>(traits, 100);
  const AskedPairs pairs = world.ask(teacher, {.tokens = 1'250});
  CHECK(teacher->answered == 12);
  check_accounts(pairs, 12);
}

TEST_CASE("where it cannot, the question that goes over is the last") {
  World world("unexpected");
  const auto traits = GENERATE(TeacherTraits{}, TeacherTraits{.questions_per_call = 7}, TeacherTraits{.questions_per_call = 0});
  const auto teacher = std::make_shared<Costly>(traits);
  const AskedPairs pairs = world.ask(teacher, {.tokens = 1'250});
  CHECK(teacher->answered == 13);
  check_accounts(pairs, 13);
}

TEST_CASE("money is limited by the rates where the teacher names no price") {
  World world("money");
  const auto teacher = std::make_shared<Costly>(TeacherTraits{}, 100);
  // 90 prompt tokens and 10 of the answer come to 0.0011; 100 prompt tokens are expected, 0.001.
  const AskedPairs pairs = world.ask(teacher, {.cost = 0.0105}, {.rates = {.prompt = 10, .completion = 20}});
  CHECK(teacher->answered == 9);
  check_accounts(pairs, 9);
  CHECK(world.store->usage_of_run("this run").cost == Approx(9 * 0.0011));
}

TEST_CASE("a stage that is asked again counts what its earlier answers took") {
  World world("again");
  const auto teacher = std::make_shared<Costly>(TeacherTraits{}, 100);
  world.ask(teacher, {.tokens = 500});
  CHECK(teacher->answered == 5);
  const AskedPairs pairs = world.ask(teacher, {.tokens = 800});
  CHECK(teacher->answered == 8);
  check_accounts(pairs, 8);
}

TEST_CASE("when the time is up nothing more is asked, and the stage ends with what it has") {
  World world("time");
  const auto traits = GENERATE(TeacherTraits{}, TeacherTraits{.questions_per_call = 0}, TeacherTraits{.questions_per_call = 1, .concurrent_calls = 2});
  const auto teacher = std::make_shared<Costly>(traits);
  teacher->before_answer = [] { std::this_thread::sleep_for(50ms); };
  const AskedPairs pairs = world.ask(teacher, {}, {.seconds_left = 0.1});
  CHECK(teacher->answered < num_documents);
  check_accounts(pairs, teacher->answered);
  SECTION("nothing at all where none is left") {
    World fresh("no-time");
    const auto late = std::make_shared<Costly>();
    CHECK(count_state(fresh.ask(late, {}, {.seconds_left = -5}), PairState::over_budget) == num_documents * labels_each);
  }
}

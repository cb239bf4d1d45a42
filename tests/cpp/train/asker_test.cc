#include "lmtx/train/asker.h"

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>

#include "catch.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/callback_oracle.h"
#include "lmtx/train/curriculum_trainer.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;
using namespace std::chrono_literals;

namespace {

constexpr int64_t labels_each = 4;

// Labels i, i + 1, … of document i.
AskedPairs wanted_pairs(int64_t documents) {
  AskedPairs wanted;
  for (int64_t i = 0; i < documents; ++i) {
    std::vector<int64_t> labels;
    for (int64_t j = 0; j < labels_each; ++j) labels.push_back((i + j) % num_topics);
    wanted.add(i, labels);
  }
  return wanted;
}

int64_t count_state(const AskedPairs& pairs, PairState state) {
  return std::count_if(pairs.all().begin(), pairs.all().end(), [&](const AskedPair& pair) { return pair.state == state; });
}

// A teacher that says the truth about the first word of a document's title, through a lambda that may misbehave.
class Teacher final : public TeacherOracle {
 public:
  using Judge = std::function<void(std::span<const Question>, AnswerSink&)>;
  explicit Teacher(Judge judge, TeacherTraits traits = {}) : judge_(std::move(judge)), traits_(traits) {}
  std::string identity() const override { return "scripted/1"; }
  TeacherTraits traits() const override { return traits_; }
  void judge(std::span<const Question> questions, AnswerSink& answers) override { judge_(questions, answers); }

 private:
  Judge judge_;
  TeacherTraits traits_;
};

std::vector<Verdict> truths(const Question& question) {
  std::vector<Verdict> verdicts;
  for (const LabelToJudge& label : question.labels) verdicts.push_back(topic_truth(question.uid, label.uid));
  return verdicts;
}

struct World {
  explicit World(const std::string& name, int64_t num_documents = 30)
      : folder("asker-" + name), documents(Corpus::from_documents(topic_documents(num_documents))), labels(std::make_shared<const LabelSet>(topic_labels())) {
    open_store();
  }
  void open_store() {
    store.reset();
    store = std::make_shared<JudgmentStore>(JudgmentStore::open(folder / "judgments.db"));
  }
  AskedPairs ask(std::shared_ptr<TeacherOracle> teacher, AskedPairs wanted, AskerOptions options = {}, Budget budget = {}, std::span<const AskedPairs> earlier = {},
                 std::stop_token stop = {}, const EventCallback& on_event = {}) {
    if (options.run.empty()) options.run = "this run";
    return Asker(std::move(teacher), store, documents, labels, options).ask(std::move(wanted), earlier, Spending(budget, 0),
                                                                                 folder / ("missing of stage " + std::to_string(earlier.size())), on_event, stop);
  }

  Folder folder;
  Corpus documents;
  std::shared_ptr<const LabelSet> labels;
  std::shared_ptr<JudgmentStore> store;
};

std::shared_ptr<ScriptedOracle> truthful(ScriptedOracleOptions options = {}) { return std::make_shared<ScriptedOracle>(topic_truth, options); }

void check_true(const AskedPairs& pairs) {
  for (int64_t i = 0; i < pairs.num_documents(); ++i) {
    for (const AskedPair& pair : pairs.of(i)) {
      REQUIRE(pair.state == PairState::scored);
      REQUIRE(pair.score == topic_truth(uid("d", pairs.document(i)), uid("t", pair.label)).score());
    }
  }
}

}  // namespace

TEST_CASE("Every pair is asked once, one question a document, in document order") {
  World world("order");
  std::vector<std::string> order;
  const auto teacher = std::make_shared<Teacher>([&](std::span<const Question> questions, AnswerSink& answers) {
    REQUIRE(questions.size() == 1);
    REQUIRE(questions[0].labels.size() == labels_each);
    order.emplace_back(questions[0].uid);
    answers.put(questions[0], truths(questions[0]));
  });
  const AskedPairs pairs = world.ask(teacher, wanted_pairs(30));
  check_true(pairs);
  REQUIRE(order.size() == 30);
  for (size_t i = 0; i < order.size(); ++i) REQUIRE(order[i] == uid("d", static_cast<int64_t>(i)));
  REQUIRE(pairs.num_charged() == 120);
}

TEST_CASE("What the store knows is not asked, and free") {
  World world("stored");
  world.ask(truthful(), wanted_pairs(10), {.run = "another run"});
  const auto teacher = truthful();
  const AskedPairs pairs = world.ask(teacher, wanted_pairs(30));
  check_true(pairs);
  REQUIRE(teacher->asked().size() == 80);
  REQUIRE(pairs.num_charged() == 80);
  const AskingReport report = summarize(pairs, 0.5);
  REQUIRE(report.questions == 20);
  REQUIRE(report.from_store == 40);
  REQUIRE(report.judgments == 120);

  SECTION("but charged where charge_stored asks for it") {
    const AskedPairs charged = world.ask(truthful(), wanted_pairs(30), {.run = "third", .charge_stored = true}, {.judgments = 50, .charge_stored = true});
    REQUIRE(charged.num_charged() == 50);
    REQUIRE(count_state(charged, PairState::over_budget) == 70);
  }
}

TEST_CASE("A budget is used up exactly, in document order, and never exceeded") {
  World world("budget");
  world.ask(truthful(), wanted_pairs(2), {.run = "another run"});
  const auto teacher = truthful();
  const AskedPairs pairs = world.ask(teacher, wanted_pairs(30), {}, {.judgments = 50});
  REQUIRE(teacher->asked().size() == 50);
  REQUIRE(pairs.num_charged() == 50);
  REQUIRE(count_state(pairs, PairState::scored) == 58);
  REQUIRE(count_state(pairs, PairState::over_budget) == 62);
  REQUIRE(pairs.of(14)[1].state == PairState::scored);
  REQUIRE(pairs.of(14)[2].state == PairState::over_budget);

  SECTION("nothing at all is asked within a budget of 0") {
    const auto silent = truthful();
    const AskedPairs free = world.ask(silent, wanted_pairs(3), {.run = "third"}, {.judgments = 0});
    REQUIRE(silent->asked().empty());
    REQUIRE(count_state(free, PairState::scored) == 12);
  }
}

TEST_CASE("A teacher that fails half the time is asked again until it has answered everything") {
  World world("failing");
  std::set<std::string> failed;
  const auto rule = [&](std::string_view document, std::string_view label) {
    // Every second pair fails the first time.
    const std::string pair = std::string(document).append("/").append(label);
    const bool fails = std::hash<std::string>()(pair) % 2 == 0 && failed.insert(pair).second;
    return fails ? Verdict::fail("HTTP 503") : topic_truth(document, label);
  };
  const auto teacher = std::make_shared<ScriptedOracle>(rule);
  const AskedPairs pairs = world.ask(teacher, wanted_pairs(30));
  check_true(pairs);
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == (failed.count(pair.first + "/" + pair.second) ? 2 : 1));
}

TEST_CASE("Pairs that stay open stop the run with their number, and the next call asks for them alone") {
  World world("open");
  const auto stubborn = std::make_shared<ScriptedOracle>([](std::string_view document, std::string_view label) {
    return document == "d3" ? Verdict::fail("no such page") : topic_truth(document, label);
  });
  try {
    world.ask(stubborn, wanted_pairs(30));
    FAIL("expected PairsOpen");
  } catch (const PairsOpen& error) {
    REQUIRE(error.pairs == 4);
    REQUIRE_THAT(error.what(), ContainsSubstring("4 of 120 pairs are still open") && ContainsSubstring("first failure: no such page"));
  }
  REQUIRE(stubborn->asked().at({"d3", "t3"}) == 3);
  const auto teacher = truthful();
  check_true(world.ask(teacher, wanted_pairs(30)));
  REQUIRE(teacher->asked().size() == 4);
}

TEST_CASE("accept_missing lets a stage close with pairs open, which are unknown and free") {
  World world("accept");
  const auto stubborn = [] {
    return std::make_shared<ScriptedOracle>(
        [](std::string_view document, std::string_view label) { return document == "d3" ? Verdict::fail("gone") : topic_truth(document, label); });
  };
  const AskedPairs pairs = world.ask(stubborn(), wanted_pairs(30), {.run = {}, .accept_missing = 4.0 / 120});
  REQUIRE(count_state(pairs, PairState::open) == 4);
  REQUIRE(pairs.num_charged() == 116);
  REQUIRE(summarize(pairs, 0.5).open == 4);
  REQUIRE_THROWS_AS(world.ask(stubborn(), wanted_pairs(30), {.run = {}, .accept_missing = 3.0 / 120}), PairsOpen);
}

TEST_CASE("Missing verdicts count as abstained and are charged, never stored, and not asked again after an interruption") {
  World world("missing");
  const auto rule = [](std::string_view document, std::string_view label) { return label == "t5" ? Verdict::miss() : topic_truth(document, label); };
  const AskedPairs pairs = world.ask(std::make_shared<ScriptedOracle>(rule), wanted_pairs(30), {}, {.judgments = 100});
  const int64_t missing = count_state(pairs, PairState::missing);
  REQUIRE(missing > 0);
  REQUIRE(world.store->size() == 100 - missing);
  REQUIRE(pairs.num_charged() == 100);
  REQUIRE(summarize(pairs, 0.5).abstentions == missing);
  const auto again = std::make_shared<ScriptedOracle>(rule);
  REQUIRE(world.ask(again, wanted_pairs(30), {}, {.judgments = 100}) == pairs);
  REQUIRE(again->asked().empty());
}

TEST_CASE("What earlier cycles know is neither asked nor charged again") {
  World world("earlier");
  std::vector<AskedPairs> earlier;
  const auto rule = [](std::string_view document, std::string_view label) {
    return label == "t5" ? Verdict::miss() : label == "t6" ? Verdict::abstain() : topic_truth(document, label);
  };
  earlier.push_back(world.ask(std::make_shared<ScriptedOracle>(rule), wanted_pairs(20)));
  const auto teacher = std::make_shared<ScriptedOracle>(rule);
  const AskedPairs pairs = world.ask(teacher, wanted_pairs(30), {}, {}, earlier);
  REQUIRE(teacher->asked().size() == 40);
  REQUIRE(pairs.num_charged() == 40);
  std::vector<AskedPairs> both = {earlier[0], pairs};
  const AskingReport total = summarize_distinct(both, 0.5);
  REQUIRE(total.pairs_wanted == 120);
  REQUIRE(total.judgments + total.abstentions == 120);
  REQUIRE(total.from_store == 0);
  REQUIRE(total.questions == 30);
}

TEST_CASE("Concurrent calls give what calls one by one give") {
  World one("one by one"), many("concurrent");
  const auto rule = [](std::string_view document, std::string_view label) { return label == "t5" ? Verdict::miss() : topic_truth(document, label); };
  const AskedPairs expected = one.ask(std::make_shared<ScriptedOracle>(rule), wanted_pairs(30), {}, {.judgments = 70});
  const auto teacher = std::make_shared<ScriptedOracle>(rule, ScriptedOracleOptions{.traits = {.questions_per_call = 3, .concurrent_calls = 4}});
  const auto this_thread = std::this_thread::get_id();
  bool elsewhere = false;
  const auto on_event = [&](const Event&) { elsewhere |= std::this_thread::get_id() != this_thread; };
  REQUIRE(many.ask(teacher, wanted_pairs(30), {}, {.judgments = 70}, {}, {}, on_event) == expected);
  REQUIRE_FALSE(elsewhere);
}

TEST_CASE("A teacher is called as its traits say") {
  World world("traits");
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::vector<size_t> sizes;
  std::atomic<int> running = 0, most = 0;
  const auto judge = [&](std::span<const Question> questions, AnswerSink& answers) {
    const int now = ++running;
    for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
    }
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
      sizes.push_back(questions.size());
    }
    std::this_thread::sleep_for(2ms);
    for (const Question& question : questions) answers.put(question, truths(question));
    --running;
  };
  SECTION("one call at a time stays on the calling thread") {
    world.ask(std::make_shared<Teacher>(judge, TeacherTraits{.questions_per_call = 7, .concurrent_calls = 1}), wanted_pairs(30));
    REQUIRE(threads == std::set<std::thread::id>{std::this_thread::get_id()});
    REQUIRE(sizes == std::vector<size_t>{7, 7, 7, 7, 2});
  }
  SECTION("0 questions a call means all there are") {
    world.ask(std::make_shared<Teacher>(judge, TeacherTraits{.questions_per_call = 0, .concurrent_calls = 1}), wanted_pairs(30));
    REQUIRE(sizes == std::vector<size_t>{30});
  }
  SECTION("no more calls at once than allowed") {
    world.ask(std::make_shared<Teacher>(judge, TeacherTraits{.questions_per_call = 1, .concurrent_calls = 3}), wanted_pairs(30));
    REQUIRE(most == 3);
    REQUIRE(threads.count(std::this_thread::get_id()) == 0);
  }
}

TEST_CASE("An exception of the teacher passes through, and what was answered is kept") {
  const int64_t concurrent = GENERATE(1, 4);
  World world(uid("exception-", concurrent));
  const auto giving_up = truthful({.throw_after = 12, .traits = {.questions_per_call = 1, .concurrent_calls = concurrent}});
  REQUIRE_THROWS_WITH(world.ask(giving_up, wanted_pairs(30)), ContainsSubstring("gave up"));
  REQUIRE(world.store->size() == 48);
  const auto teacher = truthful();
  check_true(world.ask(teacher, wanted_pairs(30)));
  REQUIRE(teacher->asked().size() == 120 - 48);
}

TEST_CASE("Answers that do not fit their question are refused, naming document and label") {
  World world("misfit");
  const auto answering = [](std::function<void(const Question&, AnswerSink&)> answer) {
    return std::make_shared<Teacher>([answer](std::span<const Question> questions, AnswerSink& answers) { answer(questions[0], answers); });
  };
  const std::vector<Verdict> two = {Verdict::yes(), Verdict::no()};
  REQUIRE_THROWS_WITH(world.ask(answering([&](const Question& question, AnswerSink& answers) { answers.put(question, two); }), wanted_pairs(30)),
                      ContainsSubstring("d0") && ContainsSubstring("t2") && ContainsSubstring("4"));
  const auto other_label = [&](const Question& question, AnswerSink& answers) {
    const std::vector<LabelToJudge> labels = {{"t0", "la", ""}, {"t19", "lb", ""}};
    answers.put({question.uid, question.title, question.content, labels}, two);
  };
  REQUIRE_THROWS_WITH(world.ask(answering(other_label), wanted_pairs(30)), ContainsSubstring("t19") && ContainsSubstring("d0") && ContainsSubstring("not asked"));
  const auto other_document = [&](const Question& question, AnswerSink& answers) { answers.put({"d7", {}, {}, question.labels.first(2)}, two); };
  REQUIRE_THROWS_WITH(world.ask(answering(other_document), wanted_pairs(30)), ContainsSubstring("d7") && ContainsSubstring("not being asked"));
}

TEST_CASE("Answers may come in parts, in another order, and with texts changed") {
  World world("parts");
  const auto teacher = std::make_shared<Teacher>([](std::span<const Question> questions, AnswerSink& answers) {
    for (size_t i = questions.size(); i-- > 0;) {
      const Question& question = questions[i];
      const std::vector<LabelToJudge> last = {{question.labels[3].uid, "shortened", ""}};
      answers.put({question.uid, "shortened", "", last}, std::vector<Verdict>{topic_truth(question.uid, last[0].uid)});
      const Question rest{question.uid, question.title, question.content, question.labels.first(3)};
      answers.put(rest, truths(rest));
    }
  }, TeacherTraits{.questions_per_call = 5, .concurrent_calls = 1});
  check_true(world.ask(teacher, wanted_pairs(30)));
  const auto silent = truthful();
  check_true(world.ask(silent, wanted_pairs(30), {.run = "another run"}));
  REQUIRE(silent->asked().empty());
}

TEST_CASE("A stop request ends asking; nothing that was answered is asked again") {
  World world("stop");
  std::stop_source source;
  int64_t calls = 0;
  const auto stopping = std::make_shared<Teacher>([&](std::span<const Question> questions, AnswerSink& answers) {
    answers.put(questions[0], truths(questions[0]));
    if (++calls < 9) return;
    source.request_stop();
    REQUIRE(answers.stop().stop_requested());
  });
  REQUIRE_THROWS_AS(world.ask(stopping, wanted_pairs(30), {}, {}, {}, source.get_token()), Stopped);
  REQUIRE(calls == 9);
  const auto teacher = truthful();
  check_true(world.ask(teacher, wanted_pairs(30)));
  REQUIRE(teacher->asked().size() == 120 - 36);
}

TEST_CASE("A call that blocks is left behind about a second after a stop request, and its answer is dropped") {
  World world("blocked");
  std::stop_source source;
  std::mutex gate;
  // Two calls at once, both of which see this function's variables.
  std::atomic<int> entered = 0, returned = 0;
  gate.lock();
  const auto blocking = std::make_shared<Teacher>(
      [&](std::span<const Question> questions, AnswerSink& answers) {
        ++entered;
        { const std::lock_guard wait(gate); }
        answers.put(questions[0], truths(questions[0]));
        ++returned;
      },
      TeacherTraits{.questions_per_call = 1, .concurrent_calls = 2});
  std::jthread stopper([&] {
    while (entered == 0) std::this_thread::sleep_for(1ms);
    source.request_stop();
  });
  const auto start = std::chrono::steady_clock::now();
  REQUIRE_THROWS_AS(world.ask(blocking, wanted_pairs(30), {}, {}, {}, source.get_token()), Stopped);
  REQUIRE(std::chrono::steady_clock::now() - start < 2s);
  gate.unlock();
  while (returned < entered) std::this_thread::sleep_for(1ms);
  REQUIRE(world.store->size() == 0);
}

TEST_CASE("Progress comes in pairs and ends with all of them") {
  World world("progress");
  std::vector<int64_t> done;
  world.ask(truthful(), wanted_pairs(30), {}, {}, {}, {}, [&](const Event& event) {
    REQUIRE(event.stage == "ask");
    REQUIRE(event.total == 120);
    done.push_back(event.done);
  });
  REQUIRE(std::is_sorted(done.begin(), done.end()));
  REQUIRE(done.back() == 120);
}

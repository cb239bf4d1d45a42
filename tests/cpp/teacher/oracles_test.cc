// Verdicts, and the oracles that need no outside world.
#include <zlib.h>

#include <cmath>
#include <map>
#include <utility>

#include "catch.h"
#include "lmtx/teacher/callback_oracle.h"
#include "lmtx/teacher/recorded_oracle.h"
#include "lmtx/teacher/scripted_oracle.h"
#include "temporary_folder.h"

namespace {

using namespace lmtx;

// Keeps what it is given.
class CollectingSink final : public AnswerSink {
 public:
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view) override {
    check_verdicts(question, verdicts);
    for (size_t i = 0; i < verdicts.size(); ++i) answers.insert_or_assign({std::string(question.uid), std::string(question.labels[i].uid)}, verdicts[i]);
    last_usage = usage;
    ++num_puts;
    if (num_puts == stop_after) source.request_stop();
  }
  std::stop_token stop() const override { return source.get_token(); }

  std::map<std::pair<std::string, std::string>, Verdict> answers;
  Usage last_usage;
  int num_puts = 0;
  int stop_after = -1;
  std::stop_source source;
};

const std::vector<LabelToJudge> three_labels = {{"cat", "Cats", ""}, {"dog", "Dogs", "Canis familiaris"}, {"eel", "Eels", ""}};

Question question(std::string_view uid) { return {.uid = uid, .title = "Title", .content = "Content", .labels = three_labels}; }

std::string open_error(const TemporaryFolder& folder, const std::string& text) {
  const std::filesystem::path file = folder.write("verdicts.jsonl", text);
  try {
    RecordedOracle::open(file);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    CHECK(message.find('\n') == std::string::npos);
    CHECK_THAT(message, ContainsSubstring(file.string() + ":"));
    return message.substr(file.string().size() + 1);
  }
  return "no error";
}

const std::string header = "{\"format\": 1, \"identity\": \"llm/1\", \"model\": \"an LLM\", \"prompt\": {\"user\": \"Is it?\"}}\n";

}  // namespace

TEST_CASE("a verdict is a score in [0, 1], or says why there is none") {
  CHECK(Verdict::score(0.25).score() == 0.25);
  CHECK(Verdict::yes() == Verdict::score(1));
  CHECK(Verdict::no() == Verdict::score(0));
  CHECK(Verdict::abstain().kind() == Verdict::Kind::abstained);
  CHECK(Verdict::miss().kind() == Verdict::Kind::missing);
  CHECK(Verdict::fail("timeout").reason() == "timeout");
  CHECK_FALSE(Verdict::fail("timeout").scored());
  CHECK_FALSE(Verdict::abstain() == Verdict::no());
  CHECK_THROWS_WITH(Verdict::score(1.5), "A verdict's score must be in [0, 1], but is 1.5 instead.");
  CHECK_THROWS_WITH(Verdict::score(std::nan("")), "A verdict's score must be in [0, 1], but is nan instead.");
  CHECK_THROWS_AS(Verdict::score(-1e-9), std::invalid_argument);
}

TEST_CASE("a function becomes a teacher") {
  CallbackOracle oracle(
      "mine/1",
      [](const Question& question) {
        std::vector<Verdict> verdicts;
        for (const LabelToJudge& label : question.labels) verdicts.push_back(label.uid == "dog" ? Verdict::yes() : Verdict::abstain());
        return verdicts;
      },
      {.questions_per_call = 4});
  CHECK(oracle.identity() == "mine/1");
  CHECK(oracle.traits().questions_per_call == 4);

  CollectingSink sink;
  const std::vector<Question> questions = {question("a"), question("b"), question("c")};
  SECTION("which answers every question") {
    oracle.judge(questions, sink);
    CHECK(sink.num_puts == 3);
    CHECK(sink.answers.at({"b", "dog"}) == Verdict::yes());
    CHECK(sink.answers.at({"c", "eel"}) == Verdict::abstain());
    CHECK(sink.last_usage.seconds >= 0);
  }
  SECTION("which ends early on request") {
    sink.stop_after = 1;
    oracle.judge(questions, sink);
    CHECK(sink.num_puts == 1);
  }
}

TEST_CASE("a function that throws surfaces, and what was answered before is kept") {
  CallbackOracle oracle("mine/1", [](const Question& question) -> std::vector<Verdict> {
    if (question.uid == "b") throw std::logic_error("no luck with b");
    return {Verdict::yes(), Verdict::no(), Verdict::no()};
  });
  CollectingSink sink;
  const std::vector<Question> questions = {question("a"), question("b")};
  CHECK_THROWS_WITH(oracle.judge(questions, sink), "no luck with b");
  CHECK(sink.answers.size() == 3);
}

TEST_CASE("a list of verdicts of the wrong length names document and label") {
  const auto judge = [](size_t count) {
    CallbackOracle oracle("mine/1", [=](const Question&) { return std::vector<Verdict>(count, Verdict::no()); });
    CollectingSink sink;
    const std::vector<Question> questions = {question("a")};
    oracle.judge(questions, sink);
  };
  CHECK_THROWS_WITH(judge(1), "Document `a` was asked about 3 labels, but 1 verdicts came; the first label without one is `dog`.");
  CHECK_THROWS_WITH(judge(4), "Document `a` was asked about 3 labels, but 4 verdicts came; the last label is `eel`.");
  CHECK_THROWS_AS(judge(0), std::invalid_argument);
}

TEST_CASE("a callback oracle needs an identity and a function") {
  CHECK_THROWS_WITH(CallbackOracle("", [](const Question&) { return std::vector<Verdict>(); }), ContainsSubstring("`identity` must not be empty"));
  CHECK_THROWS_WITH(CallbackOracle("mine/1", nullptr), ContainsSubstring("`function`"));
}

TEST_CASE("the scripted teacher answers by rule, remembers, skips and gives up") {
  const auto is_dog = [](std::string_view, std::string_view label) { return label == "dog" ? Verdict::yes() : Verdict::no(); };
  const std::vector<Question> questions = {question("a"), question("b"), question("c"), question("d")};
  CollectingSink sink;
  SECTION("it answers by rule") {
    ScriptedOracle oracle(is_dog);
    oracle.judge(questions, sink);
    CHECK(sink.answers.size() == 12);
    CHECK(sink.answers.at({"d", "dog"}) == Verdict::yes());
    CHECK(oracle.asked().at({"d", "cat"}) == 1);
  }
  SECTION("it skips every second question until asked again") {
    ScriptedOracle oracle(is_dog, {.skip_every = 2, .traits = {}});
    oracle.judge(questions, sink);
    CHECK(sink.answers.size() == 6);
    CHECK_FALSE(sink.answers.contains({"b", "dog"}));
    oracle.judge(std::vector{question("d"), question("b")}, sink);
    CHECK(sink.answers.size() == 12);
    CHECK(oracle.asked().at({"b", "dog"}) == 2);
  }
  SECTION("it gives up after some questions and does not come back") {
    ScriptedOracle oracle(is_dog, {.throw_after = 3, .traits = {}});
    CHECK_THROWS_AS(oracle.judge(questions, sink), TeacherError);
    CHECK(sink.answers.size() == 9);
    CHECK_THROWS_WITH(oracle.judge(questions, sink), "The scripted teacher gave up after 3 questions, as it was told to.");
    CHECK(sink.answers.size() == 9);
  }
}

TEST_CASE("recorded verdicts are given again") {
  const TemporaryFolder folder;
  const std::string text = header +
                           "{\"uid\": \"a\", \"labels\": [\"dog\", \"cat\"], \"scores\": [0.7199, 0]}\n"
                           "{\"uid\": \"b\", \"labels\": [\"dog\"], \"scores\": [null]}\n"
                           "{\"uid\": \"a\", \"labels\": [\"eel\", \"dog\"], \"scores\": [1, 0.7199]}\n";
  std::filesystem::path file;
  SECTION("plain") { file = folder.write("verdicts.jsonl", text); }
  SECTION("gzip") {
    file = folder / "verdicts.jsonl.gz";
    const gzFile out = gzopen(file.c_str(), "wb");
    gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
    gzclose(out);
  }
  const std::shared_ptr<RecordedOracle> oracle = RecordedOracle::open(file);
  CHECK(oracle->identity() == "llm/1");
  CHECK(oracle->size() == 4);
  CHECK(oracle->documents() == std::vector<std::string>{"a", "b"});
  CHECK(oracle->traits().questions_per_call == 0);

  CollectingSink sink;
  const std::vector<Question> questions = {question("a"), question("b"), question("unknown")};
  oracle->judge(questions, sink);
  const std::map<std::pair<std::string, std::string>, Verdict> expected = {
      {{"a", "cat"}, Verdict::no()},          {{"a", "dog"}, Verdict::score(0.7199)}, {{"a", "eel"}, Verdict::yes()},
      {{"b", "cat"}, Verdict::miss()},        {{"b", "dog"}, Verdict::abstain()},     {{"b", "eel"}, Verdict::miss()},
      {{"unknown", "cat"}, Verdict::miss()},  {{"unknown", "dog"}, Verdict::miss()},  {{"unknown", "eel"}, Verdict::miss()},
  };
  // Catch 3 would print the maps, through an operator of torch that verdicts do not have.
  CHECK((sink.answers == expected));
}

TEST_CASE("a recording without a good header is refused, naming the line") {
  const TemporaryFolder folder;
  const std::string expected = "a recording must start with {\"format\": 1, \"identity\": …}, but ";
  CHECK(open_error(folder, "") == " " + expected + "is empty.");
  CHECK(open_error(folder, "{\"uid\": \"a\", \"labels\": [], \"scores\": []}\n") == "1: " + expected + "this line has no `format`.");
  CHECK(open_error(folder, "{\"format\": 2, \"identity\": \"x\"}\n") ==
        "1: the recording has format 2, but this version of LMTX reads up to format 1; a newer version is needed.");
  CHECK(open_error(folder, "{\"format\": 0, \"identity\": \"x\"}\n") == "1: `format` must be at least 1, but is 0 instead.");
  CHECK(open_error(folder, "{\"format\": \"1\", \"identity\": \"x\"}\n") == "1: `format` must be an integer of 64 bits, but is string instead.");
  CHECK(open_error(folder, "{\"format\": 1}\n") == "1: `identity` is missing.");
  CHECK(open_error(folder, "{\"format\": 1, \"identity\": \"\"}\n") == "1: `identity` must not be empty.");
}

TEST_CASE("a recording with a bad line is refused, naming the line") {
  const TemporaryFolder folder;
  const auto message_of = [&](const std::string& line) {
    return open_error(folder, header + "{\"uid\": \"a\", \"labels\": [\"dog\"], \"scores\": [0.5]}\n" + line + "\n");
  };
  CHECK_THAT(message_of("{\"uid\": \"a\", \"labels\": [\"do"), ContainsSubstring("3: broken JSON"));
  CHECK(message_of("{\"labels\": [\"dog\"], \"scores\": [0.5]}") == "3: `uid` is missing.");
  CHECK(message_of("{\"uid\": \"b\", \"scores\": [0.5]}") == "3: `labels` is missing.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": [\"dog\"]}") == "3: `scores` is missing.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": \"dog\", \"scores\": [0.5]}") == "3: `labels` must be a list, but is string instead.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": [\"dog\"], \"scores\": 0.5}") == "3: `scores` must be a list, but is number instead.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": [\"dog\"], \"scores\": [0.5, 1]}") ==
        "3: `labels` and `scores` must have the same length, but have 1 and 2.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": [\"dog\", \"cat\"], \"scores\": [0.5, 1.01]}") ==
        "3: `scores[1]` must be a number in [0, 1] or null, but is `1.01` instead.");
  CHECK(message_of("{\"uid\": \"b\", \"labels\": [\"dog\"], \"scores\": [\"yes\"]}") ==
        "3: `scores[0]` must be a number in [0, 1] or null, but is `\"yes\"` instead.");
  CHECK(message_of("{\"uid\": \"a\", \"labels\": [\"dog\"], \"scores\": [0.25]}") == "3: document `a`, label `dog` has another score than on line 2.");
  CHECK(message_of("{\"uid\": \"a\", \"labels\": [\"dog\"], \"scores\": [null]}") == "3: document `a`, label `dog` has another score than on line 2.");
  CHECK(message_of("{\"uid\": \"a\", \"labels\": [\"dog\"], \"scores\": [0.5]}") == "no error");
}

TEST_CASE("a recording that says how many pairs it has is checked") {
  const TemporaryFolder folder;
  const std::string pair = "{\"uid\": \"a\", \"labels\": [\"dog\"], \"scores\": [0.5]}\n";
  const auto counted = [](int64_t pairs) { return "{\"format\": 1, \"identity\": \"x\", \"pairs\": " + std::to_string(pairs) + "}\n"; };
  CHECK(RecordedOracle::open(folder.write("verdicts.jsonl", counted(1) + pair))->size() == 1);
  CHECK(open_error(folder, counted(2) + pair) == " the recording should have 2 pairs, as its first line says, but has 1; is it truncated?");
}

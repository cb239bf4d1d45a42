// Questions that go into files, and answers that come from files.
#include "lmtx/teacher/batch_file_oracle.h"

#include <zlib.h>

#include <algorithm>
#include <optional>
#include <set>

#include "batch_provider.h"
#include "catch.h"
#include "lmtx/teacher/batch_folder.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

using Pair = std::pair<std::string, std::string>;

// Keeps what it is given: one verdict a pair, and the reasons of failures.
class Sink final : public AnswerSink {
 public:
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
    check_verdicts(question, verdicts);
    prompt_tokens += usage.prompt_tokens;
    cost += usage.cost;
    if (!raw.empty()) raws.emplace_back(raw);
    for (size_t i = 0; i < verdicts.size(); ++i) {
      const Pair pair{question.uid, question.labels[i].uid};
      if (verdicts[i].kind() == Verdict::Kind::failed) {
        failures.push_back(verdicts[i].reason());
        continue;
      }
      INFO(pair.first << " " << pair.second);
      REQUIRE(answers.emplace(pair, verdicts[i]).second);
    }
  }
  std::stop_token stop() const override { return {}; }

  std::map<Pair, Verdict> answers;
  std::vector<std::string> failures, raws;
  int64_t prompt_tokens = 0;
  double cost = 0;
};

// Documents of the small world, each with some labels.
class Questions {
 public:
  Questions(int64_t documents, int64_t labels_each, int64_t first_label = 0) : documents_(topic_documents(documents)) {
    for (int64_t i = 0; i < documents; ++i) {
      std::vector<LabelToJudge> labels;
      for (int64_t j = 0; j < labels_each; ++j) {
        const Label& label = labels_[(i + first_label + j) % num_topics];
        labels.push_back({label.uid, label.name, {}});
      }
      asked_.push_back(std::move(labels));
    }
  }

  // Those that have no answer yet.
  std::vector<Question> open(const Sink& sink) {
    std::vector<Question> questions;
    for (size_t i = 0; i < documents_.size(); ++i) {
      std::erase_if(asked_[i], [&](const LabelToJudge& label) { return sink.answers.contains({documents_[i].uid, std::string(label.uid)}); });
      if (!asked_[i].empty()) questions.push_back({documents_[i].uid, documents_[i].title, documents_[i].content, asked_[i]});
    }
    return questions;
  }

 private:
  const LabelSet labels_ = topic_labels();
  const std::vector<Document> documents_;
  std::vector<std::vector<LabelToJudge>> asked_;
};

ChatOptions chat(int64_t labels_per_prompt = 1) { return {.model = "tiny", .labels_per_prompt = labels_per_prompt}; }

struct World {
  explicit World(ChatOptions chat_options = chat(), BatchFileOptions file_options = {})
      : chat_options(std::move(chat_options)), file_options(std::move(file_options)) {
    this->file_options.folder = batch();
  }
  fs::path batch() const { return folder / "batch"; }
  // As a new process would.
  std::shared_ptr<BatchFileOracle> teacher() const { return BatchFileOracle::make(file_options, ChatProtocol(chat_options)); }
  void ask(Questions& questions, Sink& sink) const {
    const auto open = questions.open(sink);
    teacher()->judge(open, sink);
  }
  std::vector<fs::path> provide(BatchProvider::Habits habits = {}, size_t files = 3) const {
    return BatchProvider(batch(), habits).write(batch() / "answers", files);
  }

  const TemporaryFolder folder;
  ChatOptions chat_options;
  BatchFileOptions file_options;
};

std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("Requests are written in the form of batch files, each once, and stay open until their answers lie there") {
  const World world;
  Questions questions(7, 3);
  Sink sink;
  world.ask(questions, sink);
  world.ask(questions, sink);
  CHECK(sink.answers.empty());
  const auto lines = lines_in(world.batch() / "requests");
  REQUIRE(lines.size() == 21);
  const ChatProtocol protocol(chat());
  const auto open = questions.open(sink);
  std::vector<std::string> bodies;
  for (const Question& question : open) {
    for (const ChatRequest& request : protocol.requests(question)) bodies.push_back(request.body);
  }
  for (size_t i = 0; i < lines.size(); ++i) {
    const detail::Json line = parse_plain(lines[i]);
    CHECK(line.size() == 4);
    CHECK(line["method"] == "POST");
    CHECK(line["url"] == "/v1/chat/completions");
    CHECK(line["body"].dump() == bodies[i]);
    CHECK(line["custom_id"].get<std::string>().size() == 32);
  }
  CHECK(count_ids(world.batch() / "requests").size() == 21);

  world.provide();
  world.ask(questions, sink);
  REQUIRE(sink.answers.size() == 21);
  for (const auto& [pair, verdict] : sink.answers) CHECK(verdict.score() == Approx(topic_truth(pair.first, pair.second).score()));
  CHECK(sink.prompt_tokens == 2100);
  CHECK(questions.open(sink).empty());
  CHECK(lines_in(world.batch() / "requests").size() == 21);
}

TEST_CASE("A request has the same name in every run, and another when model, prompt or texts are others") {
  const World one, two;
  Questions all(5, 4), late(5, 2, 2);
  Sink sink;
  one.ask(all, sink);
  two.ask(late, sink);
  const auto ids = count_ids(one.batch() / "requests");
  for (const auto& [id, times] : count_ids(two.batch() / "requests")) CHECK(ids.contains(id));
  ChatOptions changed = chat();
  changed.model = "other";
  const World other(changed);
  other.ask(all, sink);
  for (const auto& [id, times] : count_ids(other.batch() / "requests")) CHECK_FALSE(ids.contains(id));
  // Nowhere is anything but the texts in it: another uid, the same name.
  const std::string name = label_word(0);
  const LabelToJudge label{"other uid", name, {}};
  const auto document = topic_documents(1)[0];
  const Question question{"another", document.title, document.content, std::span(&label, 1)};
  const World third;
  third.teacher()->judge(std::span(&question, 1), sink);
  CHECK(ids.contains(count_ids(third.batch() / "requests").begin()->first));
}

TEST_CASE("Every pair gets its verdict once, in whatever order, parts and files answers come, with failures and repetitions") {
  const int64_t labels_per_prompt = GENERATE(1, 1, 4);
  const bool leaves_out_last = GENERATE(false, true);
  const World world(chat(labels_per_prompt));
  Questions questions(20, 10);
  Sink sink;
  const BatchProvider::Habits habits{.fails_every = 5, .repeats_every = 7, .leaves_out_last = leaves_out_last, .share = 0.6};
  int turns = 0;
  for (; sink.answers.size() < 200; ++turns) {
    REQUIRE(turns < 30);
    world.ask(questions, sink);
    world.provide(habits, 1 + turns % 4);
  }
  CHECK(turns > 3);
  for (const auto& [pair, verdict] : sink.answers) {
    const double truth = topic_truth(pair.first, pair.second).score();
    INFO(pair.first << " " << pair.second);
    // A model that is asked about one label is never asked in a list: it gives probabilities.
    if (labels_per_prompt == 1)
      CHECK(verdict.score() == Approx(truth));
    else
      CHECK((verdict.score() > 0.5) == (truth > 0.5));
  }
  // Once, and once more where all that came was an error.
  const BatchProvider provider(world.batch(), habits);
  for (const auto& [id, times] : count_ids(world.batch() / "requests")) {
    INFO(id);
    // The labels of a list that failed may be put together in another way.
    if (labels_per_prompt == 1)
      CHECK(times == (provider.fails_first(id) ? 2 : 1));
    else
      CHECK(times <= (provider.fails_first(id) ? 2 : 1));
  }
  REQUIRE(!sink.failures.empty());
  for (const std::string& failure : sink.failures)
    CHECK_THAT(failure, ContainsSubstring("answers/output_") &&
                            (ContainsSubstring(": HTTP 429: too many requests") || ContainsSubstring(": This request could not be executed in time.")));
}

TEST_CASE("Labels that wait in a list are not asked again when others of the document are asked about, and a list is read whatever part of it is open") {
  const World world(chat(4));
  Sink sink;
  Questions first(6, 8), more(6, 12);
  world.ask(first, sink);
  CHECK(lines_in(world.batch() / "requests").size() == 12);
  world.ask(more, sink);
  CHECK(lines_in(world.batch() / "requests").size() == 18);
  world.provide();
  Questions few(6, 3, 1);
  world.ask(few, sink);
  CHECK(sink.answers.size() == 18);
  Sink all;
  world.ask(more, all);
  REQUIRE(all.answers.size() == 72);
  for (const auto& [pair, verdict] : all.answers) CHECK((verdict.score() > 0.5) == (topic_truth(pair.first, pair.second).score() > 0.5));
}

TEST_CASE("Files of requests hold no more than they may") {
  World world(chat(), {.requests_per_file = 10});
  Questions questions(7, 3);
  Sink sink;
  const auto sizes = [&] {
    std::vector<size_t> sizes;
    for (int64_t i = 1; fs::exists(world.batch() / "requests" / uid("0000", i).append(".jsonl")); ++i)
      sizes.push_back(lines_of(world.batch() / "requests" / uid("0000", i).append(".jsonl")).size());
    return sizes;
  };
  SECTION("in requests") {
    world.ask(questions, sink);
    CHECK(sizes() == std::vector<size_t>{10, 10, 1});
  }
  SECTION("in bytes, but for a request that is larger alone") {
    world.file_options = {.folder = world.batch(), .bytes_per_file = 1500};
    world.ask(questions, sink);
    CHECK(sizes().size() > 5);
    for (size_t i = 1; i <= 5; ++i) CHECK(fs::file_size(world.batch() / "requests" / uid("0000", static_cast<int64_t>(i)).append(".jsonl")) <= 1500);
  }
  SECTION("of one, where one is too large") {
    world.file_options = {.folder = world.batch(), .bytes_per_file = 1};
    world.ask(questions, sink);
    CHECK(lines_in(world.batch() / "requests").size() == 21);
    CHECK(fs::exists(world.batch() / "requests/00021.jsonl"));
  }
  CHECK(count_ids(world.batch() / "requests").size() == 21);
}

TEST_CASE("A file of requests that is removed is written again; its answers are taken even so") {
  const World world(chat(GENERATE(1, 3)));
  Questions questions(4, 3);
  Sink sink;
  world.ask(questions, sink);
  const auto ids = count_ids(world.batch() / "requests");
  const BatchProvider provider(world.batch(), {});
  const auto late = provider.write(world.folder / "late", 1);
  fs::remove(world.batch() / "requests/00001.jsonl");
  SECTION("again") {
    world.ask(questions, sink);
    CHECK(count_ids(world.batch() / "requests") == ids);
  }
  SECTION("taken") {
    fs::copy_file(late[0], world.batch() / "answers/late.jsonl");
    world.ask(questions, sink);
    CHECK(sink.answers.size() == 12);
    CHECK(count_ids(world.batch() / "requests").empty());
  }
}

TEST_CASE("What is no response of a model is a failure, and is asked again") {
  const World world;
  Questions questions(1, 1);
  Sink sink;
  world.ask(questions, sink);
  const std::string id = count_ids(world.batch() / "requests").begin()->first;
  const auto put = [&](const std::string& name, const std::string& rest) {
    detail::write_file_atomically(world.batch() / "answers" / name, "{\"custom_id\": \"" + id + "\", " + rest + "}\n");
  };
  const auto asks_again = [&](const std::string& reason) {
    sink.failures.clear();
    const size_t before = lines_in(world.batch() / "requests").size();
    world.ask(questions, sink);
    REQUIRE(sink.failures.size() == 1);
    CHECK_THAT(sink.failures[0], ContainsSubstring(reason));
    CHECK(lines_in(world.batch() / "requests").size() == before + 1);
    world.ask(questions, sink);
    CHECK(lines_in(world.batch() / "requests").size() == before + 1);
  };
  put("1.jsonl", R"("response": {"status_code": 200, "body": {"choices": []}})");
  asks_again("1.jsonl:1: ");
  put("2.jsonl", R"("response": {"status_code": 500, "body": "oh"})");
  asks_again("2.jsonl:1: HTTP 500: oh");
  put("3.jsonl", R"("response": null)");
  // Twice in one file is one failure.
  detail::write_file_atomically(world.batch() / "answers/3.jsonl",
                                detail::read_file(world.batch() / "answers/3.jsonl") + detail::read_file(world.batch() / "answers/3.jsonl"));
  asks_again("3.jsonl:2: no response");
  put("4.jsonl", R"("response": {"status_code": 200})");
  asks_again("4.jsonl:1: a response without a body");
  put("5.jsonl", R"("error": "no such model", "response": {"status_code": 200, "body": {}})");
  asks_again("5.jsonl:1: no such model");
  CHECK(batch_status(world.batch()).failed == 0);
  CHECK(batch_status(world.batch()).answered == 1);
  // A model that answers, but nothing that is an answer, abstains.
  put("6.jsonl", R"("response": {"body": {"choices": [{"message": {"content": "Who knows?"}}]}})");
  world.ask(questions, sink);
  REQUIRE(sink.answers.size() == 1);
  CHECK(sink.answers.begin()->second == Verdict::abstain());
}

TEST_CASE("Faults in answers are named by file and line") {
  const World world;
  Questions questions(2, 1);
  Sink sink;
  world.ask(questions, sink);
  const auto fault = [&](const std::string& name, const std::string& text) {
    const fs::path file = world.batch() / "answers" / name;
    detail::write_file_atomically(file, text);
    const std::string message = error_of([&] { world.ask(questions, sink); });
    fs::remove(file);
    return message;
  };
  const std::string good = R"({"custom_id": "other", "response": {"body": {}}})";
  CHECK_THAT(fault("a.jsonl", good + "\n\n{\"custom_id\": \n"), ContainsSubstring("answers/a.jsonl:3: broken JSON"));
  CHECK_THAT(fault("a.jsonl", good + "\n" + good.substr(0, 20)), ContainsSubstring("answers/a.jsonl:2: broken JSON"));
  CHECK_THAT(fault("a.jsonl", "[]"), ContainsSubstring("answers/a.jsonl:1: expected a line of answers") && ContainsSubstring("array"));
  CHECK_THAT(fault("a.jsonl", R"({"response": {}})"), ContainsSubstring("answers/a.jsonl:1: `custom_id` is missing."));
  CHECK_THAT(fault("a.jsonl", R"({"custom_id": 7})"), ContainsSubstring("`custom_id` must be a string, but is a number instead.") ||
                                                          ContainsSubstring("`custom_id` must be a string, but is number instead."));
  CHECK_THAT(fault("a.jsonl", R"({"custom_id": "x", "response": 3})"), ContainsSubstring("`response` must be an object"));
  CHECK_THAT(fault("a.jsonl.gz", "x"), ContainsSubstring("a.jsonl.gz") && ContainsSubstring("unpack it, or import it."));
  CHECK(error_of([&] { world.ask(questions, sink); }) == "no error");
}

TEST_CASE("What makes no sense is refused when the teacher is made") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(BatchFileOracle::make({}, ChatProtocol(chat())), "`folder` of a teacher with batch files must not be empty.");
  CHECK_THROWS_WITH(BatchFileOracle::make({.folder = folder.path(), .requests_per_file = 0}, ChatProtocol(chat())),
                    "`requests_per_file` must be at least 1, but is 0 instead.");
  CHECK_THROWS_WITH(BatchFileOracle::make({.folder = folder.path(), .bytes_per_file = -1}, ChatProtocol(chat())),
                    "`bytes_per_file` must be at least 1, but is -1 instead.");
  CHECK_THROWS_WITH(BatchFileOracle::make({.folder = folder.write("file", "") / "x"}, ChatProtocol(chat())),
                    ContainsSubstring("Requests cannot be written into") && ContainsSubstring("Not a directory"));
  CHECK_THROWS_AS(BatchFileOracle::make({.folder = folder.path()}, ChatProtocol(ChatOptions{})), std::invalid_argument);
  CHECK(BatchFileOracle::make({.folder = folder / "new"}, ChatProtocol(chat()))->identity() == ChatProtocol(chat()).identity());
  CHECK_FALSE(fs::exists(folder / "new"));
}

TEST_CASE("Answers cost what the prices say") {
  const World world(chat(), {.prompt_price = 2, .completion_price = 10});
  Questions questions(1, 1);
  Sink sink;
  world.ask(questions, sink);
  CHECK(world.teacher()->estimate(questions.open(sink)[0]).cost > 0);
  world.provide();
  world.ask(questions, sink);
  CHECK(sink.cost == Approx((100 * 2 + 1 * 10) / 1e6));
  CHECK_THROWS_WITH(BatchFileOracle::make({.folder = world.batch(), .prompt_price = -1}, ChatProtocol(chat())),
                    ContainsSubstring("`prompt_price` must be at least 0"));
}

TEST_CASE("What the model said is kept where it is asked for") {
  const bool keep = GENERATE(false, true);
  const World world(chat(), {.keep_raw = keep});
  Questions questions(2, 2);
  Sink sink;
  world.ask(questions, sink);
  world.provide();
  world.ask(questions, sink);
  CHECK(sink.raws.size() == (keep ? 4 : 0));
}

TEST_CASE("A folder of batches says what is answered, failed, open and unknown") {
  const World world;
  Questions questions(10, 4);
  Sink sink;
  world.ask(questions, sink);
  const auto requests = count_ids(world.batch() / "requests");
  const BatchProvider::Habits habits{.fails_every = 4, .share = 0.5};
  const auto files = BatchProvider(world.batch(), habits).write(world.folder / "output", 2);
  int64_t lines = 0, failed = 0;
  std::set<std::string> answered;
  for (const fs::path& file : files) {
    const BatchImport import = import_batch_answers(world.batch(), file);
    CHECK_FALSE(import.known);
    CHECK(import.lines == static_cast<int64_t>(lines_of(file).size()));
    CHECK(import.answers + import.failed == import.lines);
    CHECK(import.unknown + import.repeated == 0);
    CHECK(lines_of(import.file) == lines_of(file));
    lines += import.lines;
    failed += import.failed;
  }
  BatchStatus status = batch_status(world.batch());
  CHECK(status.requests == 40);
  CHECK(status.answered == lines - failed);
  CHECK(status.failed == failed);
  CHECK(status.open == 40 - lines);
  CHECK(status.unknown == 0);
  CHECK(status.request_files == 1);
  CHECK(status.answer_files == 2);

  SECTION("the same file again changes nothing, whatever its name") {
    fs::copy_file(files[0], world.folder / "copy.jsonl");
    const BatchImport again = import_batch_answers(world.batch(), world.folder / "copy.jsonl");
    CHECK(again.known);
    CHECK(again.file.filename() == files[0].filename());
    CHECK(again.answers == 0);
    CHECK(batch_status(world.batch()).answer_files == 2);
    // Nor where a user copies it by hand: what failed in it is asked once more, not twice.
    fs::copy_file(files[0], world.batch() / "answers/by hand.jsonl");
    world.ask(questions, sink);
    for (const auto& [id, times] : count_ids(world.batch() / "requests")) CHECK(times <= 2);
    world.ask(questions, sink);
    for (const auto& [id, times] : count_ids(world.batch() / "requests")) CHECK(times <= 2);
  }
  SECTION("another file of the same name gets a number, and gzip is unpacked") {
    const auto rest = BatchProvider(world.batch(), {}).write(world.folder / "rest", 1);
    const std::string text = detail::read_file(rest[0]);
    const fs::path packed = world.folder / (files[0].filename().string() + ".gz");
    const gzFile gz = gzopen(packed.c_str(), "wb");
    gzwrite(gz, text.data(), static_cast<unsigned>(text.size()));
    gzclose(gz);
    const BatchImport import = import_batch_answers(world.batch(), packed);
    CHECK(import.file.filename() == files[0].stem().string() + "-2.jsonl");
    CHECK(detail::read_file(import.file) == text);
    CHECK(batch_status(world.batch()).open == 0);
  }
  SECTION("answers to other batches are refused, and among others counted") {
    const std::string foreign = R"({"custom_id": "request-1", "response": {"body": {}}})";
    CHECK_THAT(error_of([&] { import_batch_answers(world.batch(), world.folder.write("foreign.jsonl", foreign)); }),
               ContainsSubstring("foreign.jsonl: none of its 1 lines answers a request in"));
    const std::string mixed = detail::read_file(files[0]) + foreign + "\n";
    const BatchImport import = import_batch_answers(world.batch(), world.folder.write("mixed.jsonl", mixed));
    CHECK(import.unknown == 1);
    CHECK(import.answers == 0);
    CHECK(import.repeated + import.failed == import.lines - 1);
    CHECK(batch_status(world.batch()).unknown == 1);
  }
  SECTION("broken files are refused and not taken") {
    CHECK_THAT(error_of([&] { import_batch_answers(world.batch(), world.folder.write("half.jsonl", detail::read_file(files[0]) + "{\"custom_id\"")); }),
               ContainsSubstring("half.jsonl:") && ContainsSubstring("broken JSON"));
    CHECK_THAT(error_of([&] { import_batch_answers(world.batch(), world.folder / "missing.jsonl"); }), ContainsSubstring("missing.jsonl"));
    CHECK_THAT(error_of([&] { batch_status(world.folder / "elsewhere"); }), ContainsSubstring("elsewhere: expected a folder of batches"));
    CHECK(batch_status(world.batch()).answer_files == 2);
  }
}

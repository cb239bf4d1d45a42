// What speed/store.py measures of a store of judgments: each call does one thing and prints what came of it as JSON.
//   lmtx_bench_store build FILE JUDGMENTS    open FILE    find FILE JUDGMENTS PAIRS SEED (there|absent) BATCH    put FILE PUTS THREADS    check FILE
#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/teacher/judgment_import.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/format.h"

using namespace lmtx;
using nlohmann::json;

namespace {

constexpr int64_t labels_a_question = 10, num_labels = 100'000, content_bytes = 500;
const std::string identity = "bench/1";

class Clock {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Question number i, with the texts that it refers to.
struct BenchQuestion {
  explicit BenchQuestion(int64_t i) : uid("document-" + std::to_string(i)), content(content_bytes, 'x') {
    content.replace(0, uid.size(), uid);
    for (int64_t label = 0; label < labels_a_question; ++label) {
      const std::string number = std::to_string((i * 7919 + label * 104'729) % num_labels);
      uids.push_back("l-" + number);
      names.push_back("label number " + number);
    }
    for (size_t label = 0; label < uids.size(); ++label) labels.push_back({uids[label], names[label], ""});
  }
  BenchQuestion(const BenchQuestion&) = delete;
  BenchQuestion& operator=(const BenchQuestion&) = delete;
  Question question() const { return {uid, uid, content, labels}; }

  std::string uid, content;
  std::vector<std::string> uids, names;
  std::vector<LabelToJudge> labels;
};

StoredAnswer answer_of(int64_t i) {
  const BenchQuestion asked(i);
  const detail::QuestionKeys key_of(identity, asked.question());
  StoredAnswer answer{
      .identity = identity, .run = "bench", .document = asked.uid, .time = 1'800'000'000 + i, .usage = {.prompt_tokens = 300, .completion_tokens = 1}};
  for (const LabelToJudge& label : asked.labels) {
    answer.judgments.push_back({.key = key_of(label), .label = std::string(label.uid), .verdict = Verdict::score(static_cast<double>(i % 1000) / 1000)});
  }
  return answer;
}

json build(const std::string& file, int64_t num_judgments) {
  const Clock clock;
  JudgmentStore store = JudgmentStore::open(file);
  JudgmentImport import(store);
  for (int64_t i = 0; i < num_judgments / labels_a_question; ++i) import.add(i, answer_of(i));
  const double staged = clock.seconds();
  const MergeCounts counts = import.finish();
  store.flush();
  rusage resources{};
  getrusage(RUSAGE_SELF, &resources);
  return {{"judgments", counts.judgments},
          {"answers", counts.answers},
          {"staged_seconds", staged},
          {"seconds", clock.seconds()},
          {"peak_mb", resources.ru_maxrss / 1024}};
}

json open_store(const std::string& file) {
  const Clock clock;
  const JudgmentStore store = JudgmentStore::open(file);
  const BenchQuestion asked(1);
  store.find(identity, asked.question());
  return {{"seconds", clock.seconds()}};
}

// Looks pairs of documents drawn by `seed` up, `batch` pairs a call; 0: one question a call. Making the questions is not measured.
json find(const std::string& file, int64_t num_judgments, int64_t num_pairs, int64_t seed, bool absent, int64_t batch) {
  const JudgmentStore store = JudgmentStore::open(file);
  detail::KeyedRandom random(static_cast<uint64_t>(seed));
  const int64_t num_documents = num_judgments / labels_a_question, questions_a_call = std::max<int64_t>(1, batch / labels_a_question);
  double seconds = 0;
  int64_t pairs = 0, found = 0;
  while (pairs < num_pairs) {
    std::deque<BenchQuestion> asked;
    std::vector<Question> questions;
    for (int64_t i = 0; i < questions_a_call; ++i)
      questions.push_back(asked.emplace_back(random.below(num_documents) + (absent ? num_documents : 0)).question());
    const Clock clock;
    std::vector<std::vector<std::optional<Judgment>>> judgments;
    if (batch == 0)
      judgments.push_back(store.find(identity, questions[0]));
    else
      judgments = store.find(identity, questions);
    seconds += clock.seconds();
    for (const auto& of_question : judgments) {
      pairs += static_cast<int64_t>(of_question.size());
      for (const auto& judgment : of_question) found += judgment.has_value();
    }
  }
  if (found != (absent ? 0 : pairs)) throw std::runtime_error("found " + std::to_string(found) + " of " + std::to_string(pairs) + " pairs");
  return {{"pairs", pairs}, {"seconds", seconds}, {"pairs_per_second", static_cast<double>(pairs) / seconds}};
}

// One pair a put, from several threads, of documents that are not there yet.
json put(const std::string& file, int64_t num_puts, int64_t num_threads) {
  JudgmentStore store = JudgmentStore::open(file);
  const int64_t first = 1'000'000'000 + std::chrono::system_clock::now().time_since_epoch().count() % 1'000'000'000;
  std::vector<std::deque<BenchQuestion>> asked(static_cast<size_t>(num_threads));
  for (int64_t i = 0; i < num_puts; ++i) asked[static_cast<size_t>(i % num_threads)].emplace_back(first + i);
  const Clock clock;
  {
    std::vector<std::jthread> threads;
    for (const auto& own : asked) {
      threads.emplace_back([&] {
        for (const BenchQuestion& question : own) {
          const Question one{question.uid, question.uid, question.content, std::span(question.labels).first(1)};
          store.put(identity, one, std::vector{Verdict::score(0.5)}, {.prompt_tokens = 300}, "bench put");
        }
      });
    }
  }
  const double seconds = clock.seconds();
  return {{"puts", num_puts}, {"threads", num_threads}, {"seconds", seconds}, {"puts_per_second", static_cast<double>(num_puts) / seconds}};
}

json check(const std::string& file) {
  const Clock clock;
  const StoreCheck result = JudgmentStore::open(file).check();
  return {{"judgments", result.judgments}, {"faults", result.faults.size()}, {"seconds", clock.seconds()}};
}

json run(const std::vector<std::string>& arguments) {
  const auto number = [&](size_t i) { return std::stoll(arguments.at(i)); };
  const std::string& command = arguments.at(0);
  const std::string& file = arguments.at(1);
  if (command == "build") return build(file, number(2));
  if (command == "open") return open_store(file);
  if (command == "find") return find(file, number(2), number(3), number(4), arguments.at(5) == "absent", number(6));
  if (command == "put") return put(file, number(2), number(3));
  if (command == "check") return check(file);
  throw std::invalid_argument("unknown command " + command);
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    std::printf("%s\n", run({argv + 1, argv + argc}).dump().c_str());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lmtx_bench_store: %s\n", error.what());
    return 1;
  }
}

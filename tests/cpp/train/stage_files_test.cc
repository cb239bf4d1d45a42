// Asked pairs, logs, twins and the small steps between shortlists and training.
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <utility>

#include "catch.h"
#include "child.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asking_policy.h"
#include "lmtx/train/development_set.h"
#include "lmtx/train/record_log.h"
#include "lmtx/train/training_set.h"
#include "lmtx/train/twins.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

AskedPairs one_document(int64_t document, std::vector<AskedPair> pairs) {
  std::vector<int64_t> labels;
  for (const AskedPair& pair : pairs) labels.push_back(pair.label);
  AskedPairs asked;
  asked.add(document, labels);
  std::copy(pairs.begin(), pairs.end(), asked.all().begin());
  return asked;
}

AskedPair scored(int32_t label, double score) { return {.score = score, .label = label, .state = PairState::scored, .from_store = false, .earlier = false, .charged = true}; }

}  // namespace

TEST_CASE("Asked pairs come back from their file as they were") {
  const Folder folder("asked");
  AskedPairs pairs;
  pairs.add(3, std::vector<int64_t>{7, 1});
  pairs.add(5, std::vector<int64_t>{});
  pairs.add(9, std::vector<int64_t>{2});
  pairs.all()[0] = scored(7, 0.1);
  pairs.all()[1].state = PairState::over_budget;
  pairs.all()[2] = {.score = 0, .label = 2, .state = PairState::missing, .from_store = true, .earlier = true, .charged = false};
  pairs.save(folder / "asked");
  REQUIRE(AskedPairs::load(folder / "asked") == pairs);
  REQUIRE(pairs.num_documents() == 2);
  REQUIRE(pairs.find(3, 1)->state == PairState::over_budget);
  REQUIRE(pairs.find(9, 1) == nullptr);
  REQUIRE(pairs.find(5, 1) == nullptr);

  SECTION("truncated anywhere it gives one clear line") {
    const std::string whole = detail::read_file(folder / "asked");
    for (size_t size : {size_t{0}, size_t{7}, size_t{20}, whole.size() / 2, whole.size() - 1}) {
      detail::write_file_atomically(folder / "asked", whole.substr(0, size));
      REQUIRE_THROWS_WITH(AskedPairs::load(folder / "asked"), ContainsSubstring((folder / "asked").string()));
    }
  }
}

TEST_CASE("A log keeps its whole records and drops what a kill cut short") {
  const Folder folder("log");
  {
    RecordLog log(folder / "log");
    log.append("one");
    log.append(std::string(1000, 'x'));
  }
  const auto size = fs::file_size(folder / "log");
  { RecordLog(folder / "log").append("three"); }
  for (auto cut = fs::file_size(folder / "log") - 1; cut > size; cut -= 7) {
    REQUIRE(::truncate((folder / "log").c_str(), static_cast<off_t>(cut)) == 0);
    RecordLog log(folder / "log");
    REQUIRE(log.take_records().size() == 2);
    REQUIRE(fs::file_size(folder / "log") == size);
    log.append("four");
    REQUIRE(RecordLog(folder / "log").take_records() == std::vector<std::string>{"one", std::string(1000, 'x'), "four"});
    if (cut < size + 7) break;
  }
}

TEST_CASE("A log that could not take a record goes on where it was") {
  const Folder folder("log-full");
  Child child([&](int) {
    RecordLog log(folder / "log");
    log.append("one");
    // A limit on the size of files stands for a full disk.
    ::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{};
    ::getrlimit(RLIMIT_FSIZE, &limit);
    const rlim_t before = std::exchange(limit.rlim_cur, 100);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string message;
    try {
      log.append(std::string(1000, 'x'));
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    limit.rlim_cur = before;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    log.append("three");
    throw std::runtime_error(message);
  });
  REQUIRE(child.read_rest() == "Cannot write " + (folder / "log").string() + ": File too large.");
  child.wait_for_end();
  REQUIRE(RecordLog(folder / "log").take_records() == std::vector<std::string>{"one", "three"});
}

TEST_CASE("Twins are documents and labels that read alike") {
  const Folder folder("twins");
  const Twins twins = Twins::of(Corpus::from_documents({{"a", "x", "y"}, {"b", "", ""}, {"c", "x", "y"}, {"d", "xy", ""}, {"e", "x", "y"}, {"f", "", ""}}));
  twins.save(folder / "twins");
  for (const Twins& same : {twins, Twins::load(folder / "twins")}) {
    REQUIRE(same.size() == 3);
    REQUIRE(same.first(4) == 0);
    REQUIRE(same.first(3) == 3);
    REQUIRE(same.others(0) == std::vector<int64_t>{2, 4});
    REQUIRE(same.others(1) == std::vector<int64_t>{5});
    REQUIRE(same.others(2).empty());
  }
  REQUIRE(Twins::of(LabelSet({{"a", "x", "", {}, {}}, {"b", "x", "y", {}, {}}, {"c", "x", "", {}, {}}})).others(0) == std::vector<int64_t>{2});
}

TEST_CASE("A tenth of the documents at most is held out, by the seed alone") {
  const Twins none;
  const std::vector<bool> texts(200), few(9);
  const DocumentSplit split = split_documents(texts, none, 800, 1);
  REQUIRE(split.development.size() == 20);
  REQUIRE(split.training.size() == 180);
  std::vector<int64_t> all = split.training;
  all.insert(all.end(), split.development.begin(), split.development.end());
  std::sort(all.begin(), all.end());
  for (int64_t i = 0; i < 200; ++i) REQUIRE(all[i] == i);
  REQUIRE(split_documents(texts, none, 800, 1).development == split.development);
  REQUIRE(split_documents(texts, none, 800, 2).development != split.development);
  REQUIRE(split_documents(texts, none, 5, 1).development.size() == 5);
  REQUIRE(split_documents(few, none, 800, 1).development.empty());
  // What has no text is on neither side.
  std::vector<bool> some_empty(200);
  for (int i = 0; i < 150; ++i) some_empty[i] = true;
  const DocumentSplit rest = split_documents(some_empty, none, 800, 1);
  REQUIRE(rest.training.size() + rest.development.size() == 50);
  REQUIRE(rest.training.front() >= 150);
  REQUIRE(rest.development.front() >= 150);
  // Ten documents of which nine read alike: one of the two is held out.
  std::vector<Document> alike;
  for (int i = 0; i < 10; ++i) alike.push_back({uid("d", i), i == 4 ? "other" : "same", ""});
  const DocumentSplit two = split_documents(std::vector<bool>(10), Twins::of(Corpus::from_documents(alike)), 800, 1);
  REQUIRE(two.training.size() == 1);
  REQUIRE(two.development.size() == 1);
}

TEST_CASE("The paper's policy asks for the top of each shortlist") {
  const Shortlists lists{.k = 3, .documents = {4, 8}, .labels = {2, 0, 3, 3, 1, 2}, .scores = std::vector<float>(6)};
  const AskedPairs wanted = choose_pairs(AskTop(2), lists);
  REQUIRE(wanted.num_pairs() == 4);
  REQUIRE(wanted.document(1) == 8);
  REQUIRE(wanted.of(0)[0].label == 2);
  REQUIRE(wanted.of(1)[1].label == 1);
  REQUIRE(choose_pairs(AskTop(9), lists).num_pairs() == 6);
}

TEST_CASE("A training set holds each scored pair once, for twins too") {
  std::vector<AskedPairs> stages = {one_document(0, {scored(3, 0.9), {.score = 0, .label = 4, .state = PairState::abstained}}),
                                    one_document(0, {scored(3, 0.9), scored(1, 0.2)}),
                                    one_document(5, {{.score = 0, .label = 1, .state = PairState::missing}})};
  const Twins documents = Twins::of(Corpus::from_documents({{"a", "x", ""}, {"b", "y", ""}, {"c", "x", ""}}));
  const Twins labels = Twins::of(LabelSet({{"a", "n", "", {}, {}}, {"b", "x", "", {}, {}}, {"c", "o", "", {}, {}}, {"d", "z", "", {}, {}}, {"e", "x", "", {}, {}}}));
  const auto judged = training_set(stages, documents, labels);
  REQUIRE(judged.size() == 2);
  REQUIRE(judged[0].document == 0);
  REQUIRE(judged[1].document == 2);
  for (const JudgedDocument& document : judged) {
    REQUIRE(document.labels.size() == 3);
    REQUIRE(document.labels[0].label == 1);
    REQUIRE(document.labels[1].label == 3);
    REQUIRE(document.labels[1].score == 0.9);
    REQUIRE(document.labels[2].label == 4);
  }
}

TEST_CASE("Totals count a pair once, as the last cycle left it") {
  std::vector<AskedPairs> stages = {one_document(0, {scored(3, 0.9), {.score = 0, .label = 4}}), one_document(0, {scored(4, 0.2)})};
  const AskingReport total = summarize_distinct(stages, 0.5);
  REQUIRE(total.pairs_wanted == 2);
  REQUIRE(total.judgments == 2);
  REQUIRE(total.yes == 1);
  REQUIRE(total.open == 0);
}

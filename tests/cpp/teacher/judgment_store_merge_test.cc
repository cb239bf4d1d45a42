// Stores brought together, compared, written as JSON lines and read again: against maps that do the same by brute force.
#include <algorithm>
#include <set>
#include <stop_token>

#include "catch.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/judgment_export.h"
#include "lmtx/teacher/judgment_import.h"
#include "store_fixtures.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Two stores with judgments in common, some of them conflicting, and what they must hold.
struct TwoStores {
  TwoStores() : here(JudgmentStore::open(folder / "here.db")), there(JudgmentStore::open(folder / "there.db")) {
    cost_here = fill(here, model_here, 80, "run here", 1);
    cost_there = fill(there, model_there, 80, "run there", 2);
  }

  MergeCounts expected_counts() const {
    MergeCounts counts{.answers = cost_there.answers};
    for (const auto& [texts, judgment] : model_there) {
      const auto known = model_here.find(texts);
      if (known == model_here.end())
        ++counts.judgments;
      else if (known->second.verdict == judgment.verdict)
        ++counts.same;
      else
        ++counts.conflicts;
    }
    return counts;
  }

  const TemporaryFolder folder;
  JudgmentStore here, there;
  StoreModel model_here, model_there;
  UsageTotals cost_here, cost_there;
};

void check_counts(const MergeCounts& found, const MergeCounts& expected) {
  CHECK(found.answers == expected.answers);
  CHECK(found.judgments == expected.judgments);
  CHECK(found.same == expected.same);
  CHECK(found.conflicts == expected.conflicts);
}

}  // namespace

TEST_CASE("merging adds what is missing, keeps what is there, and counts conflicts") {
  TwoStores stores;
  const MergeCounts expected = stores.expected_counts();
  REQUIRE(expected.judgments > 10);
  REQUIRE(expected.conflicts > 5);
  REQUIRE(expected.same > 1);
  check_counts(stores.here.merge_from(stores.there), expected);
  StoreModel merged = stores.model_here;
  merged.insert(stores.model_there.begin(), stores.model_there.end());
  check_holds(stores.here, merged);
  check_holds(stores.there, stores.model_there);
  CHECK(stores.here.check().whole());
}

TEST_CASE("merging adds up what both have cost, and the second time adds nothing") {
  TwoStores stores;
  stores.here.merge_from(stores.there);
  const auto check_usage = [&] {
    CHECK(stores.here.usage().answers == stores.cost_here.answers + stores.cost_there.answers);
    CHECK(stores.here.usage_of_run("run there").prompt_tokens == stores.cost_there.usage.prompt_tokens);
    CHECK(stores.here.usage_of_run("run there").cost == Approx(stores.cost_there.usage.cost));
    CHECK(stores.here.usage_of_run("run here").prompt_tokens == stores.cost_here.usage.prompt_tokens);
  };
  check_usage();
  const MergeCounts again = stores.here.merge_from(stores.there);
  CHECK(again.answers == 0);
  CHECK(again.judgments == 0);
  check_usage();
}

TEST_CASE("answers that are alike to the second count as often as there are of them") {
  const TemporaryFolder folder;
  const StoredAnswer answer{.identity = "llm/1", .run = "r", .document = "d", .time = 1, .usage = {.prompt_tokens = 10}};
  JudgmentStore here = JudgmentStore::open(folder / "here.db"), there = JudgmentStore::open(folder / "there.db");
  const auto import = [&](JudgmentStore& store, int64_t count) {
    JudgmentImport answers(store);
    for (int64_t i = 0; i < count; ++i) answers.add(i, answer);
    return answers.finish().answers;
  };
  CHECK(import(here, 2) == 2);
  CHECK(import(there, 3) == 3);
  CHECK(here.merge_from(there).answers == 1);
  CHECK(here.usage_of_run("r").prompt_tokens == 30);
  CHECK(import(here, 3) == 0);
}

TEST_CASE("a difference of two stores is what brute force finds") {
  TwoStores stores;
  const StoreDiff diff = stores.here.diff(stores.there, 1000);
  const MergeCounts expected = stores.expected_counts();
  CHECK(diff.same == expected.same);
  CHECK(diff.conflicts == expected.conflicts);
  CHECK(diff.only_there == expected.judgments);
  CHECK(diff.only_here == static_cast<int64_t>(stores.model_here.size()) - expected.same - expected.conflicts);
  std::multiset<std::pair<std::string, std::string>> found, wanted;
  const auto text = [](const std::optional<Verdict>& verdict) {
    return !verdict ? "none" : verdict->scored() ? std::to_string(verdict->score()) : "abstained";
  };
  const auto verdict_in = [](const StoreModel& model, const PairTexts& texts) {
    const auto known = model.find(texts);
    return known == model.end() ? std::nullopt : std::optional(known->second.verdict);
  };
  StoreModel all = stores.model_here;
  all.insert(stores.model_there.begin(), stores.model_there.end());
  for (const auto& [texts, judgment] : all) {
    const auto here = verdict_in(stores.model_here, texts), there = verdict_in(stores.model_there, texts);
    if (here != there) wanted.emplace(texts[0] + text(here), text(there));
  }
  for (const StoreDifference& difference : diff.differences) found.emplace(difference.identity + text(difference.here), text(difference.there));
  CHECK(found == wanted);
  CHECK(std::is_sorted(diff.differences.begin(), diff.differences.end(), [](const auto& a, const auto& b) { return a.key < b.key; }));
}

TEST_CASE("no more differences of a kind are listed than wanted, and all are counted") {
  TwoStores stores;
  const StoreDiff all = stores.here.diff(stores.there, 1000), few = stores.here.diff(stores.there, 2);
  CHECK(few.differences.size() == 6);
  CHECK(few.conflicts == all.conflicts);
  CHECK(few.only_here == all.only_here);
  CHECK(stores.here.diff(stores.here).differences.empty());
}

TEST_CASE("a store that was written as JSON lines and read again is equal, usage, time and raw answers included") {
  TwoStores stores;
  const std::string lines = lines_of(stores.here, stores.folder / "here.jsonl");
  CHECK_THAT(lines, ContainsSubstring("\"raw\":\"Yes \\\"indeed\\\""));
  JudgmentStore copy = JudgmentStore::open(stores.folder / "copy.db");
  const MergeCounts counts = copy.import_json_lines(stores.folder / "here.jsonl");
  CHECK(counts.judgments == static_cast<int64_t>(stores.model_here.size()));
  CHECK(counts.answers == stores.cost_here.answers);
  check_holds(copy, stores.model_here);
  CHECK(lines_of(copy, stores.folder / "copy.jsonl") == lines);
  CHECK(copy.check().whole());
  CHECK(copy.import_json_lines(stores.folder / "here.jsonl").answers == 0);
  CHECK(lines_of(copy, stores.folder / "copy.jsonl") == lines);
}

TEST_CASE("reading JSON lines into a store that has some is merging") {
  TwoStores stores;
  stores.there.export_json_lines(stores.folder / "there.jsonl");
  check_counts(stores.here.import_json_lines(stores.folder / "there.jsonl"), stores.expected_counts());
}

TEST_CASE("one teacher's JSON lines hold that teacher alone") {
  TwoStores stores;
  stores.here.export_json_lines(stores.folder / "one.jsonl", "llm/2");
  JudgmentStore copy = JudgmentStore::open(stores.folder / "copy.db");
  copy.import_json_lines(stores.folder / "one.jsonl");
  CHECK(copy.identities() == std::vector<std::string>{"llm/2"});
  CHECK(copy.size() == stores.here.size("llm/2"));
  CHECK(copy.usage().usage.prompt_tokens == stores.here.usage("llm/2").usage.prompt_tokens);
  CHECK_THROWS_WITH(stores.here.export_json_lines(stores.folder / "none.jsonl", "llm/3"), ContainsSubstring("here.db: no judgments by `llm/3`."));
  CHECK_FALSE(fs::exists(stores.folder / "none.jsonl"));
}

TEST_CASE("JSON lines that are not as they should be are refused by line, and nothing of them is put in") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  const std::string header = R"({"format":1,"kind":"judgments"})"
                             "\n",
                    end = R"({"answers":1,"judgments":1})"
                          "\n";
  const auto answer = [](const std::string& judgment) {
    return R"({"identity":"a","run":"","document":"d","time":1,"usage":{},"judgments":[)" + judgment + "]}\n";
  };
  const std::string good = answer(R"({"key":"000102030405060708090a0b0c0d0e0f","label":"l","score":0.5})");
  const auto error_of = [&](const std::string& bytes) -> std::string {
    try {
      store.import_json_lines(folder.write("bad.jsonl", bytes));
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "no error";
  };
  CHECK_THAT(error_of(""), ContainsSubstring("bad.jsonl: judgments must start with"));
  CHECK_THAT(error_of("{\"format\":1,\"identity\":\"a\"}\n"), ContainsSubstring("bad.jsonl:1: judgments must start with"));
  CHECK_THAT(error_of("{\"format\":2,\"kind\":\"judgments\"}\n"), ContainsSubstring("reads up to format 1"));
  CHECK_THAT(error_of(header + good), ContainsSubstring("is the file truncated?"));
  CHECK_THAT(error_of(header + end), ContainsSubstring("bad.jsonl:2: the file should have 1 answers with 1 judgments, but has 0 with 0."));
  CHECK_THAT(error_of(header + good + end + good), ContainsSubstring("bad.jsonl:4: there must be nothing after"));
  CHECK_THAT(error_of(header + answer(R"({"key":"00","label":"l","score":0.5})") + end), ContainsSubstring("bad.jsonl:2: `key` must be 32 hexadecimal digits"));
  CHECK_THAT(error_of(header + answer(R"({"key":"000102030405060708090a0b0c0d0e0f","label":"l"})") + end), ContainsSubstring("`score` is missing."));
  CHECK_THAT(error_of(header + answer(R"({"key":"000102030405060708090a0b0c0d0e0f","label":"l","score":1.5})") + end),
             ContainsSubstring("`score` must be a number in [0, 1] or null, but is `1.5` instead."));
  CHECK(store.size() == 0);
  CHECK(store.usage().answers == 0);
  CHECK(error_of(header + good + end) == "no error");
  CHECK(store.size() == 1);
}

TEST_CASE("an import in parts makes one answer of one number, and refuses what is no verdict") {
  const TemporaryFolder folder;
  JudgmentStore store = JudgmentStore::open(folder / "judgments.db");
  StoredAnswer first{.identity = "llm/1", .run = "r", .document = "d", .time = 1, .usage = {.prompt_tokens = 10}};
  first.judgments = {{.key = {1}, .label = "a", .verdict = Verdict::yes()}};
  StoredAnswer second = first, other = first;
  second.judgments = {{.key = {2}, .label = "b", .verdict = Verdict::abstain()}};
  JudgmentImport answers(store);
  answers.add(7, first);
  answers.add(7, second);
  other.document = "e";
  CHECK_THROWS_WITH(answers.add(7, other), "Answer 7 was for document `d` before, or of another teacher or run, but is for document `e` now.");
  other.judgments[0].verdict = Verdict::miss();
  CHECK_THROWS_WITH(answers.add(8, other), "The judgment of document `e` and label `a` is neither scored nor abstained.");
  const MergeCounts counts = answers.finish();
  CHECK(counts.answers == 1);
  CHECK(counts.judgments == 2);
  CHECK(store.check().whole());
}

TEST_CASE("a store that was read to its end stays at its end") {
  TwoStores stores;
  JudgmentExport answers(stores.here);
  StoredAnswer answer;
  int64_t count = 0;
  while (answers.next(answer)) ++count;
  CHECK(count == stores.cost_here.answers);
  CHECK_FALSE(answers.next(answer));
  CHECK_FALSE(answers.next(answer));
}

TEST_CASE("merging and the like end when they are asked to") {
  TwoStores stores;
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(stores.here.merge_from(stores.there, stop.get_token()), Stopped);
  CHECK_THROWS_AS(stores.here.diff(stores.there, 1, stop.get_token()), Stopped);
  CHECK_THROWS_AS(stores.here.check(stop.get_token()), Stopped);
  CHECK_THROWS_AS(stores.here.export_json_lines(stores.folder / "x.jsonl", {}, stop.get_token()), Stopped);
  CHECK_FALSE(fs::exists(stores.folder / "x.jsonl"));
}

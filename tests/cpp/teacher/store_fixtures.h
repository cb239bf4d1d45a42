// What the tests of the store share: stores filled at random beside a map, and files as other programs, or earlier versions, would make them.
#pragma once

#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/judgment_store.h"

namespace lmtx::test {

namespace fs = std::filesystem;

inline std::string read_bytes(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// As another program would change the file.
inline void run_sql(const fs::path& file, const char* sql) {
  sqlite3* database = nullptr;
  REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
  char* message = nullptr;
  const int code = sqlite3_exec(database, sql, nullptr, nullptr, &message);
  INFO((message ? message : ""));
  sqlite3_close(database);
  REQUIRE(code == SQLITE_OK);
}

// Makes a closed store of the newest format one of format 1 with the same judgments.
inline void to_format_1(const fs::path& file) {
  run_sql(file,
          "DROP INDEX answers_of_run; ALTER TABLE answers DROP COLUMN sum; ALTER TABLE answers DROP COLUMN raw; ALTER TABLE answers DROP COLUMN teacher; "
          "PRAGMA user_version = 1");
}

// A pair by what makes it one: identity, title, content, name, description.
using PairTexts = std::vector<std::string>;
using StoreModel = std::map<PairTexts, Judgment>;

// Calls use(texts of the pairs, question) for a question drawn out of few, so that it comes again.
template <typename Use>
void with_random_question(detail::KeyedRandom& random, const std::string& identity, Use use) {
  const auto pick = [&](std::initializer_list<const char*> items) { return std::string(items.begin()[random.below(static_cast<int64_t>(items.size()))]); };
  const std::string uid = pick({"d1", "d2", "d \"3\"", "ä"}), title = pick({"", "a", "ab", "b"}), content = pick({"", "b", "c", "long content", "é"});
  std::vector<PairTexts> texts;
  std::vector<std::string> uids;
  for (int64_t count = 1 + random.below(5); count > 0; --count) {
    texts.push_back({identity, title, content, pick({"Cat", "Dog", "Eel", "Fox", "Gnu", "Ü"}), pick({"", "an animal"})});
    uids.push_back(pick({"x", "y", "z"}));
  }
  std::vector<LabelToJudge> labels;
  for (size_t i = 0; i < texts.size(); ++i) labels.push_back({uids[i], texts[i][3], texts[i][4]});
  use(texts, Question{.uid = uid, .title = title, .content = content, .labels = labels});
}

inline Verdict random_verdict(detail::KeyedRandom& random) {
  switch (random.below(6)) {
    case 0:
      return Verdict::abstain();
    case 1:
      return Verdict::fail("down");
    case 2:
      return Verdict::yes();
    case 3:
      return Verdict::no();
    default:
      return Verdict::score(random.uniform());
  }
}

// Puts `count` answers of this run and two teachers into the store and, as it should take them, into the model. Returns what they cost.
inline UsageTotals fill(JudgmentStore& store, StoreModel& model, int64_t count, const std::string& run, uint64_t seed) {
  detail::KeyedRandom random(seed);
  UsageTotals totals;
  for (int64_t i = 0; i < count; ++i) {
    const std::string identity = random.below(2) == 0 ? "llm/1" : "llm/2";
    with_random_question(random, identity, [&](const std::vector<PairTexts>& texts, const Question& question) {
      std::vector<Verdict> verdicts;
      for (size_t j = 0; j < texts.size(); ++j) verdicts.push_back(random_verdict(random));
      // Twelfths of a cent are no sums of powers of two.
      const Usage usage{.prompt_tokens = random.below(300), .completion_tokens = 1, .cost = static_cast<double>(random.below(100)) / 1200};
      const std::string raw = random.below(3) == 0 ? "Yes \"indeed\",\n\tÄ\x01" : "";
      bool keeps_any = false, adds_any = false;
      for (size_t j = 0; j < texts.size(); ++j) {
        const bool kept = verdicts[j].scored() || verdicts[j].kind() == Verdict::Kind::abstained;
        keeps_any |= kept;
        if (kept) adds_any |= model.try_emplace(texts[j], Judgment{verdicts[j], run}).second;
      }
      store.put(identity, question, verdicts, usage, run, raw);
      if (keeps_any && !adds_any) return;
      totals.usage.prompt_tokens += usage.prompt_tokens;
      totals.usage.completion_tokens += usage.completion_tokens;
      totals.usage.cost += usage.cost;
      ++totals.answers;
    });
  }
  return totals;
}

inline std::optional<Judgment> find_pair(const JudgmentStore& store, const PairTexts& texts) {
  const LabelToJudge label{"any", texts[3], texts[4]};
  return store.find(texts[0], {.uid = "any", .title = texts[1], .content = texts[2], .labels = std::span(&label, 1)})[0];
}

inline void check_holds(const JudgmentStore& store, const StoreModel& model) {
  CHECK(store.size() == static_cast<int64_t>(model.size()));
  for (const auto& [texts, expected] : model) {
    const std::optional<Judgment> found = find_pair(store, texts);
    REQUIRE(found.has_value());
    REQUIRE(found->verdict == expected.verdict);
    REQUIRE(found->run == expected.run);
  }
}

inline std::string lines_of(const JudgmentStore& store, const fs::path& scratch) {
  store.export_json_lines(scratch);
  return read_bytes(scratch);
}

}  // namespace lmtx::test

// Puts the answers of another store, or of a file, into a store. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/store/writer.h"
#include "lmtx/teacher/stored_answer.h"

namespace lmtx::detail {

// An answer without its judgments, by its number where it comes from.
struct NumberedAnswer {
  int64_t number;
  AnswerMeaning meaning;
};

// A judgment by the number of its answer.
struct NumberedJudgment {
  int64_t answer;
  std::string_view identity;
  Digest key;
  std::string_view label;
  // NaN where abstained.
  double score;
  int64_t sum;
};

// Has a connection of its own, so that others go on meanwhile. First all answers, then all judgments. Whatever it is killed in, what it did so far stands, and
// the same again does the rest: an answer that the store has, in all that it says, is not added again, as often as it has it.
class BulkWriter {
 public:
  // Calls what it is given for one after the other.
  using Answers = std::function<void(const std::function<void(const NumberedAnswer&)>&)>;

  explicit BulkWriter(const std::filesystem::path& file);

  // `runs` are the names of their runs, each once. In one transaction. What comes afterwards looks at `stop`, too, and throws Stopped.
  void add_answers(const std::vector<std::string>& runs, const Answers& answers, std::stop_token stop);
  // By rising key, so that each page of the store is met once. Many make a transaction.
  void add_judgment(const NumberedJudgment& judgment);
  // Ends the last transaction.
  MergeCounts finish();

  StoreWriter& writer() { return writer_; }

 private:
  void list_known(const std::vector<std::string>& runs);
  void add_answer(const NumberedAnswer& answer);
  // An answer of the store that is equal and was not yet taken for another one.
  std::optional<int64_t> take_known(int64_t sum);
  int64_t id_of(std::unordered_map<std::string, int64_t>& ids, std::string_view name, int64_t (StoreWriter::*intern)(std::string_view));
  int64_t place_of(int64_t number);

  const std::filesystem::path file_;
  std::stop_token stop_;
  StoreWriter writer_;
  // Temporary tables: `known` are sums of answers, `places` the ids that their numbers got here.
  std::optional<Statement> select_known_, take_known_, insert_place_, select_place_;
  std::unordered_map<std::string, int64_t> teachers_, runs_;
  bool knows_any_ = false;
  std::optional<Transaction> transaction_;
  int64_t in_transaction_ = 0;
  MergeCounts counts_;
};

}  // namespace lmtx::detail

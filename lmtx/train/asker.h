// Gets verdicts for pairs: from earlier cycles, from the store, and for the rest from the teacher. Internal.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "lmtx/corpus/corpus.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/event.h"
#include "lmtx/export.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/spending.h"

namespace lmtx {

class AnswerBook;
class TeacherCalls;

struct AskerOptions {
  std::string run = {};
  bool charge_stored = false;
  int64_t ask_rounds = 3;
  double accept_missing = 0;
  // Ask the teacher what each question is expected to take: a budget limits that.
  bool expect_usage = false;
  Rates rates = {};
  // By the clock; then what is open is over the budget.
  std::optional<double> seconds_left = {};
};

class LMTX_API Asker {
 public:
  Asker(std::shared_ptr<TeacherOracle> teacher, std::shared_ptr<JudgmentStore> store, Corpus documents, std::shared_ptr<const LabelSet> labels,
        AskerOptions options);

  // Settles every pair of `wanted` within `spending`, one question a document, in the order of the documents, which are streamed. What is not answered is
  // offered `ask_rounds` times, once where the teacher has pending_advice(); then PairsOpen, unless `accept_missing` covers it. Called again with the same
  // arguments and log it goes on and ends with the same pairs. `on_event` gets progress in pairs.
  AskedPairs ask(AskedPairs wanted, std::span<const AskedPairs> earlier, Spending spending, const std::filesystem::path& missing_log,
                 const EventCallback& on_event = {}, std::stop_token stop = {}) const;

 private:
  void offer(AnswerBook& book, TeacherCalls& calls, const std::stop_token& stop) const;
  std::function<Usage(const Question&)> expected_usage() const;
  bool may_close(int64_t open, int64_t pairs) const;

  std::shared_ptr<TeacherOracle> teacher_;
  std::shared_ptr<JudgmentStore> store_;
  Corpus documents_;
  std::shared_ptr<const LabelSet> labels_;
  AskerOptions options_;
};

}  // namespace lmtx

// Takes the answers of one asking stage down: into the store first, then beside the pairs. Internal.
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "lmtx/corpus/document.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/export.h"
#include "lmtx/teacher/judgment_store.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/record_log.h"
#include "lmtx/train/spending.h"

namespace lmtx {

// A document with the labels that are open, and the texts that its question() refers to. Never copied or moved.
struct AskedQuestion {
  AskedQuestion(Document asked_document, int64_t asked_position) : document(std::move(asked_document)), position(asked_position) {}
  AskedQuestion(const AskedQuestion&) = delete;
  AskedQuestion& operator=(const AskedQuestion&) = delete;
  Question question() const { return {document.uid, document.title, document.content, labels}; }

  Document document;
  // Of the document among the asked pairs.
  int64_t position;
  std::vector<LabelToJudge> labels;
  // What the question is expected to take, put aside in the budget.
  Usage expected;
};

// What judge() gets in one call.
using Call = std::vector<std::shared_ptr<const AskedQuestion>>;

struct AnswerBookOptions {
  // Of the teacher.
  std::string identity;
  // Of the run: what the store holds under another was there before, or came from elsewhere.
  std::string run;
  bool charge_stored = false;
  // Where missing verdicts are kept: they never reach the store.
  std::filesystem::path missing_log;
  // What a question is expected to take; null where no budget asks for it.
  std::function<Usage(const Question&)> expect = nullptr;
  // Prices answers to which the teacher gave no cost.
  Rates rates = {};
};

// Every method may be called from any thread. The invariant behind all accounts: whatever the run uses, but for missing verdicts, is what the store holds,
// so that they come out the same however often the stage was interrupted.
class LMTX_API AnswerBook final : public AnswerSink {
 public:
  AnswerBook(AskedPairs pairs, std::shared_ptr<JudgmentStore> store, std::shared_ptr<const LabelSet> labels, Spending spending, AnswerBookOptions options);

  // Takes over what earlier cycles know.
  void settle_from(std::span<const AskedPairs> earlier);
  // Answers what it can from the store, takes places in the budget for the rest, and returns the question that is left; null for none.
  std::shared_ptr<const AskedQuestion> prepare(int64_t position, Document document);

  // Answers are taken between these two.
  void begin(const Call& call);
  void end(const Call& call);
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage = {}, std::string_view raw = {}) override;

  std::stop_token stop() const override { return stop_.get_token(); }
  void request_stop() { stop_.request_stop(); }
  // Nothing more is asked: the time is up. As where tokens or money are used up, the teacher is told to stop.
  void end_asking();
  // Whether nothing more is asked; then what is open is over the budget.
  bool settle_unasked();

  int64_t document(int64_t position) const { return pairs_.document(position); }
  int64_t num_documents() const { return num_documents_; }
  int64_t num_pairs() const { return num_pairs_; }
  // Whether a pair of this document is open.
  bool is_open(int64_t position) const;
  int64_t num_open() const;
  // What kept put() from keeping an answer, such as a full disk: the run cannot go on. Null without.
  std::exception_ptr failure() const;
  // Why the first failed verdict failed; empty without one.
  std::string first_failure() const;

  // Answers that come from now on are dropped.
  void drop_late_answers();
  // Ends the book. Pairs that are open give their places in the budget back.
  AskedPairs close();

 private:
  struct InFlight {
    std::shared_ptr<const AskedQuestion> asked;
    // Of what it is expected to take, what is put aside still.
    Usage aside;
  };

  // The verdicts on the pairs of a question in our own words.
  void keep(const Question& own, std::span<AskedPair* const> pairs, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw);
  std::vector<std::optional<Judgment>> judgments_of(std::span<const Verdict> verdicts) const;
  void settle(AskedPair& pair, const Judgment& judgment);
  void settle_missing(AskedPair& pair);
  void reserve(AskedPair& pair);
  void settle_over_budget(AskedPair& pair);
  bool may_ask(AskedQuestion& question);
  void use(InFlight& question, size_t num_labels, const Usage& usage);
  void leave_open(AskedPair& pair, PairState state);
  void note_missing(std::span<AskedPair* const> pairs);

  // Fixed, also after close().
  const int64_t num_documents_, num_pairs_;
  const std::shared_ptr<JudgmentStore> store_;
  const std::shared_ptr<const LabelSet> labels_;
  const AnswerBookOptions options_;
  std::stop_source stop_;

  mutable std::mutex mutex_;
  AskedPairs pairs_;
  int64_t num_open_;
  Spending spending_;
  RecordLog missing_log_;
  std::unordered_map<std::string_view, InFlight> in_flight_;
  std::string first_failure_;
  std::exception_ptr failure_;
  bool closed_ = false;
  bool asking_ended_ = false;
};

}  // namespace lmtx

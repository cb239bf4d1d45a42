// DecisionRule in words.
#include <cmath>
#include <cstdio>

#include "lmtx/detail/quote.h"
#include "lmtx/detail/with_commas.h"
#include "lmtx/eval/decision_rule.h"

namespace lmtx {

namespace {

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", value);
  return text;
}

std::string of(int64_t count, const char* one, const char* many) { return detail::with_commas(count) + " " + (count == 1 ? one : many); }

int64_t all_pairs(const DecisionRule& rule) {
  int64_t pairs = 0;
  for (const DecisionCut& cut : rule.cuts()) pairs += cut.pairs;
  return pairs;
}

// "by gold", "by the teacher `llm/1`".
std::string judged_by(const DecisionRule& rule) {
  if (!rule.judge().empty()) return "by the teacher " + detail::quote(rule.judge());
  const int64_t pairs = all_pairs(rule);
  return pairs < DecisionRule::fewest_gold ? "on only " + of(pairs, "gold pair", "gold pairs") : "by gold";
}

std::string aim_of(const DecisionRule& rule) {
  switch (rule.kind()) {
    case DecisionKind::precision:
      return "precision of at least " + number(rule.aim()) + " " + judged_by(rule) + " with " + number(100 * rule.confidence()) + " % confidence";
    case DecisionKind::f1:
      return "the highest F1 " + judged_by(rule);
    case DecisionKind::number:
      return "at most " + number(rule.aim()) + " tags a text on average";
    case DecisionKind::coverage:
      return "at least " + number(rule.aim()) + " of a text's true labels on average, " + judged_by(rule);
    case DecisionKind::top:
      break;
  }
  return "";
}

const char* name_of_estimate(DecisionKind kind) {
  switch (kind) {
    case DecisionKind::precision:
      return "precision";
    case DecisionKind::f1:
      return "F1";
    case DecisionKind::number:
      return "tags a text";
    default:
      return "true labels returned";
  }
}

std::string on_fresh_texts(const DecisionCut& cut) {
  if (!cut.met || std::isnan(cut.fresh.low)) return "";
  return ", on as many fresh texts " + number(cut.fresh.low) + " to " + number(cut.fresh.high);
}

std::string seen(const DecisionRule& rule, const DecisionCut& cut) {
  if (std::isnan(cut.estimate.value)) return "";
  return std::string(name_of_estimate(rule.kind())) + " seen " + number(cut.estimate.value) + " (" + number(cut.estimate.low) + " to " +
         number(cut.estimate.high) + ")" + on_fresh_texts(cut);
}

std::string evidence_of(const DecisionCut& cut) {
  return of(cut.pairs, "judged pair", "judged pairs") + ", " + detail::with_commas(cut.yeses) + " yes, " + of(cut.documents, "document", "documents");
}

std::string needed_by(const DecisionCut& cut) {
  return cut.pairs < cut.pairs_needed ? of(cut.pairs_needed, "pair", "pairs") : of(cut.documents_needed, "document", "documents");
}

std::string what_becomes_a_tag(const DecisionRule& rule, const DecisionCut& cut) {
  const std::string best = "the " + of(rule.k(), "best label", "best labels");
  if (cut.score == DecisionCut::nothing) return "no label";
  return cut.score == DecisionCut::everything ? best : "of " + best + " those with a score from " + number(cut.score) + " up";
}

std::string sentence(const DecisionRule& rule, const DecisionCut& cut) {
  const std::string whose = cut.group.empty() ? "" : "group " + detail::quote(cut.group) + ": ";
  const std::string found = seen(rule, cut);
  const std::string basis = " (" + found + (found.empty() ? "" : "; ") + evidence_of(cut) + ")";
  const std::string kept = whose + what_becomes_a_tag(rule, cut);
  if (cut.thin()) return kept + ": too little evidence for " + aim_of(rule) + ", which needs " + needed_by(cut) + basis;
  if (!cut.met) return kept + ": no cut gives " + aim_of(rule) + "; the best one:" + basis;
  return kept + ": " + aim_of(rule) + basis;
}

}  // namespace

std::string DecisionRule::describe() const {
  if (kind() == DecisionKind::top) return "the " + of(k(), "best label", "best labels");
  std::string text;
  for (const DecisionCut& cut : cuts()) text += (text.empty() ? "" : ". ") + sentence(*this, cut);
  const bool by_too_little_gold = kind() == DecisionKind::precision && judge().empty() && all_pairs(*this) < fewest_gold && !cuts()[0].thin();
  return text + (by_too_little_gold ? ". A promise by gold needs " + of(fewest_gold, "gold pair", "gold pairs") : "");
}

}  // namespace lmtx

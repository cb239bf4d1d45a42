#include "lmtx/train/notices.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

#include "lmtx/detail/quote.h"
#include "lmtx/detail/with_commas.h"
#include "lmtx/train/curriculum.h"

namespace lmtx::notices {

namespace {

using detail::with_commas;

// "1 pair", "1,234 pairs".
std::string count(int64_t number, const std::string& noun) { return with_commas(number).append(" ").append(noun).append(number == 1 ? "" : "s"); }

std::string one_decimal(double number) {
  char text[32];
  std::snprintf(text, sizeof(text), "%.1f", number);
  return text;
}

std::string per_cent(double fraction) { return one_decimal(100 * fraction) + " %"; }

// The names of those that are not empty.
std::string prompts_of(const Encoder& encoder) {
  std::string names;
  for (const auto& [name, prompt] : encoder.prompts()) {
    if (!prompt.empty()) names += (names.empty() ? "" : ", ") + detail::quote(name);
  }
  return names;
}

std::string length_notice(const char* option, int64_t wanted, int64_t used) {
  return std::string("`").append(option) + "` is " + std::to_string(wanted) + ", but the encoder has " + std::to_string(used) + " positions: texts are cut there.";
}

// "4 documents of 9,708 ", where the sentence goes on.
std::string share(int64_t number, int64_t of, const std::string& noun) { return count(number, noun) + " of " + with_commas(of) + " "; }

}  // namespace

std::vector<std::string> of_inputs(const CurriculumInput& input, const InputReport& used, const DocumentSplit& split) {
  const TrainerOptions& options = input.options;
  const Lengths& lengths = input.lengths;
  std::vector<std::string> notices;
  if (lengths.document < options.document_length) notices.push_back(length_notice("document_length", options.document_length, lengths.document));
  if (lengths.search < options.search_length) notices.push_back(length_notice("search_length", options.search_length, lengths.search));
  if (lengths.label < options.label_length) notices.push_back(length_notice("label_length", options.label_length, lengths.label));
  const bool chosen = options.document_prompt != "default" || options.label_prompt != "default" || !input.base.default_prompt().empty();
  if (const std::string offered = prompts_of(input.base); !chosen && !offered.empty())
    notices.push_back("The encoder has the prompts " + offered +
                      ", but none by default: nothing is put before documents and labels. `document_prompt` and `label_prompt` change that.");
  if (input.labels->size() < options.judgments_per_cycle)
    notices.push_back("There is no more than " + count(input.labels->size(), "label") + ", so that a document is judged for every one, not for " +
                      std::to_string(options.judgments_per_cycle) + ".");
  const auto [documents, labels] = std::pair(used.documents, used.labels);
  if (used.empty_documents > 0) notices.push_back(share(used.empty_documents, documents, "document") + "without any text: neither asked about nor trained on.");
  if (used.repeated_documents > 0) notices.push_back(share(used.repeated_documents, documents, "document") + "with the text of an earlier one: judged once, with its twin.");
  if (used.repeated_labels > 0) notices.push_back(share(used.repeated_labels, labels, "label") + "with name and description of an earlier one: judged once, with its twin.");
  if (used.cut_documents > 0)
    notices.push_back(share(used.cut_documents, documents, "document") + "longer than " + std::to_string(std::max(lengths.document, lengths.search)) + " tokens: the rest is not read.");
  if (used.cut_labels > 0) notices.push_back(share(used.cut_labels, labels, "label") + "longer than " + std::to_string(lengths.label) + " tokens: the rest is not read.");
  if (options.development > 0 && split.development.empty())
    notices.push_back("With " + count(input.documents.size(), "document") + " none is held out to measure the cycles: all run, and the last student is kept.");
  return notices;
}

std::vector<std::string> of_cycle(const CycleReport& cycle) {
  const std::string place = "Cycle " + std::to_string(cycle.cycle) + ": ";
  const AskingReport asked = cycle.training + cycle.development;
  std::vector<std::string> notices;
  if (asked.missing > 0)
    notices.push_back(place + "the teacher does not have " + count(asked.missing, "pair") + " of " + count(asked.pairs_wanted, "pair") + " wanted; they count as abstained.");
  if (asked.open > 0) notices.push_back(place + count(asked.open, "pair") + " stayed open, which `accept_missing` allows; they count as unknown.");
  if (asked.over_budget > 0) notices.push_back(place + "the budget is spent; " + count(asked.over_budget, "pair") + " not asked.");
  if (cycle.documents_without_yes > 0)
    notices.push_back(place + "no yes among the labels of " + share(cycle.documents_without_yes, cycle.documents_with_yes + cycle.documents_without_yes, "document") +
                      "that were judged; not trained on.");
  if (cycle.documents_left_over > 0)
    notices.push_back(place + "each pass leaves out " + count(cycle.documents_left_over, "document") + ", others each time: too few to fill a batch.");
  return notices;
}

std::string nothing_learned() { return "Nothing could be learned, so that the tagger carries the base encoder as it was."; }

std::string summary(const CycleReport& cycle) {
  const AskingReport& asked = cycle.training;
  std::string text = "cycle " + std::to_string(cycle.cycle) + ": " + count(asked.pairs_wanted, "pair") + " wanted, " + count(asked.judgments, "judgment") + " (" +
                     per_cent(asked.yes_rate()) + " yes), " + count(asked.abstentions, "abstention") + "; ";
  if (cycle.steps == 0) return text + "nothing to train on";
  text += count(cycle.steps, "step") + " on " + count(cycle.documents_with_yes, "document");
  if (const auto& measured = cycle.development_precision)
    text += "; first label right for " + per_cent(measured->value) + " of the documents held out [" + one_decimal(100 * measured->low) + ", " +
            one_decimal(100 * measured->high) + "]";
  return text + (cycle.accepted ? "" : "; no gain, not kept");
}

}  // namespace lmtx::notices

#include "lmtx/train/prepared_texts.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "lmtx/detail/fault.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

void check_count(const fs::path& file, int64_t found, int64_t expected) {
  if (found == expected) return;
  detail::fail(file.string(), "must have " + std::to_string(expected) + " texts, as the run's input, but has " + std::to_string(found) + " instead.");
}

std::vector<bool> find_empty(const TokenFile& documents, const Tokenizer& tokenizer, std::string_view prompt) {
  const size_t without_text = tokenizer.encode(std::span(&prompt, 1), documents.max_length())[0].size();
  std::vector<bool> is_empty;
  for (int64_t i = 0; i < documents.size(); ++i) is_empty.push_back(documents[i].size() <= without_text);
  return is_empty;
}

}  // namespace

InputReport PreparedTexts::report() const {
  return {.documents = documents.size(),
          .labels = labels.size(),
          .empty_documents = std::count(is_empty.begin(), is_empty.end(), true),
          .repeated_documents = document_twins.size(),
          .repeated_labels = label_twins.size(),
          .cut_documents = documents.num_cut(),
          .cut_labels = labels.num_cut()};
}

PreparedTexts prepare_texts(const WorkFolder& folder, const Corpus& documents, const LabelSet& labels, const Tokenizer& tokenizer, const Lengths& lengths,
                            const TextPrompts& prompts, const EventCallback& on_event, std::stop_token stop) {
  if (!fs::exists(folder.document_tokens()))
    TokenFile::write(folder.document_tokens(), documents, tokenizer, std::max(lengths.document, lengths.search), prompts.document, on_event, std::move(stop));
  if (!fs::exists(folder.label_tokens())) TokenFile::write(folder.label_tokens(), labels, tokenizer, lengths.label, prompts.label);
  if (!fs::exists(folder.twins())) Twins::of(documents).save(folder.twins());
  PreparedTexts texts{.documents = TokenFile::open(folder.document_tokens()),
                      .labels = TokenFile::open(folder.label_tokens()),
                      .document_twins = Twins::load(folder.twins()),
                      .label_twins = Twins::of(labels),
                      .is_empty = {}};
  check_count(folder.document_tokens(), texts.documents.size(), documents.size());
  check_count(folder.label_tokens(), texts.labels.size(), labels.size());
  texts.is_empty = find_empty(texts.documents, tokenizer, prompts.document);
  return texts;
}

}  // namespace lmtx

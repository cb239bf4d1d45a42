// Pairs of document and label for tests of the HTTP teacher, with answers that both sides know.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx::test {

// Numbers of document and label.
using Pair = std::pair<int64_t, int64_t>;

inline double score_of_pair(const Pair& pair) { return static_cast<double>((pair.first * 31 + pair.second * 17) % 97 + 1) / 99; }

// Documents "doc0", "doc1", …, all with the same labels "label0", "label1", …
class Pairs {
 public:
  Pairs(int64_t num_documents, int64_t num_labels) : num_documents_(num_documents) {
    for (int64_t i = 0; i < num_labels; ++i) names_.push_back("label" + std::to_string(i));
    for (const std::string& name : names_) labels_.push_back({.uid = name, .name = name, .description = ""});
    for (int64_t i = 0; i < num_documents; ++i) documents_.push_back("doc" + std::to_string(i));
    for (const std::string& document : documents_) questions_.push_back({.uid = document, .title = "", .content = document, .labels = labels_});
  }
  Pairs(const Pairs&) = delete;
  Pairs& operator=(const Pairs&) = delete;

  const std::vector<Question>& questions() const { return questions_; }
  int64_t size() const { return num_documents_ * static_cast<int64_t>(labels_.size()); }

 private:
  const int64_t num_documents_;
  std::vector<std::string> names_, documents_;
  std::vector<LabelToJudge> labels_;
  std::vector<Question> questions_;
};

// The numbers after each place where `word` stands.
inline std::vector<int64_t> numbers_after(const std::string& text, const std::string& word) {
  std::vector<int64_t> numbers;
  for (size_t at = text.find(word); at != text.npos; at = text.find(word, at + 1)) numbers.push_back(std::atoll(text.c_str() + at + word.size()));
  return numbers;
}

// What a request of these documents and labels is about.
inline std::vector<Pair> pairs_in(const std::string& body) {
  std::vector<Pair> pairs;
  for (const int64_t label : numbers_after(body, "label")) pairs.emplace_back(numbers_after(body, "doc").at(0), label);
  return pairs;
}

// Neither prompt has those words by itself.
inline ChatProtocol pair_protocol(ChatOptions options = {}) {
  options.model = "tiny";
  return ChatProtocol(std::move(options), Prompt({.text = "{document}: {label}?", .list_text = "{document}: {labels}?"}));
}

}  // namespace lmtx::test

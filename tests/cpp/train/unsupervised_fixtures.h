// What the tests of runs without a teacher share: documents with titles, contents and words of labels, and settings for a tiny encoder.
#pragma once

#include <string>
#include <vector>

#include "lmtx/train/options.h"
#include "trainer_fixtures.h"

namespace lmtx::test {

// Document n is about topics n % 20 and (3 n + 1) % 20, has the former as title, and now and then the word of a label. Every sixth has no title, every ninth
// only two words.
inline std::vector<Document> titled_documents(int64_t count) {
  std::vector<Document> documents;
  for (int64_t i = 0; i < count; ++i) {
    const std::string first = document_word(i % num_topics), second = document_word((3 * i + 1) % num_topics);
    std::string content = first + " " + second + " x. " + second + " " + first + " " + second + ". ";
    if (i % 3 == 0) content += label_word(i % num_topics) + " x " + second + ". ";
    if (i % 9 == 8) content = first + " " + second;
    documents.push_back({.uid = uid("d", i), .title = i % 6 == 5 ? "" : first, .content = content + uid("x", i)});
  }
  return documents;
}

// On these documents in a second or two.
inline TrainerOptions tiny_unsupervised_options(const std::string& method) {
  TrainerOptions options = preset(method);
  options.document_length = 16;
  options.title_length = 8;
  options.label_length = 8;
  options.epochs = 2;
  options.steps = method == "maclr" ? 12 : 0;
  options.batch_size = 8;
  options.learning_rate = 5e-3;
  options.clusters = "4,8";
  options.random_labels = 4;
  options.self_training_epochs = 2;
  options.segment_words = 3;
  options.checkpoint_every = 3;
  options.search_token_budget = 256;
  return options;
}

}  // namespace lmtx::test

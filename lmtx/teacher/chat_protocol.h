// Questions as requests of the OpenAI interface, which vLLM, llama.cpp and hosted models share, and its responses as verdicts. No network here.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"
#include "lmtx/teacher/prompt.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx {

struct ChatOptions {
  // The model's name as the server has it.
  std::string model;
  // Chat (/chat/completions, one user message) or plain completion (/completions).
  bool chat = true;
  // Labels in one prompt; their order is drawn from `seed`, the document's texts and the labels' names. Log-probabilities are not used with more than one.
  int64_t labels_per_prompt = 1;
  // Ask for the log-probabilities of the first answer token, so many alternatives; 0: read the text alone.
  int64_t top_logprobs = 20;
  // Tokens that an answer may have for each label, where the text is read; 0: 1 where log-probabilities are used, else 8.
  int64_t answer_tokens = 0;
  // A JSON object whose members are put into every request, such as {"reasoning_effort": "none"}; part of the identity.
  std::string extra = {};
  uint64_t seed = 0;
};

// One request: about some labels of a question.
struct ChatRequest {
  // JSON.
  std::string body;
  // Positions in question.labels, in the order in which the prompt lists them.
  std::vector<size_t> labels;
};

struct ChatAnswer {
  // One a label of the request, in its order: scored, or abstained where the answer is none; unset for labels that a list left out.
  std::vector<std::optional<Verdict>> verdicts = {};
  Usage usage = {};
  // The text of the answer.
  std::string text = {};
  // Log-probabilities were asked for and did not come.
  bool no_logprobs = false;
};

// Immutable; const methods may be called from several threads.
class LMTX_API ChatProtocol {
 public:
  // Throws std::invalid_argument for options that make no sense, naming them.
  explicit ChatProtocol(ChatOptions options, Prompt prompt = Prompt());

  const ChatOptions& options() const { return options_; }
  const Prompt& prompt() const { return prompt_; }
  // `openai/MODEL/…`: model, prompt and decoding; not the server's address, which does not change a verdict.
  const std::string& identity() const { return identity_; }
  // "/chat/completions" or "/completions": what follows the server's base address.
  std::string_view endpoint() const;

  // Requests about the labels at `labels` (all of them), those of a document one after the other, so that prefix caches serve them.
  std::vector<ChatRequest> requests(const Question& question) const;
  std::vector<ChatRequest> requests(const Question& question, std::span<const size_t> labels) const;
  // The same request without log-probabilities, for a server that refuses them.
  ChatRequest without_logprobs(const Question& question, const ChatRequest& request) const;

  // What a response's body says about the labels of its request. Throws std::runtime_error for what is no such response, saying how.
  ChatAnswer read(const ChatRequest& request, std::string_view body) const;

  // Of a question: prompt tokens without and with a prefix cache, and answer tokens. Templates of the server are not seen.
  Usage estimate(const Question& question) const;

 private:
  std::vector<std::vector<size_t>> groups(const Question& question, std::span<const size_t> labels) const;
  PromptText prompt_text(const std::string& document, const Question& question, std::span<const size_t> labels) const;
  int64_t answer_tokens(size_t num_labels, bool logprobs) const;
  std::string body(const PromptText& text, size_t num_labels, bool logprobs) const;

  ChatOptions options_;
  Prompt prompt_;
  // `extra` as it was read.
  std::shared_ptr<const std::string> extra_;
  std::string identity_;
};

}  // namespace lmtx

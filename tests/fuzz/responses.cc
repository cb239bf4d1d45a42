// What models and their servers say: texts of answers, responses, and lines of batches.
#include "fuzz.h"
#include "lmtx/detail/quote.h"
#include "lmtx/teacher/answers.h"
#include "lmtx/teacher/batch_index.h"
#include "lmtx/teacher/chat_protocol.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void check_score(const std::optional<double>& score) {
  if (score && !(*score >= 0 && *score <= 1)) report("a score out of range");
}

// Any text may be what a model says.
void read_text(std::string_view text) {
  for (const AnswerKind kind : {AnswerKind::yes_no, AnswerKind::scale}) {
    check_score(score_of(text, kind));
    const TokenLogprob tokens[] = {{std::string(text), -0.5}, {"yes", -2}, {"0", -3}};
    check_score(score_of(tokens, kind));
    const auto answers = answers_of_list(text, 3, kind);
    if (answers.size() != 3) report("a list of another length");
    for (const ListedAnswer& answer : answers) check_score(answer.score);
  }
}

// A std::runtime_error of one line, and nothing else.
template <typename Use>
void expect_refusal_or_nothing(const Use& use) {
  try {
    use();
  } catch (const std::runtime_error& error) {
    if (detail::one_line(error.what(), 3000) != error.what()) report(std::string("a message of several lines or with control characters: ") + error.what());
  } catch (const std::exception& error) {
    report(std::string("another exception than std::runtime_error: ") + error.what());
  }
}

void read_response(const ChatProtocol& protocol, size_t num_labels, std::string_view body) {
  ChatRequest request;
  for (size_t i = 0; i < num_labels; ++i) request.labels.push_back(i);
  const ChatAnswer answer = protocol.read(request, body);
  if (answer.verdicts.size() != num_labels) report("another number of verdicts than labels");
  for (const auto& verdict : answer.verdicts) {
    if (verdict && verdict->scored()) check_score(verdict->score());
  }
  if (answer.usage.prompt_tokens < 0 || answer.usage.cached_tokens < 0 || answer.usage.completion_tokens < 0) report("a negative number of tokens");
}

void check_defused(std::string_view text) {
  const std::string shown = defused(text);
  if (defused(shown) != shown) report("defused twice is not defused once");
  for (const char* mark : {"<|", "|>", "</", "<<", "[INST]", "[/INST]", "[|"}) {
    if (shown.find(mark) != std::string::npos) report(std::string("defused, but for ") + mark);
  }
  if (detail::find_invalid_utf8(shown) != std::string::npos) report("defused, but no UTF-8");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const ChatProtocol chat({.model = "m"}), completion({.model = "m", .chat = false}), list({.model = "m", .labels_per_prompt = 3});
  const std::string_view text = text_of(data, size);
  read_text(text);
  check_defused(text);
  expect_refusal_or_nothing([&] { read_response(chat, 1, text); });
  expect_refusal_or_nothing([&] { read_response(completion, 1, text); });
  expect_refusal_or_nothing([&] { read_response(list, 3, text); });
  expect_refusal_or_nothing([&] {
    const detail::BatchLine line = detail::parse_batch_line(text, "file:1");
    if (line.failure.empty())
      read_response(chat, 1, line.body.dump(-1, ' ', false, Json::error_handler_t::replace));
    else if (detail::one_line(line.failure, 3000) != line.failure)
      report("a failure of several lines");
  });
  return 0;
}

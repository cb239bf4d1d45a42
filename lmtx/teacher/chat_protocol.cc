#include "lmtx/teacher/chat_protocol.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/random.h"
#include "lmtx/teacher/answers.h"

namespace lmtx {

using detail::Json;

namespace {

// Tokens of an answer that is read as text, a label.
constexpr int64_t text_answer_tokens = 8;
// In what messages call a response.
constexpr const char* place = "the server's answer";

void check(const ChatOptions& options) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument(message);
  };
  require(!options.model.empty(), "`model` must be the model's name at the server, but is empty.");
  require(options.labels_per_prompt >= 1, "`labels_per_prompt` must be at least 1, but is " + std::to_string(options.labels_per_prompt) + " instead.");
  require(options.top_logprobs >= 0, "`top_logprobs` must be 0 (none) or more, but is " + std::to_string(options.top_logprobs) + " instead.");
  require(options.answer_tokens >= 0,
          "`answer_tokens` must be 0 (as many as are needed) or more, but is " + std::to_string(options.answer_tokens) + " instead.");
}

Json parse_extra(const std::string& extra) {
  if (extra.empty()) return Json::object();
  Json json;
  try {
    json = detail::parse_json(extra, "`extra`");
  } catch (const std::runtime_error& error) {
    throw std::invalid_argument(error.what());
  }
  if (!json.is_object()) throw std::invalid_argument("`extra` must be a JSON object, but is " + detail::quote(extra) + " instead.");
  return json;
}

// Invalid bytes would keep a request from being written; labels' and task texts are the user's own.
std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// Null members are taken out: a server that knows no "max_tokens" may get {"max_tokens": null, "max_completion_tokens": 1}.
void merge(Json& body, const Json& extra) {
  for (const auto& [key, value] : extra.items()) {
    if (value.is_null())
      body.erase(key);
    else
      body[key] = value;
  }
}

// A member of an object; null where there is none, or `json` is no object.
const Json& member(const Json& json, const char* key) {
  static const Json null;
  const auto found = json.is_object() ? json.find(key) : json.end();
  return json.is_object() && found != json.end() ? *found : null;
}

int64_t count_of(const Json& usage, const char* key) {
  const Json& value = member(usage, key);
  return value.is_number_integer() ? std::max<int64_t>(0, value.get<int64_t>()) : 0;
}

Usage usage_of(const Json& response) {
  const Json& usage = member(response, "usage");
  return {.prompt_tokens = count_of(usage, "prompt_tokens"),
          .cached_tokens = count_of(member(usage, "prompt_tokens_details"), "cached_tokens"),
          .completion_tokens = count_of(usage, "completion_tokens")};
}

// The first of the choices; throws for what is no answer, with the server's own words where it has some.
const Json& first_choice(const Json& response) {
  const Json& error = member(response, "error");
  if (!error.is_null()) {
    const Json& message = member(error, "message");
    throw std::runtime_error("the server answered with an error: " + detail::one_line(message.is_string() ? message.get<std::string>() : error.dump(), 200));
  }
  const Json& choices = member(response, "choices");
  if (!choices.is_array() || choices.empty()) throw std::runtime_error("the server's answer has no `choices`.");
  return choices[0];
}

std::string text_of(const Json& choice, bool chat) {
  const Json& text = chat ? member(member(choice, "message"), "content") : member(choice, "text");
  return text.is_string() ? text.get<std::string>() : std::string();
}

// Alternatives for the first token: as chats give them, and as plain completions do.
std::vector<TokenLogprob> first_token_of(const Json& choice) {
  const Json& logprobs = member(choice, "logprobs");
  std::vector<TokenLogprob> tokens;
  const auto add = [&](const Json& token, const Json& logprob) {
    if (token.is_string() && logprob.is_number()) tokens.push_back({token.get<std::string>(), logprob.get<double>()});
  };
  const Json& content = member(logprobs, "content");
  if (content.is_array() && !content.empty()) {
    const Json& alternatives = member(content[0], "top_logprobs");
    if (alternatives.is_array()) {
      for (const Json& token : alternatives) add(member(token, "token"), member(token, "logprob"));
    }
    if (tokens.empty()) add(member(content[0], "token"), member(content[0], "logprob"));
    return tokens;
  }
  const Json& alternatives = member(logprobs, "top_logprobs");
  if (alternatives.is_array() && !alternatives.empty() && alternatives[0].is_object()) {
    for (const auto& [token, logprob] : alternatives[0].items()) add(token, logprob);
  }
  return tokens;
}

Verdict verdict_of(const std::optional<double>& score) { return score ? Verdict::score(*score) : Verdict::abstain(); }

}  // namespace

ChatProtocol::ChatProtocol(ChatOptions options, Prompt prompt)
    : options_(std::move(options)), prompt_(std::move(prompt)), extra_(std::make_shared<const std::string>(parse_extra(options_.extra).dump())) {
  check(options_);
  detail::Hasher hasher;
  hasher.add("chat 1").add(prompt_.identity()).add(static_cast<int64_t>(options_.chat)).add(options_.labels_per_prompt);
  hasher.add(options_.top_logprobs).add(options_.answer_tokens).add(*extra_).add(options_.labels_per_prompt > 1 ? static_cast<int64_t>(options_.seed) : 0);
  identity_ = "openai/" + options_.model + "/" + detail::hex(hasher.finish()).substr(0, 16);
}

std::string_view ChatProtocol::endpoint() const { return options_.chat ? "/chat/completions" : "/completions"; }

std::vector<ChatRequest> ChatProtocol::requests(const Question& question) const {
  std::vector<size_t> labels(question.labels.size());
  std::iota(labels.begin(), labels.end(), size_t{0});
  return requests(question, labels);
}

std::vector<ChatRequest> ChatProtocol::requests(const Question& question, std::span<const size_t> labels) const {
  const std::string document = prompt_.document(question);
  std::vector<ChatRequest> requests;
  for (const std::vector<size_t>& group : groups(question, labels)) {
    requests.push_back({.body = body(prompt_text(document, question, group), group.size(), options_.top_logprobs > 0), .labels = group});
  }
  return requests;
}

ChatRequest ChatProtocol::without_logprobs(const Question& question, const ChatRequest& request) const {
  const PromptText text = prompt_text(prompt_.document(question), question, request.labels);
  return {.body = body(text, request.labels.size(), /*logprobs=*/false), .labels = request.labels};
}

// A list is shuffled, since models favour places in it: the order is drawn anew for each document, and is the same whenever it is asked.
std::vector<std::vector<size_t>> ChatProtocol::groups(const Question& question, std::span<const size_t> labels) const {
  std::vector<size_t> order(labels.begin(), labels.end());
  const auto size = static_cast<size_t>(options_.labels_per_prompt);
  if (size > 1) {
    detail::Hasher hasher;
    hasher.add(question.title).add(question.content);
    for (const size_t label : labels) hasher.add(question.labels[label].name);
    const detail::Digest digest = hasher.finish();
    int64_t texts = 0;
    std::memcpy(&texts, digest.data(), sizeof(texts));
    const std::vector<int64_t> places =
        detail::permutation(static_cast<int64_t>(order.size()), detail::random_key(options_.seed, "order of labels in a prompt", {texts}));
    for (size_t i = 0; i < order.size(); ++i) order[i] = labels[static_cast<size_t>(places[i])];
  }
  std::vector<std::vector<size_t>> groups;
  for (size_t begin = 0; begin < order.size(); begin += size) {
    groups.emplace_back(order.begin() + static_cast<ptrdiff_t>(begin), order.begin() + static_cast<ptrdiff_t>(std::min(begin + size, order.size())));
  }
  return groups;
}

PromptText ChatProtocol::prompt_text(const std::string& document, const Question& question, std::span<const size_t> labels) const {
  if (labels.size() == 1) return prompt_.one(document, question.labels[labels[0]]);
  std::vector<LabelToJudge> listed;
  for (const size_t label : labels) listed.push_back(question.labels[label]);
  return prompt_.several(document, listed);
}

int64_t ChatProtocol::answer_tokens(size_t num_labels, bool logprobs) const {
  const int64_t for_each = options_.answer_tokens > 0 ? options_.answer_tokens : logprobs && num_labels == 1 ? 1 : text_answer_tokens;
  return for_each * static_cast<int64_t>(num_labels);
}

std::string ChatProtocol::body(const PromptText& text, size_t num_labels, bool logprobs) const {
  logprobs = logprobs && num_labels == 1;
  Json body{{"model", options_.model}};
  const std::string& system = prompt_.options().system;
  if (options_.chat) {
    body["messages"] = Json::array();
    if (!system.empty()) body["messages"].push_back({{"role", "system"}, {"content", system}});
    body["messages"].push_back({{"role", "user"}, {"content", text.prefix + text.suffix}});
  } else {
    body["prompt"] = (system.empty() ? "" : system + "\n\n") + text.prefix + text.suffix + "\nAnswer:";
  }
  body["max_tokens"] = answer_tokens(num_labels, logprobs);
  body["temperature"] = 0;
  if (logprobs && options_.chat) {
    body["logprobs"] = true;
    body["top_logprobs"] = options_.top_logprobs;
  } else if (logprobs) {
    body["logprobs"] = options_.top_logprobs;
  }
  merge(body, Json::parse(*extra_));
  return dump(body);
}

ChatAnswer ChatProtocol::read(const ChatRequest& request, std::string_view body) const {
  const Json response = detail::parse_json(body, place);
  const Json& choice = first_choice(response);
  ChatAnswer answer{.usage = usage_of(response), .text = text_of(choice, options_.chat)};
  const AnswerKind kind = prompt_.options().answer;
  if (request.labels.size() > 1) {
    for (const ListedAnswer& listed : answers_of_list(answer.text, request.labels.size(), kind)) {
      answer.verdicts.push_back(listed.listed ? std::optional(verdict_of(listed.score)) : std::nullopt);
    }
    return answer;
  }
  const std::vector<TokenLogprob> tokens = options_.top_logprobs > 0 ? first_token_of(choice) : std::vector<TokenLogprob>();
  answer.no_logprobs = options_.top_logprobs > 0 && tokens.empty();
  auto score = score_of(tokens, kind);
  if (!score) score = score_of(answer.text, kind);
  answer.verdicts.push_back(verdict_of(score));
  return answer;
}

Usage ChatProtocol::estimate(const Question& question) const {
  std::vector<size_t> labels(question.labels.size());
  std::iota(labels.begin(), labels.end(), size_t{0});
  const std::string document = prompt_.document(question);
  const int64_t system = prompt_.count_tokens(prompt_.options().system);
  Usage usage;
  // The document is in it: it is counted again only where it is another one (a last label that is asked alone has the other template).
  std::string prefix;
  int64_t shared = 0;
  for (const std::vector<size_t>& group : groups(question, labels)) {
    const PromptText text = prompt_text(document, question, group);
    if (shared == 0 || text.prefix != prefix) {
      prefix = text.prefix;
      shared = system + prompt_.count_tokens(prefix);
    }
    if (usage.prompt_tokens > 0) usage.cached_tokens += shared;
    usage.prompt_tokens += shared + prompt_.count_tokens(text.suffix);
    // "yes" is a token; in a list, a number, a colon, the answer and the line's end.
    usage.completion_tokens += group.size() == 1 ? 1 : 4 * static_cast<int64_t>(group.size());
  }
  return usage;
}

}  // namespace lmtx

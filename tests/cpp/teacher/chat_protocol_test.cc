#include "lmtx/teacher/chat_protocol.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/detail/json.h"

using namespace lmtx;
using detail::Json;

namespace {

std::vector<LabelToJudge> labels_named(std::initializer_list<std::string_view> names) {
  std::vector<LabelToJudge> labels;
  for (const std::string_view name : names) labels.push_back({.uid = name, .name = name, .description = {}});
  return labels;
}

const std::vector<LabelToJudge> three = labels_named({"tax", "army", "tea"});
const Question question{.uid = "d", .title = "Tea", .content = "A tax on tea.", .labels = three};

Json body_of(const ChatRequest& request) { return Json::parse(request.body); }

std::string chat_response(const std::string& text) { return Json{{"choices", {{{"message", {{"role", "assistant"}, {"content", text}}}}}}}.dump(); }

std::string failure(const ChatProtocol& protocol, std::string_view body) {
  try {
    protocol.read(protocol.requests(question)[0], body);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a chat asks about one label in one message, for one token with log-probabilities") {
  const ChatProtocol protocol({.model = "llama"}, Prompt({.text = "{document}\n{label}?", .system = "You judge."}));
  const auto requests = protocol.requests(question);
  REQUIRE(requests.size() == 3);
  CHECK(requests[1].labels == std::vector<size_t>{1});
  const Json expected{
      {"model", "llama"}, {"messages", {{{"role", "system"}, {"content", "You judge."}}, {{"role", "user"}, {"content", "Tea\nA tax on tea.\narmy?"}}}},
      {"max_tokens", 1},  {"temperature", 0},
      {"logprobs", true}, {"top_logprobs", 20}};
  CHECK(body_of(requests[1]) == expected);
  CHECK(protocol.endpoint() == "/chat/completions");
}

TEST_CASE("a completion has the answer follow") {
  const ChatProtocol protocol({.model = "llama", .chat = false, .top_logprobs = 5}, Prompt({.text = "{document}\n{label}?", .system = "You judge."}));
  const Json body = body_of(protocol.requests(question)[0]);
  CHECK(body["prompt"] == "You judge.\n\nTea\nA tax on tea.\ntax?\nAnswer:");
  CHECK(body["logprobs"] == 5);
  CHECK(protocol.endpoint() == "/completions");
}

TEST_CASE("members of `extra` are put in, and null takes one out") {
  const ChatProtocol protocol({.model = "o", .extra = R"({"max_tokens": null, "max_completion_tokens": 7})"});
  const Json body = body_of(protocol.requests(question)[0]);
  CHECK_FALSE(body.contains("max_tokens"));
  CHECK(body["max_completion_tokens"] == 7);
}

TEST_CASE("a request without log-probabilities has room for a text") {
  const ChatProtocol protocol({.model = "llama"});
  const auto requests = protocol.requests(question);
  Json plain = body_of(protocol.without_logprobs(question, requests[2])), asked = body_of(requests[2]);
  CHECK(plain["messages"] == asked["messages"]);
  CHECK_FALSE(plain.contains("logprobs"));
  CHECK_FALSE(plain.contains("top_logprobs"));
  CHECK(plain["max_tokens"] == 8);
}

TEST_CASE("several labels share a prompt, each once, in an order that depends on the document and not on the run") {
  std::vector<LabelToJudge> many;
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back("label " + std::to_string(i));
  for (const std::string& name : names) many.push_back({.uid = name, .name = name, .description = {}});
  const ChatProtocol protocol({.model = "llama", .labels_per_prompt = 20});
  const auto ask = [&](std::string_view content) { return protocol.requests({.uid = "d", .title = {}, .content = content, .labels = many}); };
  const auto requests = ask("one");
  REQUIRE(requests.size() == 3);
  std::vector<size_t> all;
  for (const ChatRequest& request : requests) {
    all.insert(all.end(), request.labels.begin(), request.labels.end());
    const std::string text = body_of(request)["messages"][0]["content"];
    for (size_t i = 0; i < request.labels.size(); ++i)
      CHECK_THAT(text, ContainsSubstring("\n" + std::to_string(i + 1) + ". " + names[request.labels[i]] + "\n"));
    CHECK_FALSE(body_of(request).contains("logprobs"));
  }
  CHECK_FALSE(std::is_sorted(all.begin(), all.end()));
  CHECK(ask("one")[0].labels == requests[0].labels);
  CHECK(ask("two")[0].labels != requests[0].labels);
  std::sort(all.begin(), all.end());
  for (size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == i);
}

TEST_CASE("log-probabilities are read as chats and completions give them") {
  const double yes = std::log(0.6), no = std::log(0.2);
  const Json alternatives{{{"token", "Yes"}, {"logprob", yes}}, {{"token", " no"}, {"logprob", no}}};
  const Json content{{{"token", "Yes"}, {"logprob", yes}, {"top_logprobs", alternatives}}};
  const ChatProtocol chat({.model = "m"}), completion({.model = "m", .chat = false});
  const auto score = [](const ChatProtocol& protocol, const Json& choice) {
    const ChatAnswer answer = protocol.read(protocol.requests(question)[0], Json{{"choices", {choice}}}.dump());
    REQUIRE(answer.verdicts.size() == 1);
    CHECK_FALSE(answer.no_logprobs);
    return answer.verdicts[0]->score();
  };
  CHECK(score(chat, {{"message", {{"content", "Yes"}}}, {"logprobs", {{"content", content}}}}) == Approx(0.75));
  CHECK(score(completion, {{"text", "Yes"}, {"logprobs", {{"top_logprobs", {{{"Yes", yes}, {" no", no}}}}}}}) == Approx(0.75));
  CHECK(score(completion, {{"text", "Yes"}, {"logprobs", {{"content", content}}}}) == Approx(0.75));
}

TEST_CASE("without log-probabilities the text is read, and what is no answer abstains") {
  const ChatProtocol protocol({.model = "m"});
  const auto read = [&](const std::string& text) { return protocol.read(protocol.requests(question)[0], chat_response(text)); };
  CHECK(read("No.").verdicts[0] == Verdict::no());
  CHECK(read("No.").no_logprobs);
  CHECK(read("I cannot say").verdicts[0] == Verdict::abstain());
  CHECK(read("").verdicts[0] == Verdict::abstain());
  CHECK(read("I cannot say").text == "I cannot say");
}

TEST_CASE("a list's answers go to the labels that the prompt listed, and those that it left out stay unset") {
  const ChatProtocol protocol({.model = "m", .labels_per_prompt = 10});
  const ChatRequest request = protocol.requests(question)[0];
  const ChatAnswer answer = protocol.read(request, chat_response("1: yes\n3: what?"));
  REQUIRE(answer.verdicts.size() == 3);
  CHECK(answer.verdicts[0] == Verdict::yes());
  CHECK_FALSE(answer.verdicts[1]);
  CHECK(answer.verdicts[2] == Verdict::abstain());
}

TEST_CASE("usage is what the server says") {
  const ChatProtocol protocol({.model = "m"});
  Json response = Json::parse(chat_response("yes"));
  response["usage"] = {{"prompt_tokens", 90}, {"completion_tokens", 1}, {"prompt_tokens_details", {{"cached_tokens", 64}}}};
  const Usage usage = protocol.read(protocol.requests(question)[0], response.dump()).usage;
  CHECK((usage.prompt_tokens == 90 && usage.cached_tokens == 64 && usage.completion_tokens == 1));
  response["usage"] = {{"prompt_tokens", "many"}, {"completion_tokens", -3}};
  CHECK(protocol.read(protocol.requests(question)[0], response.dump()).usage.completion_tokens == 0);
}

TEST_CASE("what is no response is refused, saying how") {
  const ChatProtocol protocol({.model = "m"});
  CHECK_THAT(failure(protocol, "<html>"), StartsWith("the server's answer"));
  CHECK_THAT(failure(protocol, ""), StartsWith("the server's answer"));
  CHECK(failure(protocol, "[]") == "the server's answer has no `choices`.");
  CHECK(failure(protocol, R"({"choices": []})") == "the server's answer has no `choices`.");
  CHECK(failure(protocol, R"({"error": {"message": "out of\nmoney"}})") == "the server answered with an error: out of?money");
  // Of other types than they should be: no answer, and no crash.
  for (const char* odd : {R"({"choices": [5]})", R"({"choices": [{"message": "yes"}]})", R"({"choices": [{"message": {"content": ["yes"]}, "logprobs": 7}]})",
                          R"({"choices": [{"logprobs": {"content": [{"top_logprobs": {"a": 1}}]}}]})"}) {
    CAPTURE(odd);
    CHECK(protocol.read(protocol.requests(question)[0], odd).verdicts[0] == Verdict::abstain());
  }
}

TEST_CASE("options that make no sense are refused, naming them") {
  const auto message = [](const ChatOptions& options) -> std::string {
    try {
      ChatProtocol protocol(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  CHECK_THAT(message({.model = ""}), StartsWith("`model` must be"));
  CHECK_THAT(message({.model = "m", .labels_per_prompt = 0}), StartsWith("`labels_per_prompt` must be at least 1"));
  CHECK_THAT(message({.model = "m", .top_logprobs = -1}), StartsWith("`top_logprobs` must be"));
  CHECK_THAT(message({.model = "m", .extra = "[]"}), StartsWith("`extra` must be a JSON object"));
  CHECK_THAT(message({.model = "m", .extra = "{"}), StartsWith("`extra`"));
}

TEST_CASE("the identity of a protocol has model, prompt and decoding in it") {
  const std::string plain = ChatProtocol({.model = "m"}).identity();
  CHECK_THAT(plain, StartsWith("openai/m/"));
  CHECK(ChatProtocol({.model = "m", .seed = 5}).identity() == plain);
  std::vector<std::string> all{plain};
  for (const ChatOptions& options : {ChatOptions{.model = "n"}, ChatOptions{.model = "m", .chat = false}, ChatOptions{.model = "m", .labels_per_prompt = 2},
                                     ChatOptions{.model = "m", .labels_per_prompt = 2, .seed = 5}, ChatOptions{.model = "m", .top_logprobs = 0},
                                     ChatOptions{.model = "m", .answer_tokens = 3}, ChatOptions{.model = "m", .extra = R"({"a": 1})"}}) {
    all.push_back(ChatProtocol(options).identity());
  }
  all.push_back(ChatProtocol({.model = "m"}, Prompt({.task = "t"})).identity());
  std::sort(all.begin(), all.end());
  CHECK(std::adjacent_find(all.begin(), all.end()) == all.end());
}

TEST_CASE("an estimate counts the prefix once where a cache has it") {
  const ChatProtocol protocol({.model = "m"}, Prompt({.text = "{document}\n{label}"}));
  const Usage usage = protocol.estimate(question);
  // "Tea\nA tax on tea.\n" has 18 bytes, 5 tokens; "tax", "army", "tea" a token each.
  CHECK((usage.prompt_tokens == 18 && usage.cached_tokens == 10 && usage.completion_tokens == 3));
}

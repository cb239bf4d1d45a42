// Hostile documents: none changes how an answer is read, or gets into another document's prompt.
#include <algorithm>
#include <map>
#include <set>

#include "batch_provider.h"
#include "catch.h"
#include "hostile_documents.h"
#include "lmtx/teacher/batch_file_oracle.h"
#include "lmtx/teacher/chat_protocol.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

const std::vector<LabelToJudge> labels = {{"l1", "Ferries", "boats that carry passengers"}, {"l2", "Tea", {}}, {"l3", "Bread", {}}};

// What begins a turn, ends a text or stands for something else to some model. As their tokenizers have them.
const std::vector<std::string> marks = {"<document>",
                                        "</document>",
                                        "<|im_start|>",
                                        "<|im_end|>",
                                        "<|endoftext|>",
                                        "<s>",
                                        "</s>",
                                        "[INST]",
                                        "[/INST]",
                                        "<<SYS>>",
                                        "<</SYS>>",
                                        "<|begin_of_text|>",
                                        "<|eot_id|>",
                                        "<|start_header_id|>",
                                        "<|end_header_id|>",
                                        "<|eot|>",
                                        "<|header_start|>",
                                        "<|header_end|>",
                                        "<start_of_turn>",
                                        "<end_of_turn>",
                                        "<bos>",
                                        "<eos>",
                                        "[SYSTEM_PROMPT]",
                                        "[/SYSTEM_PROMPT]",
                                        "[AVAILABLE_TOOLS]",
                                        "[/AVAILABLE_TOOLS]",
                                        "[TOOL_CALLS]",
                                        "[TOOL_RESULTS]",
                                        "[/TOOL_RESULTS]",
                                        "[THINK]",
                                        "[/THINK]",
                                        "<\uff5cbegin\u2581of\u2581sentence\uff5c>",
                                        "<\uff5cend\u2581of\u2581sentence\uff5c>",
                                        "<\uff5cUser\uff5c>",
                                        "<\uff5cAssistant\uff5c>",
                                        "<|user|>",
                                        "<|assistant|>",
                                        "<|system|>",
                                        "<|end|>",
                                        "<|START_OF_TURN_TOKEN|>",
                                        "<|END_OF_TURN_TOKEN|>",
                                        "<|CHATBOT_TOKEN|>",
                                        "[|assistant|]",
                                        "[|user|]",
                                        "[|endofturn|]",
                                        "[gMASK]",
                                        "<sop>",
                                        "<eop>",
                                        "<|start|>",
                                        "<|channel|>",
                                        "<|message|>",
                                        "<|return|>",
                                        "<pad>",
                                        "<unk>",
                                        "<mask>",
                                        "<cls>",
                                        "<extra_id_0>",
                                        ">>ANSWER<<",
                                        ">>QUESTION<<",
                                        "<think>",
                                        "</think>",
                                        "<tool_call>",
                                        "</tool_call>",
                                        "<tool_response>"};

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

Question question_about(const std::string& uid, const std::string& text) { return {uid, {}, text, labels}; }

// nlohmann's own check is another than ours.
bool is_utf8(const std::string& text) {
  try {
    static_cast<void>(detail::Json(text).dump());
    return true;
  } catch (const detail::Json::type_error&) {
    return false;
  }
}

bool has_controls(const std::string& text) {
  const bool c0 = std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7f; });
  for (int c1 = 0x80; c1 < 0xa0 && !c0; ++c1) {
    if (text.find(std::string("\xc2") + static_cast<char>(c1)) != std::string::npos) return true;
  }
  return c0;
}

// The letters and digits of ASCII, in order: whatever is done to a text, these stay.
std::string plain_letters(const std::string& text) {
  std::string letters;
  std::copy_if(text.begin(), text.end(), std::back_inserter(letters),
               [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
  return letters;
}

std::string user_text(const std::string& body, bool chat) {
  const detail::Json json = detail::Json::parse(body);
  return chat ? json.at("messages").back().at("content").get<std::string>() : json.at("prompt").get<std::string>();
}

// The bodies of a question, all labels each alone or in one list.
std::vector<std::string> bodies(const ChatProtocol& protocol, const Question& question) {
  std::vector<std::string> bodies;
  for (const ChatRequest& request : protocol.requests(question)) bodies.push_back(request.body);
  return bodies;
}

// With the document's text in the place of a harmless one, and nothing else changed.
std::string with_document(std::string harmless_prompt, const std::string& shown) {
  const std::string harmless = "<document>\nHarmless.\n";
  const size_t at = harmless_prompt.find(harmless);
  REQUIRE(at != std::string::npos);
  return harmless_prompt.replace(at, harmless.size(), "<document>\n" + (shown.empty() ? "" : shown + "\n"));
}

// What comes behind the document, with the labels of the list, whose order is drawn from the document, sorted.
std::string with_sorted_list(const std::string& prompt) {
  const std::string begin = "\n</document>\nTags:\n", end = "\nFor each tag:";
  const size_t from = prompt.find(begin) + begin.size(), to = prompt.find(end, from);
  std::istringstream list(prompt.substr(from, to - from));
  std::set<std::string> names;
  int number = 0;
  for (std::string line; std::getline(list, line);) {
    const std::string mark = std::to_string(++number) + ". ";
    REQUIRE(line.starts_with(mark));
    names.insert(line.substr(mark.size()));
  }
  std::string sorted;
  for (const std::string& name : names) sorted += name + "\n";
  return sorted + prompt.substr(to);
}

}  // namespace

TEST_CASE("There are hostile documents enough, each by its own name") {
  std::set<std::string> names;
  for (const HostileDocument& document : hostile_documents()) names.insert(document.name);
  CHECK(names.size() == hostile_documents().size());
  CHECK(names.size() >= 50);
}

TEST_CASE("A hostile document is defused: no mark, no control character, valid UTF-8, and every letter of it still there") {
  for (const HostileDocument& document : hostile_documents()) {
    INFO(document.name);
    const std::string shown = defused(document.text);
    CHECK(is_utf8(shown));
    CHECK_FALSE(has_controls(shown));
    for (const std::string& mark : marks) {
      INFO(mark);
      CHECK(lower(shown).find(lower(mark)) == std::string::npos);
    }
    CHECK(plain_letters(shown) == plain_letters(document.text));
    CHECK(defused(shown) == shown);
  }
}

TEST_CASE("Every mark of a chat template is broken, whatever stands around it") {
  for (const std::string& mark : marks) {
    for (const char* before : {"", "<", "[", "<|", "[/", "|", "a", " ", "\n", "\x01"}) {
      for (const char* after : {"", ">", "]", "|>", "yes", "\n"}) {
        INFO(before << mark << after);
        CHECK(lower(defused(before + mark + after)).find(lower(mark)) == std::string::npos);
        if (mark[0] == '<' || mark.ends_with("INST]")) CHECK(defused(before + lower(mark) + after).find(lower(mark)) == std::string::npos);
      }
    }
    // A control character inside a mark is left out, and must not put the mark together.
    for (size_t i = 1; i < mark.size(); ++i) CHECK(defused(std::string(mark).insert(i, 1, '\0')).find(mark) == std::string::npos);
  }
}

TEST_CASE("A prompt about a hostile document differs from one about a harmless one by the document's text alone") {
  const bool chat = GENERATE(true, false);
  const int64_t labels_per_prompt = GENERATE(1, 3);
  const int64_t document_tokens = GENERATE(430, 20);
  const std::string system = GENERATE("", "You judge tags.");
  const Prompt prompt({.system = system, .document_tokens = document_tokens});
  const ChatProtocol protocol({.model = "m", .chat = chat, .labels_per_prompt = labels_per_prompt}, prompt);
  const auto harmless = bodies(protocol, question_about("harmless", "Harmless."));
  for (const HostileDocument& document : hostile_documents()) {
    INFO(document.name);
    const Question question = question_about("hostile", document.text);
    const std::string shown = prompt.document(question);
    const auto hostile = bodies(protocol, question);
    REQUIRE(hostile.size() == harmless.size());
    for (size_t i = 0; i < hostile.size(); ++i) {
      detail::Json body = detail::Json::parse(hostile[i]), expected = detail::Json::parse(harmless[i]);
      std::string text = user_text(hostile[i], chat), expected_text = with_document(user_text(harmless[i], chat), shown);
      CHECK(count(text, "<document>") == 1);
      CHECK(count(text, "</document>") == 1);
      if (labels_per_prompt > 1) {
        CHECK(text.substr(0, text.find("</document>")) == expected_text.substr(0, expected_text.find("</document>")));
        CHECK(with_sorted_list(text) == with_sorted_list(expected_text));
      } else {
        CHECK(text == expected_text);
      }
      // All else is the same: messages, their roles, settings.
      if (chat)
        body["messages"].back()["content"] = expected["messages"].back()["content"];
      else
        body["prompt"] = expected["prompt"];
      CHECK(body.dump() == expected.dump());
      CHECK(hostile[i].find('\n') == std::string::npos);
    }
  }
}

TEST_CASE("A hostile document is cut like any other, and what is shown is what was cut, defused") {
  for (const int64_t tokens : {1, 2, 7, 50, 430}) {
    const Prompt prompt({.document_tokens = tokens});
    for (const HostileDocument& document : hostile_documents()) {
      INFO(document.name << ", " << tokens << " tokens");
      const std::string shown = prompt.document(question_about("d", document.text));
      CHECK(plain_letters(document.text).starts_with(plain_letters(shown)));
      CHECK(is_utf8(shown));
      for (const std::string& mark : marks) CHECK(lower(shown).find(lower(mark)) == std::string::npos);
      // A space at every other byte would be the worst.
      CHECK(static_cast<int64_t>(shown.size()) <= 2 * 4 * tokens);
    }
  }
}

TEST_CASE("A hostile label stays on its line of a list, and out of the fence") {
  const Prompt prompt;
  for (const HostileDocument& document : hostile_documents()) {
    if (document.text.size() > 5000) continue;
    INFO(document.name);
    const std::vector<LabelToJudge> hostile = {{"l1", "Ferries", {}}, {"l2", document.text, document.text}, {"l3", "Bread", {}}};
    const Question question{"d", {}, "Harmless.", hostile};
    const PromptText list = prompt.several(prompt.document(question), hostile), one = prompt.one(prompt.document(question), hostile[1]);
    for (const PromptText& text : {list, one}) {
      CHECK(count(text.prefix + text.suffix, "</document>") == 1);
      CHECK(is_utf8(text.suffix));
    }
    CHECK(one.prefix == "<document>\nHarmless.\n</document>\n");
    CHECK(list.prefix == "<document>\nHarmless.\n</document>\nTags:\n");
    CHECK(count(list.suffix, "\n") == count(prompt.several("x", labels).suffix, "\n"));
    CHECK(list.suffix.starts_with("1. Ferries\n2. "));
    CHECK(count(list.suffix, "\n3. Bread\n") == 1);
  }
}

namespace {

std::optional<double> score_of_note(char note) { return note == '-' ? std::nullopt : std::optional(note == 'y' ? 1.0 : 0.0); }

// A document that says nothing to the tests' tags but what its own number is.
std::string quiet_text(int64_t number) { return "Quiet document number " + std::to_string(number) + "."; }

// A model that has only the document's words: of a quiet document it says what is true, everything else it repeats.
detail::Json echo(const detail::Json& request) {
  const std::string prompt = request.at("messages").back().at("content").get<std::string>();
  const size_t begin = prompt.find("<document>\n") + 11;
  std::string said = prompt.substr(begin, prompt.find("</document>") - begin);
  if (said.ends_with('\n')) said.pop_back();
  if (said.starts_with("Quiet")) {
    const bool even = (said[said.size() - 2] - '0') % 2 == 0;
    said = prompt.find("\nTags:\n") == std::string::npos ? (even ? "yes" : "no") : even ? "1: yes\n2: yes\n3: yes" : "1: no\n2: no\n3: no";
  }
  return {{"choices", {{{"message", {{"role", "assistant"}, {"content", said}}}}}}};
}

class EchoSink final : public AnswerSink {
 public:
  void put(const Question& question, std::span<const Verdict> verdicts, const Usage&, std::string_view) override {
    check_verdicts(question, verdicts);
    for (size_t i = 0; i < verdicts.size(); ++i) {
      REQUIRE(verdicts[i].kind() != Verdict::Kind::failed);
      REQUIRE(answers.emplace(std::pair(std::string(question.uid), std::string(question.labels[i].uid)), verdicts[i]).second);
    }
  }
  std::stop_token stop() const override { return {}; }
  std::map<std::pair<std::string, std::string>, Verdict> answers;
};

// Answers all requests of a folder by echo, in another order.
void answer_by_echo(const fs::path& batch, int turn) {
  std::vector<std::string> lines;
  std::set<std::string> answered;
  for (const std::string& line : lines_in(batch / "answers")) answered.insert(parse_plain(line).at("custom_id").get<std::string>());
  for (const std::string& text : lines_in(batch / "requests")) {
    const detail::Json request = parse_plain(text);
    if (answered.contains(request.at("custom_id").get<std::string>())) continue;
    lines.push_back(detail::Json{{"custom_id", request["custom_id"]}, {"response", {{"status_code", 200}, {"body", echo(request["body"])}}}}.dump() + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  detail::write_file_atomically(batch / "answers" / (std::to_string(turn) + ".jsonl"), text);
}

}  // namespace

TEST_CASE("A model that repeats the document abstains, unless that is an answer by itself, and every verdict lands on its own pair") {
  const int64_t labels_per_prompt = GENERATE(1, 3);
  const TemporaryFolder folder;
  const fs::path batch = folder / "batch";
  // A quiet document between any two hostile ones.
  std::vector<std::string> uids, texts;
  for (const HostileDocument& document : hostile_documents()) {
    texts.push_back(document.text);
    texts.push_back(quiet_text(static_cast<int64_t>(texts.size() / 2)));
  }
  for (size_t i = 0; i < texts.size(); ++i) uids.push_back("d" + std::to_string(i));
  EchoSink sink;
  for (int turn = 0; sink.answers.size() < texts.size() * labels.size(); ++turn) {
    REQUIRE(turn < 4);
    const auto teacher = BatchFileOracle::make({.folder = batch}, ChatProtocol({.model = "m", .labels_per_prompt = labels_per_prompt}));
    std::vector<std::vector<LabelToJudge>> open(texts.size());
    std::vector<Question> questions;
    for (size_t i = 0; i < texts.size(); ++i) {
      for (const LabelToJudge& label : labels) {
        if (!sink.answers.contains({uids[i], std::string(label.uid)})) open[i].push_back(label);
      }
      if (!open[i].empty()) questions.push_back({uids[i], {}, texts[i], open[i]});
    }
    teacher->judge(questions, sink);
    answer_by_echo(batch, turn);
  }

  const ChatProtocol protocol({.model = "m", .labels_per_prompt = labels_per_prompt});
  for (size_t i = 0; i < hostile_documents().size(); ++i) {
    const HostileDocument& document = hostile_documents()[i];
    INFO(document.name);
    // In the order in which the list was shown.
    std::vector<size_t> order = {0, 1, 2};
    if (labels_per_prompt > 1) order = protocol.requests(question_about("d", document.text)).at(0).labels;
    for (size_t j = 0; j < labels.size(); ++j) {
      INFO("label " << labels[order[j]].uid);
      const Verdict& verdict = sink.answers.at({uids[2 * i], std::string(labels[order[j]].uid)});
      const char note = labels_per_prompt > 1 && document.list_echo[j] != '.' ? document.list_echo[j] : document.echo;
      const auto expected = score_of_note(note);
      CHECK(verdict.scored() == expected.has_value());
      if (expected && verdict.scored()) CHECK(verdict.score() == *expected);
      CHECK(sink.answers.at({uids[2 * i + 1], std::string(labels[j].uid)}) == Verdict::score(i % 10 % 2 == 0 ? 1 : 0));
    }
  }
}

TEST_CASE("Whatever a model says is read, or is none: no text of a hostile document breaks the reader") {
  for (const HostileDocument& document : hostile_documents()) {
    INFO(document.name);
    for (const int64_t labels_per_prompt : {1, 3}) {
      const ChatProtocol protocol({.model = "m", .labels_per_prompt = labels_per_prompt});
      ChatRequest request;
      request.labels.resize(static_cast<size_t>(labels_per_prompt));
      const std::string body =
          detail::Json{{"choices", {{{"message", {{"content", document.text}}}}}}}.dump(-1, ' ', false, detail::Json::error_handler_t::replace);
      const ChatAnswer answer = protocol.read(request, body);
      REQUIRE(answer.verdicts.size() == request.labels.size());
      // The same as a token.
      const detail::Json token = {{"token", document.text}, {"logprob", -0.1}};
      const std::string tokens = detail::Json{{"choices", {{{"message", {{"content", ""}}}, {"logprobs", {{"content", {{{"top_logprobs", {token}}}}}}}}}}}.dump(
          -1, ' ', false, detail::Json::error_handler_t::replace);
      REQUIRE(protocol.read(request, tokens).verdicts.size() == request.labels.size());
      // As the body itself.
      CHECK_THROWS_AS(protocol.read(request, document.text), std::runtime_error);
    }
  }
}

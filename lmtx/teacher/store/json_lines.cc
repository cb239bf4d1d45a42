#include "lmtx/teacher/store/json_lines.h"

#include <stdexcept>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/stopped.h"
#include "lmtx/teacher/judgment_import.h"
#include "lmtx/teacher/store/answer_cursor.h"

namespace lmtx::detail {

namespace {

constexpr int64_t newest_format = 1;
constexpr const char* kind = "judgments";
constexpr int64_t answers_a_look = 1000;

// --- writing ---

Json usage_json(const Usage& usage) {
  Json json = Json::object();
  if (usage.prompt_tokens != 0) json["prompt_tokens"] = usage.prompt_tokens;
  if (usage.cached_tokens != 0) json["cached_tokens"] = usage.cached_tokens;
  if (usage.completion_tokens != 0) json["completion_tokens"] = usage.completion_tokens;
  if (usage.cost != 0) json["cost"] = usage.cost;
  if (usage.seconds != 0) json["seconds"] = usage.seconds;
  return json;
}

Json answer_json(const StoredAnswer& answer) {
  Json json = {{"identity", answer.identity}, {"run", answer.run}, {"document", answer.document}, {"time", answer.time}, {"usage", usage_json(answer.usage)}};
  if (!answer.raw.empty()) json["raw"] = answer.raw;
  Json judgments = Json::array();
  for (const StoredJudgment& judgment : answer.judgments) {
    const Json score = judgment.verdict.scored() ? Json(judgment.verdict.score()) : Json();
    judgments.push_back({{"key", hex(judgment.key)}, {"label", judgment.label}, {"score", score}});
  }
  json["judgments"] = std::move(judgments);
  return json;
}

void write_lines(AnswerCursor& answers, const AppendBytes& append, const std::stop_token& stop) {
  append(Json{{"format", newest_format}, {"kind", kind}}.dump() + "\n");
  int64_t num_answers = 0, num_judgments = 0;
  for (StoredAnswer answer; answers.next(answer);) {
    if (num_answers++ % answers_a_look == 0) check_stop(stop);
    num_judgments += static_cast<int64_t>(answer.judgments.size());
    append(answer_json(answer).dump() + "\n");
  }
  append(Json{{"answers", num_answers}, {"judgments", num_judgments}}.dump() + "\n");
}

// --- reading ---

void check_header(JsonLines& lines, const std::filesystem::path& file) {
  constexpr const char* expected = R"(judgments must start with {"format": 1, "kind": "judgments"})";
  Json header;
  if (!lines.next(header)) fail(file.string(), std::string(expected) + ", but the file is empty.");
  const std::string place = lines.place();
  if (!json_has(header, "format") || json_string_or(header, "kind", "", place) != kind) fail(place, std::string(expected) + ", but this line does not.");
  const int64_t format = json_integer(header, "format", place);
  if (format > newest_format) {
    fail(place, "the judgments have format " + std::to_string(format) + ", but this version of LMTX reads up to format " + std::to_string(newest_format) +
                    "; a newer version is needed.");
  }
  if (format < 1) fail(place, "`format` must be at least 1, but is " + std::to_string(format) + " instead.");
}

int hex_digit(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return -1;
}

Digest read_key(const Json& judgment, const std::string& place) {
  const std::string text = json_string(judgment, "key", place);
  Digest key = {};
  bool is_key = text.size() == 2 * key.size();
  for (size_t i = 0; is_key && i < key.size(); ++i) {
    const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
    is_key = high >= 0 && low >= 0;
    key[i] = static_cast<uint8_t>(16 * high + low);
  }
  if (!is_key) fail(place, "`key` must be 32 hexadecimal digits, but is " + quote(text) + " instead.");
  return key;
}

Verdict read_score(const Json& judgment, const std::string& place) {
  const auto score = judgment.find("score");
  if (score == judgment.end()) fail(place, "`score` is missing.");
  if (score->is_null()) return Verdict::abstain();
  const double number = score->is_number() ? score->get<double>() : -1;
  if (number >= 0 && number <= 1) return Verdict::score(number);
  fail(place, "`score` must be a number in [0, 1] or null, but is " + quote(score->dump(-1, ' ', false, Json::error_handler_t::replace), 40) + " instead.");
}

Usage read_usage(const Json& answer, const std::string& place) {
  if (!json_has(answer, "usage")) return {};
  const Json& usage = answer["usage"];
  if (!usage.is_object()) fail(place, std::string("`usage` must be an object, but is ") + usage.type_name() + " instead.");
  return {.prompt_tokens = json_integer_or(usage, "prompt_tokens", 0, place),
          .cached_tokens = json_integer_or(usage, "cached_tokens", 0, place),
          .completion_tokens = json_integer_or(usage, "completion_tokens", 0, place),
          .cost = json_number_or(usage, "cost", 0, place),
          .seconds = json_number_or(usage, "seconds", 0, place)};
}

StoredAnswer read_answer(const Json& json, const std::string& place) {
  StoredAnswer answer{.identity = json_string(json, "identity", place),
                      .run = json_string(json, "run", place),
                      .document = json_string(json, "document", place),
                      .time = json_integer(json, "time", place),
                      .usage = read_usage(json, place),
                      .raw = json_string_or(json, "raw", "", place)};
  if (!json_has(json, "judgments") || !json["judgments"].is_array()) fail(place, "`judgments` must be a list.");
  for (const Json& judgment : json["judgments"]) {
    if (!judgment.is_object()) fail(place, std::string("`judgments` must hold objects, but holds ") + judgment.type_name() + ".");
    answer.judgments.push_back({.key = read_key(judgment, place), .label = json_string(judgment, "label", place), .verdict = read_score(judgment, place)});
  }
  return answer;
}

// The last line says how many there were.
void check_end(const Json& end, int64_t num_answers, int64_t num_judgments, const std::string& place) {
  const int64_t answers = json_integer(end, "answers", place), judgments = json_integer(end, "judgments", place);
  if (answers == num_answers && judgments == num_judgments) return;
  fail(place, "the file should have " + std::to_string(answers) + " answers with " + std::to_string(judgments) + " judgments, but has " +
                  std::to_string(num_answers) + " with " + std::to_string(num_judgments) + ".");
}

void read_lines(JsonLines& lines, JudgmentImport& answers, const std::filesystem::path& file, const std::stop_token& stop) {
  check_header(lines, file);
  int64_t num_answers = 0, num_judgments = 0;
  for (Json line; lines.next(line);) {
    if (json_has(line, "answers")) {
      check_end(line, num_answers, num_judgments, lines.place());
      if (lines.next(line)) fail(lines.place(), "there must be nothing after the line that says how many answers there are.");
      return;
    }
    if (num_answers % answers_a_look == 0) check_stop(stop);
    const StoredAnswer answer = read_answer(line, lines.place());
    answers.add(++num_answers, answer);
    num_judgments += static_cast<int64_t>(answer.judgments.size());
  }
  fail(file.string(), "the last line, which says how many answers there are, is missing; is the file truncated?");
}

}  // namespace

void write_judgment_lines(const StoreFile& store, const std::optional<std::string>& identity, const std::filesystem::path& file, const std::stop_token& stop) {
  AnswerCursor answers(store, identity);
  try {
    write_file_atomically(file, [&](const AppendBytes& append) { write_lines(answers, append, stop); });
  } catch (const Json::type_error&) {
    throw std::runtime_error("Cannot write " + file.string() + ": an identity, run or uid in " + store.path.string() + " is not UTF-8.");
  }
}

MergeCounts read_judgment_lines(const JudgmentStore& store, const std::filesystem::path& file, const std::stop_token& stop) {
  JsonLines lines(file);
  JudgmentImport answers(store);
  read_lines(lines, answers, file, stop);
  return answers.finish(stop);
}

}  // namespace lmtx::detail

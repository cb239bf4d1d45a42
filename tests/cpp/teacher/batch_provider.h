// What stands on the other side of a batch folder in tests: a provider that knows the truth of the small world of trainer_fixtures.h, reads request files as
// anybody would, and answers them in any order, in several files, some lines with errors and some twice. And a teacher that asks the same provider at once.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lmtx/teacher/batch_file_oracle.h"
#include "train/trainer_fixtures.h"

namespace lmtx::test {

inline detail::Json parse_plain(const std::string& text) { return detail::Json::parse(text); }

inline std::vector<std::string> lines_of(const fs::path& file) {
  std::vector<std::string> lines;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The lines of all files of a folder, by the files' names.
inline std::vector<std::string> lines_in(const fs::path& folder) {
  std::map<std::string, fs::path> files;
  if (fs::exists(folder)) {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (entry.path().extension() == ".jsonl") files[entry.path().filename().string()] = entry.path();
    }
  }
  std::vector<std::string> lines;
  for (const auto& [name, file] : files) {
    for (std::string& line : lines_of(file)) lines.push_back(std::move(line));
  }
  return lines;
}

// How often each custom_id stands there.
inline std::map<std::string, int64_t> count_ids(const fs::path& folder) {
  std::map<std::string, int64_t> counts;
  for (const std::string& line : lines_in(folder)) ++counts[parse_plain(line)["custom_id"].get<std::string>()];
  return counts;
}

inline std::string between(const std::string& text, const std::string& begin, const std::string& end) {
  const size_t from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

// Of a document of the small world, by its last word; of a label, by its only one.
inline std::string document_in(const std::string& prompt) { return uid("d", std::stoll(between(prompt, " x", "\n"))); }
inline std::string label_of_word(const std::string& word) { return uid("t", (word.at(1) - 'a') * 10 + (word.at(2) - 'a')); }

inline double truth_of(const std::string& prompt, const std::string& label_word) { return topic_truth(document_in(prompt), label_of_word(label_word)).score(); }

// Of a chat with one label: log-probabilities; with several: lines of yes and no, of which the last is left out where `leaves_out_last`.
inline detail::Json respond(const detail::Json& request, bool leaves_out_last = false) {
  const std::string prompt = request.at("messages").back().at("content").get<std::string>();
  detail::Json choice;
  if (prompt.find("\nTag: ") != std::string::npos) {
    const double p = truth_of(prompt, between(prompt, "\nTag: ", "\n"));
    const detail::Json tokens = {{{"token", "yes"}, {"logprob", std::log(p)}}, {{"token", "no"}, {"logprob", std::log(1 - p)}}};
    const std::string said = p > 0.5 ? "yes" : "no";
    choice = {{"message", {{"role", "assistant"}, {"content", said}}},
              {"logprobs", {{"content", {{{"token", said}, {"logprob", std::log(p)}, {"top_logprobs", tokens}}}}}}};
  } else {
    std::string text, last;
    std::istringstream lines(between(prompt, "\nTags:\n", "\nFor each"));
    for (std::string line; std::getline(lines, line);) {
      last = line.substr(0, line.find_first_not_of("0123456789")) + ": " + (truth_of(prompt, line.substr(line.find('l'))) > 0.5 ? "yes" : "no") + "\n";
      text += last;
    }
    if (leaves_out_last) text.erase(text.size() - last.size());
    choice = {{"message", {{"role", "assistant"}, {"content", text}}}};
  }
  return {{"choices", {choice}}, {"usage", {{"prompt_tokens", 100}, {"completion_tokens", 1}}}};
}

// Answers what is asked in a batch folder.
class BatchProvider {
 public:
  struct Habits {
    // Every n-th request fails the first time; 0: none.
    size_t fails_every = 0;
    // Every n-th answer comes twice; 0: none.
    size_t repeats_every = 0;
    // Leaves out the last label of every list.
    bool leaves_out_last = false;
    // Of the requests without an answer, the share that is answered now.
    double share = 1;
  };
  // The same whatever the order of requests.
  BatchProvider(fs::path folder, Habits habits, uint64_t seed = 1) : folder_(std::move(folder)), habits_(habits), seed_(seed) {}

  // Lines for requests of which a copy has no answer, in random order.
  std::vector<std::string> answers() const {
    std::map<std::string, int64_t> answered = count_ids(folder_ / "answers");
    std::map<std::string, int64_t> copies = answered;
    std::vector<std::string> lines;
    for (const std::string& text : lines_in(folder_ / "requests")) {
      const detail::Json request = parse_plain(text);
      const std::string id = request.at("custom_id").get<std::string>();
      if (copies[id]-- > 0) continue;
      copies[id] = 0;
      lines.push_back(answer(id, request.at("body"), answered[id] == 0));
      if (habits_.repeats_every > 0 && hash(id) % habits_.repeats_every == 1 && !fails_first(id)) lines.push_back(lines.back());
    }
    shuffle(lines);
    lines.resize(static_cast<size_t>(std::ceil(static_cast<double>(lines.size()) * habits_.share)));
    return lines;
  }

  // Writes them into `count` files, which it gives.
  std::vector<fs::path> write(const fs::path& to, size_t count = 3) const {
    fs::create_directories(to);
    const std::vector<std::string> lines = answers();
    const std::string turn = std::to_string(lines_in(folder_ / "answers").size());
    std::vector<fs::path> files;
    for (size_t i = 0; i < count; ++i) {
      std::string text;
      for (size_t j = i; j < lines.size(); j += count) text += lines[j] + "\n";
      if (text.empty()) continue;
      files.push_back(to / ("output_" + turn + "_" + std::to_string(i) + ".jsonl"));
      std::ofstream(files.back(), std::ios::binary) << text;
    }
    return files;
  }

  static size_t hash(const std::string& id) { return std::stoul(id.substr(0, 8), nullptr, 16); }
  bool fails_first(const std::string& id) const { return habits_.fails_every > 0 && hash(id) % habits_.fails_every == 0; }

 private:
  std::string answer(const std::string& id, const detail::Json& body, bool first) const {
    detail::Json line{{"id", "batch_req_" + id.substr(0, 6)}, {"custom_id", id}, {"response", nullptr}, {"error", nullptr}};
    if (first && fails_first(id)) {
      if (hash(id) % 3 == 0)
        line["error"] = {{"code", "batch_expired"}, {"message", "This request could not be executed in time."}};
      else
        line["response"] = {{"status_code", 429}, {"body", {{"error", {{"message", "too many requests"}}}}}};
    } else {
      line["response"] = {{"status_code", 200}, {"request_id", "r"}, {"body", respond(body, habits_.leaves_out_last)}};
    }
    return line.dump();
  }

  void shuffle(std::vector<std::string>& lines) const {
    detail::KeyedRandom random(detail::random_key(seed_, "provider"));
    for (size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[static_cast<size_t>(random.below(static_cast<int64_t>(i)))]);
  }

  const fs::path folder_;
  const Habits habits_;
  const uint64_t seed_;
};

// Asks the provider at once, as a server would be asked.
class OnlineTeacher final : public TeacherOracle {
 public:
  explicit OnlineTeacher(ChatOptions chat) : protocol_(std::move(chat)) {}
  std::string identity() const override { return protocol_.identity(); }
  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    for (const Question& question : questions) {
      for (const ChatRequest& request : protocol_.requests(question)) {
        const ChatAnswer said = protocol_.read(request, respond(parse_plain(request.body)).dump());
        std::vector<LabelToJudge> labels;
        std::vector<Verdict> verdicts;
        for (size_t i = 0; i < request.labels.size(); ++i) {
          labels.push_back(question.labels[request.labels[i]]);
          verdicts.push_back(said.verdicts[i].value());
        }
        answers.put({question.uid, question.title, question.content, labels}, verdicts, said.usage);
      }
    }
  }

 private:
  const ChatProtocol protocol_;
};

}  // namespace lmtx::test

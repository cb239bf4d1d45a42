#include "lmtx/teacher/recorded_oracle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx {

using detail::Json;
using detail::JsonLines;

namespace {

constexpr int64_t newest_format = 1;

struct ViewHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// Uids to numbers, in order of first appearance.
class UidTable {
 public:
  int64_t number(const std::string& uid) { return numbers_.try_emplace(uid, size()).first->second; }
  // -1 for an unknown one.
  int64_t find(std::string_view uid) const {
    const auto entry = numbers_.find(uid);
    return entry == numbers_.end() ? -1 : entry->second;
  }
  int64_t size() const { return static_cast<int64_t>(numbers_.size()); }
  std::vector<std::string> uids() const {
    std::vector<std::string> uids(numbers_.size());
    for (const auto& [uid, number] : numbers_) uids[static_cast<size_t>(number)] = uid;
    return uids;
  }

 private:
  std::unordered_map<std::string, int64_t, ViewHash, std::equal_to<>> numbers_;
};

struct Entry {
  int64_t label;
  // NaN where the teacher abstained.
  double score;
  // Where it was recorded.
  int64_t line;
};

bool same_score(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

double to_score(const Json& value, size_t position, const std::string& place) {
  if (value.is_null()) return std::numeric_limits<double>::quiet_NaN();
  const double score = value.is_number() ? value.get<double>() : -1;
  if (score >= 0 && score <= 1) return score;
  throw std::runtime_error(place + ": `scores[" + std::to_string(position) + "]` must be a number in [0, 1] or null, but is " +
                           detail::quote(value.dump(-1, ' ', false, Json::error_handler_t::replace), 40) + " instead.");
}

struct Header {
  std::string identity;
  // Recorded pairs that the file says it has; -1 where it does not say.
  int64_t pairs;
};

Header read_header(JsonLines& lines, const std::filesystem::path& file) {
  constexpr const char* expected = "a recording must start with {\"format\": 1, \"identity\": …}";
  Json header;
  if (!lines.next(header)) throw std::runtime_error(file.string() + ": " + expected + ", but is empty.");
  const std::string place = lines.place();
  if (!detail::json_has(header, "format")) throw std::runtime_error(place + ": " + expected + ", but this line has no `format`.");
  const int64_t format = detail::json_integer(header, "format", place);
  if (format > newest_format) {
    throw std::runtime_error(place + ": the recording has format " + std::to_string(format) + ", but this version of LMTX reads up to format " +
                             std::to_string(newest_format) + "; a newer version is needed.");
  }
  if (format < 1) throw std::runtime_error(place + ": `format` must be at least 1, but is " + std::to_string(format) + " instead.");
  Header result{.identity = detail::json_string(header, "identity", place), .pairs = detail::json_integer_or(header, "pairs", -1, place)};
  if (result.identity.empty()) throw std::runtime_error(place + ": `identity` must not be empty.");
  return result;
}

}  // namespace

struct RecordedOracle::Impl {
  std::string identity;
  UidTable documents;
  UidTable labels;
  // For each document, by rising label.
  std::vector<std::vector<Entry>> entries;
  int64_t size = 0;

  void add_line(const Json& object, const std::string& place, int64_t line);
  void finish(const std::filesystem::path& file);
  Verdict find(int64_t document, std::string_view label_uid) const;
};

void RecordedOracle::Impl::add_line(const Json& object, const std::string& place, int64_t line) {
  const std::string uid = detail::json_uid(object, "uid", place);
  for (const char* field : {"labels", "scores"}) {
    if (!detail::json_has(object, field)) throw std::runtime_error(place + ": `" + field + "` is missing.");
  }
  const std::vector<std::string> label_uids = detail::json_uids_or_none(object, "labels", place);
  const Json& scores = object["scores"];
  if (!scores.is_array()) throw std::runtime_error(place + ": `scores` must be a list, but is " + scores.type_name() + " instead.");
  if (scores.size() != label_uids.size()) {
    throw std::runtime_error(place + ": `labels` and `scores` must have the same length, but have " + std::to_string(label_uids.size()) + " and " +
                             std::to_string(scores.size()) + ".");
  }
  const auto document = static_cast<size_t>(documents.number(uid));
  if (document == entries.size()) entries.emplace_back();
  for (size_t i = 0; i < label_uids.size(); ++i) entries[document].push_back({labels.number(label_uids[i]), to_score(scores[i], i, place), line});
}

// Sorts the entries of each document, merges those that say the same, and refuses those that do not.
void RecordedOracle::Impl::finish(const std::filesystem::path& file) {
  for (size_t document = 0; document < entries.size(); ++document) {
    std::vector<Entry>& list = entries[document];
    std::stable_sort(list.begin(), list.end(), [](const Entry& a, const Entry& b) { return a.label < b.label; });
    const auto differs = [](const Entry& a, const Entry& b) { return a.label == b.label && !same_score(a.score, b.score); };
    const auto found = std::adjacent_find(list.begin(), list.end(), differs);
    if (found != list.end()) {
      const auto& [first, second] = std::pair(found[0], found[1]);
      throw std::runtime_error(file.string() + ":" + std::to_string(second.line) + ": document " + detail::quote(documents.uids()[document]) + ", label " +
                               detail::quote(labels.uids()[static_cast<size_t>(first.label)]) + " has another score than on line " +
                               std::to_string(first.line) + ".");
    }
    list.erase(std::unique(list.begin(), list.end(), [](const Entry& a, const Entry& b) { return a.label == b.label; }), list.end());
    size += static_cast<int64_t>(list.size());
  }
}

Verdict RecordedOracle::Impl::find(int64_t document, std::string_view label_uid) const {
  const int64_t label = labels.find(label_uid);
  if (document < 0 || label < 0) return Verdict::miss();
  const std::vector<Entry>& list = entries[static_cast<size_t>(document)];
  const auto found = std::lower_bound(list.begin(), list.end(), label, [](const Entry& entry, int64_t label) { return entry.label < label; });
  if (found == list.end() || found->label != label) return Verdict::miss();
  return std::isnan(found->score) ? Verdict::abstain() : Verdict::score(found->score);
}

RecordedOracle::RecordedOracle(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
RecordedOracle::~RecordedOracle() = default;

std::shared_ptr<RecordedOracle> RecordedOracle::open(const std::filesystem::path& file) {
  JsonLines lines(file);
  const Header header = read_header(lines, file);
  auto impl = std::make_unique<Impl>();
  impl->identity = header.identity;
  Json object;
  while (lines.next(object)) impl->add_line(object, lines.place(), lines.line_number());
  impl->finish(file);
  if (header.pairs >= 0 && header.pairs != impl->size) {
    throw std::runtime_error(file.string() + ": the recording should have " + std::to_string(header.pairs) + " pairs, as its first line says, but has " +
                             std::to_string(impl->size) + "; is it truncated?");
  }
  return std::shared_ptr<RecordedOracle>(new RecordedOracle(std::move(impl)));
}

std::string RecordedOracle::identity() const { return impl_->identity; }
TeacherTraits RecordedOracle::traits() const { return {.questions_per_call = 0}; }
int64_t RecordedOracle::size() const { return impl_->size; }
std::vector<std::string> RecordedOracle::documents() const { return impl_->documents.uids(); }

void RecordedOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  std::vector<Verdict> verdicts;
  for (const Question& question : questions) {
    if (answers.stop().stop_requested()) return;
    const int64_t document = impl_->documents.find(question.uid);
    verdicts.clear();
    for (const LabelToJudge& label : question.labels) verdicts.push_back(impl_->find(document, label.uid));
    answers.put(question, verdicts);
  }
}

}  // namespace lmtx

#include "lmtx/teacher/batch_index.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <tuple>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json_lines.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace fs = std::filesystem;

namespace {

constexpr size_t hex_digits = 2 * std::tuple_size_v<Digest>;
// Enough to say why a request failed.
constexpr size_t max_failure_bytes = 300;

// Lines with the place where each begins; LineReader, which reads gzip, too, has none.
class PlainLines {
 public:
  explicit PlainLines(const fs::path& file) : file_(file), stream_(file, std::ios::binary) {
    if (!stream_) fail(file_, "open", errno);
  }

  // False at the end. `line` has its '\r' still, and no '\n'.
  bool next(std::string& line) {
    offset_ = next_offset_;
    if (!std::getline(stream_, line)) {
      if (stream_.bad()) fail(file_, "read", EIO);
      return false;
    }
    ++number_;
    next_offset_ = offset_ + static_cast<int64_t>(line.size()) + 1;
    return true;
  }
  int64_t offset() const { return offset_; }
  int64_t number() const { return number_; }
  std::string place() const { return file_.string() + ":" + std::to_string(number_); }

 private:
  const fs::path file_;
  std::ifstream stream_;
  int64_t number_ = 0, offset_ = 0, next_offset_ = 0;
};

bool is_blank(std::string_view line) { return line.find_first_not_of(" \t\r") == std::string_view::npos; }

// Of a request as we write it; most of its line is never looked at.
std::optional<Digest> id_at_start(std::string_view line) {
  constexpr std::string_view start = "{\"custom_id\":\"";
  if (!line.starts_with(start) || line.size() <= start.size() + hex_digits || line[start.size() + hex_digits] != '"') return {};
  return batch_id(line.substr(start.size(), hex_digits));
}

// Of a request in anybody's words; unset where it is none of ours.
std::optional<Digest> id_of_request(std::string_view line, const std::string& place) {
  if (const auto id = id_at_start(line)) return id;
  const auto outermost = [](int depth, Json::parse_event_t, const Json&) { return depth <= 1; };
  return batch_id(json_string(parse_json(line, place, outermost), "custom_id", place));
}

// What a provider says about an error, in whatever form.
std::string describe_error(const Json& error) {
  const Json* said = &error;
  if (said->is_object() && said->contains("error") && !(*said)["error"].is_null()) said = &(*said)["error"];
  if (said->is_object() && said->contains("message") && (*said)["message"].is_string()) said = &(*said)["message"];
  return one_line(said->is_string() ? said->get<std::string>() : said->dump(-1, ' ', false, Json::error_handler_t::replace), max_failure_bytes);
}

int64_t status_of(const Json& response, const std::string& place) { return json_integer_or(response, "status_code", 200, place); }

BatchLine failed(std::optional<Digest> id, std::string failure) { return {.id = id, .body = {}, .failure = std::move(failure)}; }

const Digest& id_of(const Digest& id) { return id; }
const Digest& id_of(const BatchAnswer& answer) { return answer.id; }
const Digest& id_of(const std::pair<Digest, size_t>& entry) { return entry.first; }

// Those of a sorted list that have this name.
template <typename Item>
std::span<const Item> with_id(const std::vector<Item>& items, const Digest& id) {
  const auto begin = std::lower_bound(items.begin(), items.end(), id, [](const Item& item, const Digest& name) { return id_of(item) < name; });
  const auto end = std::find_if(begin, items.end(), [&](const Item& item) { return id_of(item) != id; });
  return {begin, end};
}

void sort_answers(std::vector<BatchAnswer>& answers) {
  const auto key = [](const BatchAnswer& answer) { return std::tie(answer.id, answer.file, answer.line); };
  std::sort(answers.begin(), answers.end(), [&](const BatchAnswer& a, const BatchAnswer& b) { return key(a) < key(b); });
}

}  // namespace

std::optional<Digest> batch_id(std::string_view custom_id) {
  if (custom_id.size() != hex_digits) return {};
  Digest id{};
  for (size_t i = 0; i < id.size(); ++i) {
    const char* digits = custom_id.data() + 2 * i;
    if (std::from_chars(digits, digits + 2, id[i], 16).ptr != digits + 2) return {};
  }
  return hex(id) == custom_id ? std::optional(id) : std::nullopt;
}

BatchLine parse_batch_line(std::string_view text, const std::string& place, bool with_body) {
  const auto surface = [](int depth, Json::parse_event_t, const Json&) { return depth <= 2; };
  Json line = parse_json(text, place, with_body ? Json::parser_callback_t() : Json::parser_callback_t(surface));
  if (!line.is_object())
    fail(place, "expected a line of answers, {\"custom_id\", \"response\", \"error\"}, but found " + std::string(line.type_name()) + " instead.");
  const auto id = batch_id(json_string(line, "custom_id", place));
  if (json_has(line, "error")) return failed(id, describe_error(line["error"]));
  if (!json_has(line, "response")) return failed(id, "no response");
  Json& response = line["response"];
  if (!response.is_object()) fail(place, "`response` must be an object, but is " + std::string(response.type_name()) + " instead.");
  const int64_t status = status_of(response, place);
  if (status != 200) return failed(id, "HTTP " + std::to_string(status) + (json_has(response, "body") ? ": " + describe_error(response["body"]) : ""));
  if (!json_has(response, "body")) return failed(id, "a response without a body");
  return {.id = id, .body = std::move(response["body"]), .failure = {}};
}

bool BatchRequest::waits() const {
  int64_t files = 0;
  for (size_t i = 0; i < answers.size(); ++i) files += i == 0 || answers[i].file != answers[i - 1].file;
  return exported > files;
}

BatchIndex::BatchIndex(fs::path folder) : folder_(std::move(folder)) {}

std::vector<BatchIndex::Stamp> BatchIndex::files_in(const fs::path& folder) {
  std::vector<Stamp> stamps;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->is_regular_file()) continue;
    const fs::path& file = entry->path();
    if (file.extension() == ".jsonl")
      stamps.push_back({file, entry->file_size(), entry->last_write_time()});
    else if (file.extension() == ".gz")
      fail(file.string(), "only files of plain JSON lines (.jsonl) are read here; unpack it, or import it.");
  }
  if (error && error != std::errc::no_such_file_or_directory) fail(folder, "read", error.value());
  std::sort(stamps.begin(), stamps.end(), [](const Stamp& a, const Stamp& b) { return a.file < b.file; });
  return stamps;
}

void BatchIndex::refresh() {
  const auto changed = [](std::vector<Stamp>& known, const fs::path& folder) {
    std::vector<Stamp> there = files_in(folder);
    if (there == known) return false;
    known = std::move(there);
    return true;
  };
  // What was not read to its end is read again next time.
  const auto read = [](std::vector<Stamp>& known, const auto& reader) {
    try {
      reader();
    } catch (...) {
      known.clear();
      throw;
    }
  };
  if (changed(request_files_, requests())) read(request_files_, [&] { read_requests(); });
  if (changed(list_files_, lists())) read(list_files_, [&] { read_lists(); });
  if (changed(answer_files_, answers())) read(answer_files_, [&] { read_answers(); });
}

void BatchIndex::read_requests() {
  exported_.clear();
  for (const Stamp& stamp : request_files_) {
    PlainLines lines(stamp.file);
    for (std::string line; lines.next(line);) {
      if (is_blank(line)) continue;
      if (const auto id = id_of_request(line, lines.place())) exported_.push_back(*id);
    }
  }
  std::sort(exported_.begin(), exported_.end());
}

void BatchIndex::read_lists() {
  lists_.clear();
  for (const Stamp& stamp : list_files_) {
    JsonLines lines(stamp.file);
    for (Json line; lines.next(line);) {
      const std::string place = lines.place();
      const auto to_id = [&](const std::string& text) {
        const auto id = batch_id(text);
        if (!id) fail(place, "expected the name of a request, of 32 hexadecimal digits, but found " + quote(text) + " instead.");
        return *id;
      };
      BatchList list{.id = to_id(json_string(line, "custom_id", place)), .pairs = {}};
      for (const std::string& pair : json_strings_or_none(line, "pairs", place)) list.pairs.push_back(to_id(pair));
      lists_.push_back(std::move(list));
    }
  }
  index_lists();
}

void BatchIndex::index_lists() {
  std::sort(lists_.begin(), lists_.end(), [](const BatchList& a, const BatchList& b) { return a.id < b.id; });
  lists_.erase(std::unique(lists_.begin(), lists_.end(), [](const BatchList& a, const BatchList& b) { return a.id == b.id; }), lists_.end());
  pairs_of_lists_.clear();
  for (size_t i = 0; i < lists_.size(); ++i) {
    for (const Digest& pair : lists_[i].pairs) pairs_of_lists_.emplace_back(pair, i);
  }
  std::sort(pairs_of_lists_.begin(), pairs_of_lists_.end());
}

void BatchIndex::read_answers() {
  answers_.clear();
  foreign_answers_ = 0;
  std::set<Digest> known_files;
  for (size_t i = 0; i < answer_files_.size(); ++i) add_answers_of(static_cast<uint32_t>(i), known_files);
  sort_answers(answers_);
}

// A file that was put there twice, under two names, counts once: what failed in it would be asked twice more.
void BatchIndex::add_answers_of(uint32_t file, std::set<Digest>& known_files) {
  const size_t before = answers_.size();
  const int64_t foreign_before = foreign_answers_;
  Hasher hasher;
  PlainLines lines(answer_files_[file].file);
  for (std::string line; lines.next(line);) {
    hasher.add(line);
    if (is_blank(line)) continue;
    const BatchLine parsed = parse_batch_line(line, lines.place(), /*with_body=*/false);
    if (!parsed.id)
      ++foreign_answers_;
    else
      answers_.push_back({.id = *parsed.id,
                          .file = file,
                          .failed = !parsed.failure.empty(),
                          .line = lines.number(),
                          .offset = lines.offset(),
                          .size = static_cast<int64_t>(line.size())});
  }
  if (known_files.insert(hasher.finish()).second) return;
  answers_.resize(before);
  foreign_answers_ = foreign_before;
}

BatchRequest BatchIndex::find(const Digest& id) const {
  return {.exported = static_cast<int64_t>(with_id(exported_, id).size()), .answers = with_id(answers_, id)};
}

std::vector<const BatchList*> BatchIndex::lists_with(const Digest& pair) const {
  std::vector<const BatchList*> found;
  for (const auto& [name, position] : with_id(pairs_of_lists_, pair)) found.push_back(&lists_[position]);
  return found;
}

BatchLine BatchIndex::read(const BatchAnswer& answer) const {
  const fs::path& file = answer_files_[answer.file].file;
  std::ifstream stream(file, std::ios::binary);
  std::string line(static_cast<size_t>(answer.size), '\0');
  if (!stream.seekg(answer.offset) || !stream.read(line.data(), answer.size)) fail(file.string(), "the file of answers was changed while it was read.");
  BatchLine parsed = parse_batch_line(line, place(answer));
  if (parsed.id != answer.id) fail(file.string(), "the file of answers was changed while it was read.");
  return parsed;
}

std::string BatchIndex::place(const BatchAnswer& answer) const { return answer_files_[answer.file].file.string() + ":" + std::to_string(answer.line); }

BatchStatus BatchIndex::status() const {
  BatchStatus status{
      .unknown = foreign_answers_, .request_files = static_cast<int64_t>(request_files_.size()), .answer_files = static_cast<int64_t>(answer_files_.size())};
  for (size_t i = 0; i < exported_.size(); ++i) {
    if (i > 0 && exported_[i] == exported_[i - 1]) continue;
    const BatchRequest request = find(exported_[i]);
    const bool answered = std::any_of(request.answers.begin(), request.answers.end(), [](const BatchAnswer& answer) { return !answer.failed; });
    ++status.requests;
    ++(answered ? status.answered : request.waits() ? status.open : status.failed);
  }
  for (const BatchAnswer& answer : answers_) status.unknown += !std::binary_search(exported_.begin(), exported_.end(), answer.id);
  return status;
}

std::string BatchIndex::file_name(int64_t number) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < 5 ? 5 - digits.size() : 0, '0') + digits + ".jsonl";
}

int64_t BatchIndex::next_number() const {
  int64_t newest = 0;
  for (const auto* files : {&request_files_, &list_files_}) {
    for (const Stamp& stamp : *files) {
      const std::string name = stamp.file.stem().string();
      int64_t number = 0;
      if (std::from_chars(name.data(), name.data() + name.size(), number).ptr == name.data() + name.size()) newest = std::max(newest, number);
    }
  }
  return newest + 1;
}

void BatchIndex::add_requests(int64_t number, std::span<const Digest> ids, std::span<const BatchList> lists) {
  const auto note = [&](std::vector<Stamp>& files, const fs::path& folder) {
    const fs::path file = folder / file_name(number);
    files.push_back({file, fs::file_size(file), fs::last_write_time(file)});
    std::sort(files.begin(), files.end(), [](const Stamp& a, const Stamp& b) { return a.file < b.file; });
  };
  const auto old_end = static_cast<std::ptrdiff_t>(exported_.size());
  exported_.insert(exported_.end(), ids.begin(), ids.end());
  std::sort(exported_.begin() + old_end, exported_.end());
  std::inplace_merge(exported_.begin(), exported_.begin() + old_end, exported_.end());
  note(request_files_, requests());
  if (lists.empty()) return;
  lists_.insert(lists_.end(), lists.begin(), lists.end());
  index_lists();
  note(list_files_, this->lists());
}

}  // namespace lmtx::detail

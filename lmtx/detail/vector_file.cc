#include "lmtx/detail/vector_file.h"

#include <stdexcept>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/sealed_json.h"

namespace lmtx::detail {

namespace fs = std::filesystem;

namespace {

constexpr int64_t newest_format = 1;

fs::path with_suffix(fs::path path, const char* suffix) { return path += suffix; }

// Version 1.0 of NumPy's format: mark, version, the length of what follows, and a dictionary of Python that is filled up with blanks to a multiple of 64 bytes.
std::string npy_header(const VectorFileShape& shape) {
  std::string text =
      "{'descr': '" + shape.descr + "', 'fortran_order': False, 'shape': (" + std::to_string(shape.rows) + ", " + std::to_string(shape.dim) + "), }";
  const std::string start("\x93NUMPY\x01\x00", 8);
  while ((start.size() + 2 + text.size() + 1) % 64 != 0) text += ' ';
  text += '\n';
  const auto size = static_cast<uint16_t>(text.size());
  return start + static_cast<char>(size & 0xff) + static_cast<char>(size >> 8) + text;
}

Json with_shape(Json content, const VectorFileShape& shape) {
  content["file_dtype"] = shape.descr;
  content["rows"] = shape.rows;
  content["dim"] = shape.dim;
  return content;
}

std::string shown(const Json& object, const std::string& name) {
  const auto value = object.find(name);
  return value == object.end() ? "not given" : one_line(value->dump(-1, ' ', /*ensure_ascii=*/false, Json::error_handler_t::replace), 100);
}

// One clause for each setting that differs.
std::string differences(const Json& there, const Json& given) {
  std::string clauses;
  const auto compare = [&](const std::string& name) {
    const std::string before = shown(there, name), now = shown(given, name);
    if (there.value(name, Json()) != given.value(name, Json()))
      clauses += (clauses.empty() ? "" : "; ") + quote(name) + " is " + before + " there, but " + now + " now";
  };
  for (const auto& item : given.items()) compare(item.key());
  for (const auto& item : there.items()) {
    if (!given.contains(item.key())) compare(item.key());
  }
  return clauses;
}

}  // namespace

// What FILE.partial.json says.
struct VectorFile::State {
  Json content;
  int64_t rows_done = 0;
  // FILE.partial is complete, and takes its name next.
  bool finished = false;
  std::string checksum_of_rows;
};

VectorFile::VectorFile(const fs::path& file, VectorFileShape shape, const Json& content, bool overwrite)
    : file_(follow_link(file)),
      partial_(with_suffix(file_, ".partial")),
      sidecar_(with_suffix(file_, ".partial.json")),
      shape_(std::move(shape)),
      content_(with_shape(content, shape_)),
      header_(npy_header(shape_)) {
  check_place(overwrite || fs::exists(sidecar_));
  lock_ = std::make_unique<FileLock>(partial_, "Another process is writing " + file_.string() + ".");
  std::optional<State> state = read_state();
  out_ = std::make_unique<GrowingFile>(partial_);
  // What is left where a process ended between the last two steps.
  if (state && state->finished && out_->size() == 0) {
    was_finished_ = fs::exists(file_) && differences(state->content, content_).empty();
    remove_tree(sidecar_);
    state.reset();
  }
  if (was_finished_) {
    rows_done_ = shape_.rows;
    remove_tree(partial_);
    return;
  }
  if (out_->size() == 0 && !state && fs::exists(file_) && !overwrite) remove_tree(partial_);
  check_place(overwrite);
  open(state);
}

void VectorFile::check_place(bool overwrite) const {
  const fs::path folder = fs::absolute(file_).parent_path();
  if (!file_.has_filename() || fs::is_directory(file_))
    throw std::invalid_argument("The vectors need the name of a file, but " + file_.string() + " is a folder.");
  if (!fs::is_directory(folder)) throw std::invalid_argument("The folder of " + file_.string() + " is not there.");
  if (const std::string fault = why_not_writable(folder); !fault.empty())
    throw std::invalid_argument("The folder of " + file_.string() + " cannot be written: " + fault + ".");
  if (!fs::exists(file_)) return;
  if (!fs::is_regular_file(file_)) throw std::invalid_argument(file_.string() + " is there already, and is no file that vectors could take the place of.");
  if (!overwrite) throw std::invalid_argument(file_.string() + " is there already; give another name, or `overwrite`.");
}

std::optional<VectorFile::State> VectorFile::read_state() const {
  if (!fs::exists(sidecar_)) return std::nullopt;
  const std::string place = sidecar_.string();
  const Json json = read_json(sidecar_);
  const int64_t format = json_integer(json, "format", place);
  if (format > newest_format)
    fail(place, "this file has format " + std::to_string(format) + ", but this LMTX reads formats up to " + std::to_string(newest_format) + ".");
  json_string(json, "checksum", place);
  check_seal(json, place);
  const auto content = json.find("content");
  if (content == json.end() || !content->is_object()) fail(place, "`content` must be an object.");
  State state{.content = *content,
              .rows_done = json_integer(json, "rows_done", place),
              .finished = json_boolean(json, "finished", place),
              .checksum_of_rows = json_string(json, "checksum_of_rows", place)};
  if (state.rows_done < 0) fail(place, "`rows_done` must not be negative, but is " + std::to_string(state.rows_done) + ".");
  return state;
}

void VectorFile::open(const std::optional<State>& state) {
  if (state) {
    check_same(*state);
    if (state->rows_done > 0)
      go_on(*state);
    else
      begin();
  } else {
    if (out_->size() > 0)
      throw std::runtime_error(partial_.string() + " is there, but not " + sidecar_.string() + ", which says what it holds; delete it to begin anew.");
    begin();
  }
}

void VectorFile::check_same(const State& state) const {
  const std::string clauses = one_line(differences(state.content, content_), 1000);
  if (!clauses.empty()) {
    throw std::invalid_argument(partial_.string() + " holds vectors that were begun otherwise: " + clauses + ". Give the same, or delete it and " +
                                sidecar_.string() + " to begin anew.");
  }
}

void VectorFile::begin() {
  written_ = std::make_unique<Hasher>();
  written_->add_raw(header_.data(), header_.size());
  write_state(/*finished=*/false);
  out_->resize(0);
  out_->reserve(end_of(shape_.rows), 0);
  out_->write_at(0, header_);
}

void VectorFile::go_on(const State& state) {
  const auto refuse = [&](const std::string& fault) {
    fail(partial_.string(), "damaged: " + fault + "; delete it and " + sidecar_.string() + " to begin anew.");
  };
  if (state.rows_done > shape_.rows)
    fail(sidecar_.string(), "`rows_done` is " + std::to_string(state.rows_done) + ", but there are only " + std::to_string(shape_.rows) + " rows.");
  const int64_t end = end_of(state.rows_done);
  if (out_->size() < end) refuse("it has " + std::to_string(out_->size()) + " bytes, but at least " + std::to_string(end) + " were written");
  written_ = std::make_unique<Hasher>();
  out_->hash(end, *written_);
  if (hex(Hasher(*written_).finish()) != state.checksum_of_rows) refuse("its rows are not those that were written");
  out_->reserve(end_of(shape_.rows), end);
  rows_done_ = state.rows_done;
}

void VectorFile::append(std::string_view rows) {
  out_->write_at(end_of(rows_done_), rows);
  written_->add_raw(rows.data(), rows.size());
  rows_done_ += static_cast<int64_t>(rows.size()) / shape_.row_bytes();
}

// The rows are on the disk before anything says so.
void VectorFile::write_state(bool finished) {
  if (rows_done_ > 0) out_->flush();
  Json json;
  json["format"] = newest_format;
  json["content"] = content_;
  json["rows_done"] = rows_done_;
  json["finished"] = finished;
  json["checksum_of_rows"] = hex(Hasher(*written_).finish());
  write_json(sidecar_, sealed(std::move(json)));
}

void VectorFile::finish() {
  if (rows_done_ != shape_.rows)
    throw std::logic_error("a file of " + std::to_string(shape_.rows) + " rows is finished with " + std::to_string(rows_done_) + ": a bug in LMTX");
  out_->flush();
  out_->resize(end_of(shape_.rows));
  write_state(/*finished=*/true);
  move_path(partial_, file_);
  remove_tree(sidecar_);
}

}  // namespace lmtx::detail

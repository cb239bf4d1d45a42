#include "lmtx/teacher/batch_requests.h"

#include <cstring>
#include <utility>

#include "lmtx/detail/files.h"

namespace lmtx::detail {

namespace {

std::string text_of(std::span<const BatchList> lists) {
  std::string text;
  for (const BatchList& list : lists) {
    Json pairs = Json::array();
    for (const Digest& pair : list.pairs) pairs.push_back(hex(pair));
    text += Json{{"custom_id", hex(list.id)}, {"pairs", std::move(pairs)}}.dump() + "\n";
  }
  return text;
}

}  // namespace

BatchIds::BatchIds(std::string_view identity, const Question& question) : question_(question) {
  document_.add("batch 1").add(identity).add(question.title).add(question.content);
}

Digest BatchIds::operator()(std::span<const size_t> labels) const {
  Hasher hasher(document_);
  for (const size_t i : labels) hasher.add(question_.labels[i].name).add(question_.labels[i].description);
  return hasher.finish();
}

size_t BatchRequests::HashDigest::operator()(const Digest& digest) const {
  size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

BatchRequests::BatchRequests(const ChatProtocol& protocol, std::span<const Question> questions, std::span<const BatchTask> tasks, std::stop_token stop)
    : protocol_(protocol), questions_(questions), tasks_(tasks), stop_(std::move(stop)) {}

void BatchRequests::write(BatchIndex& index, const BatchFileLimits& limits) {
  for (advance(); line_;) write_file(index, limits);
}

void BatchRequests::advance() {
  line_.reset();
  while (!stop_.stop_requested()) {
    if (num_taken_ < requests_.size()) {
      line_ = line_for(questions_[tasks_[next_task_ - 1].question], requests_[num_taken_++]);
      if (seen_.insert(line_->list.id).second) return;
      line_.reset();
    } else {
      if (next_task_ == tasks_.size()) return;
      const BatchTask& task = tasks_[next_task_++];
      requests_ = protocol_.requests(questions_[task.question], task.labels);
      num_taken_ = 0;
    }
  }
}

BatchRequests::Line BatchRequests::line_for(const Question& question, const ChatRequest& request) const {
  const BatchIds id_of(protocol_.identity(), question);
  Line line{.list = {.id = id_of(request.labels), .pairs = {}}, .text = {}};
  for (const size_t label : request.labels) line.list.pairs.push_back(id_of(label));
  line.text = "{\"custom_id\":\"" + hex(line.list.id) + "\",\"method\":\"POST\",\"url\":\"/v1" + std::string(protocol_.endpoint()) +
              "\",\"body\":" + request.body + "}\n";
  return line;
}

// The lists first: a request whose labels nobody knows could not be read.
void BatchRequests::write_file(BatchIndex& index, const BatchFileLimits& limits) {
  const int64_t number = index.next_number();
  const std::string name = BatchIndex::file_name(number);
  Written written;
  write_file_atomically(index.requests() / name, [&](const AppendBytes& append) {
    written = write_lines(limits, append);
    if (written.lists.empty()) return;
    make_folder(index.lists());
    write_file_atomically(index.lists() / name, text_of(written.lists));
  });
  index.add_requests(number, written.ids, written.lists);
}

BatchRequests::Written BatchRequests::write_lines(const BatchFileLimits& limits, const std::function<void(std::string_view)>& append) {
  Written written;
  int64_t bytes = 0;
  do {
    append(line_->text);
    bytes += static_cast<int64_t>(line_->text.size());
    written.ids.push_back(line_->list.id);
    if (line_->list.pairs.size() > 1) written.lists.push_back(std::move(line_->list));
    advance();
  } while (line_ && static_cast<int64_t>(written.ids.size()) < limits.requests && bytes + static_cast<int64_t>(line_->text.size()) <= limits.bytes);
  return written;
}

}  // namespace lmtx::detail

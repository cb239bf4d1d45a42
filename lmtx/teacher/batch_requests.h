// Writes requests into files of a batch. Internal.
#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "lmtx/detail/digest.h"
#include "lmtx/teacher/batch_index.h"
#include "lmtx/teacher/chat_protocol.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx::detail {

// Names requests about a document. What they have in common is hashed once.
class BatchIds {
 public:
  BatchIds(std::string_view identity, const Question& question);
  // Of a request about these labels, in this order.
  Digest operator()(std::span<const size_t> labels) const;
  Digest operator()(size_t label) const { return (*this)(std::span(&label, 1)); }

 private:
  const Question& question_;
  Hasher document_;
};

// Labels of a question that are to be asked about.
struct BatchTask {
  // Among the questions of a call.
  size_t question;
  std::vector<size_t> labels;
};

struct BatchFileLimits {
  int64_t requests, bytes;
};

// The requests for tasks, made one by one as they are written.
class BatchRequests {
 public:
  BatchRequests(const ChatProtocol& protocol, std::span<const Question> questions, std::span<const BatchTask> tasks, std::stop_token stop);

  // Writes them into as many files of `index` as it takes.
  void write(BatchIndex& index, const BatchFileLimits& limits);

 private:
  struct Line {
    BatchList list;
    std::string text;
  };
  // What becomes part of a file with its lines.
  struct Written {
    std::vector<Digest> ids;
    std::vector<BatchList> lists;
  };

  // Goes to the next line; `line_` is empty where there is none.
  void advance();
  void write_file(BatchIndex& index, const BatchFileLimits& limits);
  Written write_lines(const BatchFileLimits& limits, const std::function<void(std::string_view)>& append);
  Line line_for(const Question& question, const ChatRequest& request) const;

  struct HashDigest {
    size_t operator()(const Digest& digest) const;
  };

  const ChatProtocol& protocol_;
  const std::span<const Question> questions_;
  const std::span<const BatchTask> tasks_;
  const std::stop_token stop_;
  size_t next_task_ = 0;
  // Of the current task, and how many of them were taken.
  std::vector<ChatRequest> requests_;
  size_t num_taken_ = 0;
  std::optional<Line> line_;
  // A call may have the same texts twice.
  std::unordered_set<Digest, HashDigest> seen_;
};

}  // namespace lmtx::detail

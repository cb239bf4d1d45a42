// Binary files of a work folder: as they are, and in a frame that fits what was changed in them.
#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include "fuzz.h"
#include "lmtx/detail/framed_file.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asking_streams.h"
#include "lmtx/train/proposals.h"
#include "lmtx/train/record_log.h"
#include "lmtx/train/shortlister.h"
#include "lmtx/train/text_file.h"
#include "lmtx/train/token_file.h"
#include "lmtx/train/twins.h"
#include "lmtx/train/unsupervised/label_pairs.h"

using namespace lmtx;
using namespace lmtx::fuzz;

namespace {

void use(const fs::path& file) {
  expect_one_line(file, [&] {
    const TokenFile tokens = TokenFile::open(file);
    int64_t sum = 0;
    for (int64_t i = 0; i < tokens.size(); ++i) {
      for (const int32_t id : tokens[i]) sum += id;
    }
    if (sum == INT64_MIN) report("impossible");
  });
  expect_one_line(file, [&] {
    const AskedPairs asked = AskedPairs::load(file);
    for (int64_t i = 0; i < asked.num_documents(); ++i) {
      if (asked.of(i).empty()) report("a document without pairs");
    }
    summarize(asked, 0.5);
  });
  expect_one_line(file, [&] {
    const Shortlists lists = Shortlists::load(file);
    for (size_t i = 0; i < lists.documents.size(); ++i) {
      if (lists[static_cast<int64_t>(i)][0] < 0) report("a negative label");
    }
  });
  expect_one_line(file, [&] {
    for (const AskingStream stream : load_streams(file)) {
      if (stream > AskingStream::random) report("an unknown stream");
    }
  });
  expect_one_line(file, [&] {
    const Proposals proposals = Proposals::load(file);
    for (int64_t i = 0; i < proposals.size(); ++i) {
      for (const int32_t label : proposals.labels_of(i)) {
        if (label < 0) report("a negative label");
      }
    }
  });
  expect_one_line(file, [&] {
    const Twins twins = Twins::load(file);
    for (int64_t i = 0; i < 30; ++i) {
      if (twins.first(i) > i) report("a twin after itself");
    }
  });
  expect_one_line(file, [&] {
    const TextFile texts = TextFile::open(file);
    int64_t sum = 0;
    for (int64_t i = 0; i < texts.size(); ++i) {
      for (const char c : texts[i]) sum += c;
    }
    if (sum == INT64_MIN) report("impossible");
  });
  expect_one_line(file, [&] {
    const LabelPairs pairs = LabelPairs::load(file);
    if (pairs.documents.size() != pairs.labels.size()) report("a document without a label");
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Scratch scratch;
  const std::string_view bytes = text_of(data, size);
  const fs::path file = scratch / "result";
  write(file, bytes);
  use(file);
  constexpr size_t head = 16, tail = 24;
  if (size >= head + tail) {
    for (const char* mark : {"LMTXTOKN", "LMTXASKD", "LMTXLIST", "LMTXPROP", "LMTXSTRM", "LMTXTWIN", "LMTXTEXT", "LMTXPAIR"}) {
      if (bytes.substr(0, 8) != mark) continue;
      detail::write_framed_file(file, {mark, 1, "file"}, [&](const detail::AppendBytes& append) { append(bytes.substr(head, size - head - tail)); });
      use(file);
    }
  }
  const fs::path log = scratch / "result.log";
  write(log, bytes);
  expect_one_line(log, [&] { RecordLog(log).append("one more"); });
  expect_one_line(log, [&] {
    const auto records = RecordLog(log).take_records();
    if (records.empty() || records.back() != "one more") report("a record is gone");
  });
  return 0;
}

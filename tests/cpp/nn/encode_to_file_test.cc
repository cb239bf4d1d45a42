#include "lmtx/encode_to_file.h"

#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"

using namespace lmtx;
using namespace lmtx::test;
using detail::Json;

namespace {

namespace fs = std::filesystem;

// Words of the alphabet that the models of tests/data know, of 0 to 7 letters; every fifth document is one that was there before.
std::vector<Document> some_documents(int64_t count) {
  std::vector<Document> documents;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t n = i % 5 == 4 ? i / 2 : i;
    std::string content;
    for (int64_t k = 0; k < n % 8; ++k) content += std::string(1, static_cast<char>('a' + (n * 7 + k * k) % 6)) + " ";
    documents.push_back({.uid = std::to_string(i), .title = n % 3 == 0 ? "bad cab" : "", .content = content});
  }
  return documents;
}

LabelSet labels_named(const std::vector<std::string>& names) {
  std::vector<Label> labels;
  for (const std::string& name : names) labels.push_back({.uid = "uid of " + name, .name = name, .description = "bad", .other_names = {}, .broader = {}});
  return LabelSet(labels);
}

Corpus some_corpus(int64_t count = 60) { return Corpus::from_documents(some_documents(count)); }

// Windows of eight texts, each secured.
EncodeToFileOptions small() { return {.encode = {.token_budget = 8}, .window_tokens = 128, .checkpoint_seconds = 0}; }

// What lies in a file of ours, read by hand.
struct Array {
  std::string header;
  at::Tensor rows;
};

Array read_array(const fs::path& file, at::ScalarType type, int64_t dim) {
  const std::string bytes = detail::read_file(file);
  REQUIRE(bytes.substr(0, 8) == std::string("\x93NUMPY\x01\x00", 8));
  const size_t size = static_cast<uint8_t>(bytes[8]) + 256 * static_cast<uint8_t>(bytes[9]);
  REQUIRE((10 + size) % 64 == 0);
  std::string rows = bytes.substr(10 + size);
  const auto width = static_cast<int64_t>(at::elementSize(type));
  REQUIRE(static_cast<int64_t>(rows.size()) % (dim * width) == 0);
  const int64_t count = static_cast<int64_t>(rows.size()) / (dim * width);
  return {bytes.substr(10, size), at::from_blob(rows.data(), {count, dim}, at::TensorOptions().dtype(type)).clone()};
}

at::Tensor encode_alone(const Encoder& encoder, const Corpus& corpus, const EncodeOptions& options = {}) {
  std::vector<std::string> texts;
  const auto reader = corpus.read();
  for (Document document; reader->next(document);) texts.push_back(document_text(document));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  return encoder.encode(views, options);
}

class SomeThreads {
 public:
  explicit SomeThreads(int threads) { at::set_num_threads(threads); }
  ~SomeThreads() { at::set_num_threads(before_); }
  SomeThreads(const SomeThreads&) = delete;
  SomeThreads& operator=(const SomeThreads&) = delete;

 private:
  const int before_ = at::get_num_threads();
};

std::string partial(const fs::path& file) { return file.string() + ".partial"; }
std::string sidecar(const fs::path& file) { return file.string() + ".partial.json"; }

// Ends when that many documents are done; false where there are fewer.
bool stop_after(int64_t done, const Encoder& encoder, const Corpus& corpus, const fs::path& file, const EncodeToFileOptions& options = small()) {
  std::stop_source stop;
  try {
    encode_to_file(
        encoder, corpus, file, options,
        [&](const Event& event) {
          if (event.done >= done) stop.request_stop();
        },
        stop.get_token());
  } catch (const Stopped&) {
    return true;
  }
  return false;
}

size_t files_in(const fs::path& folder) { return static_cast<size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator())); }

}  // namespace

TEST_CASE("a file of vectors holds those of encode, in NumPy's format") {
  const SomeThreads threads(GENERATE(1, 2));
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus();
  const TemporaryFolder folder;
  encode_to_file(encoder, corpus, folder.path / "vectors.npy", small());
  const Array array = read_array(folder.path / "vectors.npy", at::kFloat, 32);
  CHECK(array.header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (60, 32), }  "));
  CHECK(array.header.back() == '\n');
  CHECK(largest_difference(array.rows, encode_alone(encoder, corpus)) < 1e-6);
  CHECK(files_in(folder.path) == 1);

  EncodeToFileOptions half = small();
  half.file_dtype = VectorDtype::float16;
  encode_to_file(encoder, corpus, folder.path / "half.npy", half);
  const Array rounded = read_array(folder.path / "half.npy", at::kHalf, 32);
  CHECK(rounded.header.starts_with("{'descr': '<f2'"));
  CHECK(rounded.rows.equal(array.rows.to(at::kHalf)));
}

TEST_CASE("a file of vectors is made with the options of encode") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus(20);
  const TemporaryFolder folder;
  EncodeToFileOptions options = small();
  options.encode = {.max_length = 7, .prompt = "fed ", .normalize = false, .token_budget = 8};
  encode_to_file(encoder, corpus, folder.path / "vectors.npy", options);
  CHECK(largest_difference(read_array(folder.path / "vectors.npy", at::kFloat, 32).rows, encode_alone(encoder, corpus, options.encode)) < 1e-6);
  options.encode.max_length = 17;
  CHECK_THROWS_WITH(encode_to_file(encoder, corpus, folder.path / "others.npy", options),
                    ContainsSubstring("`max_length` must be from 2, the special tokens, to 16"));
  CHECK(files_in(folder.path) == 1);
}

TEST_CASE("names of labels become a file of vectors") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const TemporaryFolder folder;
  const LabelSet labels = labels_named({"a cab", "fed"});
  encode_to_file(encoder, labels, folder.path / "labels.npy");
  const std::vector<std::string_view> names = {"a cab", "fed"};
  CHECK(largest_difference(read_array(folder.path / "labels.npy", at::kFloat, 32).rows, encoder.encode(names)) < 1e-6);
  encode_to_file(encoder, LabelSet(), folder.path / "none.npy");
  CHECK(read_array(folder.path / "none.npy", at::kFloat, 32).rows.size(0) == 0);
}

TEST_CASE("a file of vectors that was stopped anywhere goes on to the same bytes") {
  const SomeThreads threads(GENERATE(1, 2));
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus();
  const TemporaryFolder folder;
  encode_to_file(encoder, corpus, folder.path / "whole.npy", small());
  const std::string whole = detail::read_file(folder.path / "whole.npy");
  for (int64_t done = 0; done <= 60; done += 5) {
    INFO(done);
    const fs::path file = folder.path / ("stopped-" + std::to_string(done) + ".npy");
    EncodeToFileOptions options = small();
    options.checkpoint_seconds = done % 2 == 0 ? 0 : 3600;  // A stop secures what is there.
    if (stop_after(done, encoder, corpus, file, options)) {
      CHECK_FALSE(fs::exists(file));
      const int64_t rows = detail::read_json(sidecar(file))["rows_done"].get<int64_t>();
      CHECK(rows >= done - 8);
      std::vector<std::string> notices;
      encode_to_file(encoder, corpus, file, options, [&](const Event& event) {
        if (event.kind == Event::Kind::notice) notices.push_back(event.message);
      });
      const std::string notice = partial(file) + " has " + std::to_string(rows) + " of 60 vectors; going on from there.";
      CHECK(notices == (rows > 0 ? std::vector<std::string>{notice} : std::vector<std::string>{}));
    }
    CHECK(detail::read_file(file) == whole);
  }
  CHECK(files_in(folder.path) == 14);
}

TEST_CASE("what an event handler or a corpus throws comes through, and what was computed is kept") {
  const SomeThreads threads(GENERATE(1, 2));
  const Encoder encoder = Encoder::load(models() / "bert");
  const TemporaryFolder folder;
  const fs::path file = folder.path / "vectors.npy";
  std::ofstream lines(folder.path / "documents.jsonl");
  for (const Document& document : some_documents(60))
    lines << Json{{"uid", document.uid}, {"title", document.title}, {"content", document.content}}.dump() << "\n";
  lines.close();
  const Corpus corpus = Corpus::open(folder.path / "documents.jsonl");
  const auto throws = [](const Event& event) {
    if (event.done > 20) throw std::domain_error("enough");
  };
  CHECK_THROWS_AS(encode_to_file(encoder, corpus, file, small(), throws), std::domain_error);
  CHECK(detail::read_json(sidecar(file))["rows_done"] == 16);

  const std::string whole = detail::read_file(folder.path / "documents.jsonl");
  std::ofstream(folder.path / "documents.jsonl") << whole.substr(0, whole.size() / 2);
  CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, small()), ContainsSubstring("documents.jsonl"));
  CHECK(detail::read_json(sidecar(file))["rows_done"] == 16);
  std::ofstream(folder.path / "documents.jsonl") << whole;
  encode_to_file(encoder, corpus, file, small());
  CHECK(largest_difference(read_array(file, at::kFloat, 32).rows, encode_alone(encoder, corpus)) < 1e-6);
}

TEST_CASE("a file that is there is replaced only on request, and only when all is done") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus();
  const TemporaryFolder folder;
  const fs::path file = folder.path / "vectors.npy";
  std::ofstream(file) << "older";
  CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, small()), file.string() + " is there already; give another name, or `overwrite`.");
  CHECK(files_in(folder.path) == 1);
  EncodeToFileOptions options = small();
  options.overwrite = true;
  REQUIRE(stop_after(20, encoder, corpus, file, options));
  CHECK(detail::read_file(file) == "older");
  CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, small()), ContainsSubstring("is there already"));
  encode_to_file(encoder, corpus, file, options);
  CHECK(read_array(file, at::kFloat, 32).rows.size(0) == 60);
  CHECK(files_in(folder.path) == 1);
}

TEST_CASE("places where no file can be are refused") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(encode_to_file(encoder, some_corpus(), folder.path / "no" / "vectors.npy"),
                    "The folder of " + (folder.path / "no" / "vectors.npy").string() + " is not there.");
  CHECK_THROWS_WITH(encode_to_file(encoder, some_corpus(), folder.path), ContainsSubstring("is a folder."));
  EncodeToFileOptions options = small();
  options.overwrite = true;
  CHECK_THROWS_WITH(encode_to_file(encoder, some_corpus(), "/dev/null", options), ContainsSubstring("/dev/null is there already, and is no file"));
  CHECK(files_in(folder.path) == 0);
  fs::create_symlink(folder.path / "elsewhere.npy", folder.path / "link.npy");
  encode_to_file(encoder, some_corpus(), folder.path / "link.npy");
  CHECK(fs::is_symlink(folder.path / "link.npy"));
  CHECK(fs::is_regular_file(folder.path / "elsewhere.npy"));
}

TEST_CASE("vectors that were begun otherwise are left alone, and the difference is named") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus();
  const TemporaryFolder folder;
  const fs::path file = folder.path / "vectors.npy";
  REQUIRE(stop_after(20, encoder, corpus, file));
  const std::string rows = detail::read_file(partial(file)), state = detail::read_file(sidecar(file));
  const auto check_refused = [&](const Encoder& encoder, const Corpus& corpus, const std::function<void(EncodeToFileOptions&)>& change,
                                 const std::string& difference) {
    EncodeToFileOptions options = small();
    change(options);
    CHECK_THROWS_AS(encode_to_file(encoder, corpus, file, options), std::invalid_argument);
    CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, options),
                      ContainsSubstring(partial(file) + " holds vectors that were begun otherwise: " + difference));
    CHECK(detail::read_file(partial(file)) == rows);
    CHECK(detail::read_file(sidecar(file)) == state);
  };
  const auto same = [](EncodeToFileOptions&) {};
  const auto changed = [&](const std::function<void(EncodeToFileOptions&)>& change, const std::string& difference) {
    check_refused(encoder, corpus, change, difference);
  };
  changed([](auto& options) { options.encode.max_length = 7; },
          "`max_length` is 14 there, but 7 now. Give the same, or delete it and " + sidecar(file) + " to begin anew.");
  changed([](auto& options) { options.encode.prompt = "d "; }, "`prompt` is \"\" there, but \"d \" now");
  changed([](auto& options) { options.encode.normalize = false; }, "`normalize` is true there, but false now");
  changed([](auto& options) { options.encode.token_budget = 9; }, "`token_budget` is 8 there, but 9 now");
  changed([](auto& options) { options.window_tokens = 256; }, "`window_tokens` is 128 there, but 256 now");
  changed([](auto& options) { options.file_dtype = VectorDtype::float16; }, "`file_dtype` is \"<f4\" there, but \"<f2\" now");
  check_refused(encoder, some_corpus(50), same,
                "`documents` is \"" + corpus.fingerprint() + "\" there, but \"" + some_corpus(50).fingerprint() + "\" now; `rows` is 60 there, but 50 now");
  const Encoder other = Encoder::load(models() / "distilbert");
  check_refused(other, corpus, same, "`encoder` is \"" + encoder.fingerprint() + "\" there, but \"" + other.fingerprint());
  const LabelSet labels = labels_named({"a cab"});
  CHECK_THROWS_WITH(encode_to_file(encoder, labels, file, small()), ContainsSubstring("`labels` is not given there, but \"" + labels.fingerprint() + "\" now"));
}

TEST_CASE("a damaged file in the making is refused, and left alone") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Corpus corpus = some_corpus();
  const TemporaryFolder folder;
  const fs::path file = folder.path / "vectors.npy";
  REQUIRE(stop_after(20, encoder, corpus, file));
  const std::string rows = detail::read_file(partial(file)), state = detail::read_file(sidecar(file));
  const auto check_refused = [&](const std::string& changed_rows, const std::string& changed_state, const std::string& message) {
    detail::write_file_atomically(partial(file), changed_rows);
    detail::write_file_atomically(sidecar(file), changed_state);
    CHECK_THROWS_AS(encode_to_file(encoder, corpus, file, small()), std::runtime_error);
    CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, small()), ContainsSubstring(message));
    CHECK(detail::read_file(partial(file)) == changed_rows);
    CHECK(detail::read_file(sidecar(file)) == changed_state);
  };
  std::string flipped = rows;
  flipped[200] ^= 1;
  check_refused(flipped, state, partial(file) + ": damaged: its rows are not those that were written; delete it and " + sidecar(file) + " to begin anew.");
  check_refused(rows.substr(0, 300), state, partial(file) + ": damaged: it has 300 bytes, but at least ");
  Json other = detail::parse_json(state, "state");
  other["rows_done"] = 8;
  check_refused(rows, other.dump(), sidecar(file) + ": damaged: its checksum does not fit its contents.");
  check_refused(rows, detail::sealed(other).dump(), partial(file) + ": damaged: its rows are not those that were written");
  check_refused(rows, state.substr(0, state.size() / 2), sidecar(file));
  Json newer = detail::parse_json(state, "state");
  newer["format"] = 2;
  check_refused(rows, detail::sealed(newer).dump(), sidecar(file) + ": this file has format 2, but this LMTX reads formats up to 1.");
  fs::remove(sidecar(file));
  CHECK_THROWS_WITH(encode_to_file(encoder, corpus, file, small()),
                    partial(file) + " is there, but not " + sidecar(file) + ", which says what it holds; delete it to begin anew.");
  detail::write_file_atomically(sidecar(file), state);
  detail::write_file_atomically(partial(file), rows);
  encode_to_file(encoder, corpus, file, small());
  CHECK(read_array(file, at::kFloat, 32).rows.size(0) == 60);
}

TEST_CASE("a file that another is writing is refused") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const TemporaryFolder folder;
  const fs::path file = folder.path / "vectors.npy";
  std::string message;
  encode_to_file(encoder, some_corpus(), file, small(), [&](const Event& event) {
    if (event.done != 16) return;
    try {
      encode_to_file(encoder, some_corpus(), file, small());
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
  });
  CHECK(message == "Another process is writing " + file.string() + ".");
  CHECK(read_array(file, at::kFloat, 32).rows.size(0) == 60);
}

TEST_CASE("wrong options of a file of vectors are refused by name") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const TemporaryFolder folder;
  const auto check_refused = [&](const std::function<void(EncodeToFileOptions&)>& change, const std::string& message) {
    EncodeToFileOptions options = small();
    change(options);
    CHECK_THROWS_WITH(encode_to_file(encoder, some_corpus(), folder.path / "vectors.npy", options), ContainsSubstring(message));
  };
  check_refused([](auto& options) { options.window_tokens = 0; }, "`window_tokens` must be at least 1, but is 0 instead.");
  check_refused([](auto& options) { options.checkpoint_seconds = -1; }, "`checkpoint_seconds` must not be negative");
  check_refused([](auto& options) { options.checkpoint_seconds = std::numeric_limits<double>::quiet_NaN(); }, "`checkpoint_seconds` must not be negative");
  check_refused([](auto& options) { options.encode.prompt = "\xff"; }, "`prompt` must be UTF-8, but is `?` instead.");
  check_refused([](auto& options) { options.encode.token_budget = -1; }, "`token_budget` must be at least 1");
  CHECK(files_in(folder.path) == 0);
}

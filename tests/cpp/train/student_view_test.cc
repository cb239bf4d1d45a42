#include "lmtx/train/student_view.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>

#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/corpus/corpus.h"
#include "lmtx/detail/files.h"
#include "lmtx/stopped.h"
#include "student_fixtures.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// A model, tokens of some documents and labels, and a folder for views.
class Desk {
 public:
  Desk() : folder_("student-view") {
    at::set_num_threads(1);
    make_tiny_model(folder_ / "model");
    encoder_.emplace(Encoder::load(folder_ / "model"));
    TokenFile::write(folder_ / "documents", Corpus::from_documents(topic_documents(40)), encoder_->tokenizer(), 16, "", {}, {});
    TokenFile::write(folder_ / "labels", topic_labels(), encoder_->tokenizer(), 15, "");
    documents_.emplace(TokenFile::open(folder_ / "documents"));
    labels_.emplace(TokenFile::open(folder_ / "labels"));
    for (int64_t i = 0; i < 40; ++i) (i % 5 == 2 ? held_out_ : training_).push_back(i);
  }

  const Encoder& encoder() const { return *encoder_; }
  ViewTexts texts() const { return {*documents_, *labels_, training_, held_out_}; }
  const std::vector<int64_t>& training() const { return training_; }
  const std::vector<int64_t>& held_out() const { return held_out_; }
  fs::path view() const { return folder_ / "view"; }
  void write(std::stop_token stop = {}) const { write_view(view(), encoder(), texts(), {.search_length = 16, .suffix_size = 1}, {}, std::move(stop)); }
  StudentView open() const { return open_view(view(), texts(), 32); }

 private:
  Folder folder_;
  std::optional<Encoder> encoder_;
  std::optional<TokenFile> documents_, labels_;
  std::vector<int64_t> training_, held_out_;
};

// What the encoder makes of one text.
at::Tensor vector_of(const Encoder& encoder, const std::string& text) {
  EncodeOptions options;
  options.normalize = true;
  const std::vector<std::string_view> texts{text};
  return encoder.encode(texts, options)[0];
}

}  // namespace

TEST_CASE("a view has the encoder's vector of every text, at its place") {
  const Desk desk;
  CHECK_FALSE(is_view(desk.view()));
  desk.write();
  REQUIRE(is_view(desk.view()));
  const StudentView view = desk.open();
  REQUIRE(view.training.sizes() == at::IntArrayRef({32, 32}));
  REQUIRE(view.held_out.sizes() == at::IntArrayRef({8, 32}));
  const auto documents = topic_documents(40);
  for (size_t i = 0; i < desk.training().size(); ++i) {
    CHECK(largest_difference(view.training[static_cast<int64_t>(i)],
                             vector_of(desk.encoder(), document_text(documents[static_cast<size_t>(desk.training()[i])]))) < 1e-5);
  }
  for (size_t i = 0; i < desk.held_out().size(); ++i) {
    CHECK(largest_difference(view.held_out[static_cast<int64_t>(i)],
                             vector_of(desk.encoder(), document_text(documents[static_cast<size_t>(desk.held_out()[i])]))) < 1e-5);
  }
  for (int64_t i = 0; i < num_topics; ++i) CHECK(largest_difference(view.labels[i], vector_of(desk.encoder(), label_word(i))) < 1e-5);
}

TEST_CASE("a view is written once, and names no file that was left beside it") {
  const Desk desk;
  fs::create_directories(desk.view());
  detail::write_file_atomically(desk.view() / "view.json.writing", "half");
  desk.write();
  CHECK(detail::read_json(desk.view() / "view.json")["files"].size() == 3);
  const auto before = contents(desk.view());
  desk.write();
  CHECK((contents(desk.view()) == before));
}

TEST_CASE("a view whose writing was stopped is gone on with, to the same bytes") {
  const Desk desk, whole;
  std::stop_source source;
  source.request_stop();
  CHECK_THROWS_AS(desk.write(source.get_token()), Stopped);
  CHECK_FALSE(is_view(desk.view()));
  desk.write();
  whole.write();
  CHECK((contents(desk.view()) == contents(whole.view())));
}

TEST_CASE("a view that is damaged, or of other texts, is refused with the file's name") {
  const Desk desk;
  desk.write();
  const fs::path file = desk.view() / "training.npy";
  const std::string bytes = detail::read_file(file);
  std::string flipped = bytes;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  detail::write_file_atomically(file, flipped);
  CHECK_THROWS_WITH(desk.open(), ContainsSubstring("training.npy"));
  fs::remove(file);
  CHECK_THROWS_WITH(desk.open(), ContainsSubstring("training.npy"));
  detail::write_file_atomically(file, bytes);
  CHECK_NOTHROW(desk.open());
  CHECK_THROWS_WITH(open_view(desk.view(), desk.texts(), 31), ContainsSubstring("training.npy") && ContainsSubstring("must have 32 rows of 31 numbers"));
}

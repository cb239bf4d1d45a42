#include "lmtx/train/token_file.h"

#include <string>

#include "catch.h"
#include "lmtx/detail/files.h"
#include "lmtx/stopped.h"
#include "temporary_folder.h"

using namespace lmtx;

namespace {

// Words w0 to w39 have the ids 5 to 44.
Tokenizer word_tokenizer(const TemporaryFolder& folder) {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (int i = 0; i < 40; ++i) vocabulary += "w" + std::to_string(i) + "\n";
  folder.write("vocab.txt", vocabulary);
  return Tokenizer::load(folder.path());
}

Corpus words_corpus(int64_t n) {
  std::vector<Document> documents;
  for (int64_t i = 0; i < n; ++i) {
    std::string content;
    for (int64_t j = 0; j < i % 7; ++j) content += " w" + std::to_string((i + j) % 40);
    documents.push_back({"d" + std::to_string(i), i % 3 == 0 ? "w1 w2" : "", content});
  }
  return Corpus::from_documents(std::move(documents));
}

std::vector<int32_t> sequence(const TokenFile& file, int64_t i) { return {file[i].begin(), file[i].end()}; }

}  // namespace

TEST_CASE("a token file holds what the tokenizer makes of each document") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  const int64_t n = GENERATE(1, 2, 9000);  // more than a block, too
  const Corpus documents = words_corpus(n);
  TokenFile::write(folder / "documents.tokens", documents, tokenizer, 6);
  const TokenFile file = TokenFile::open(folder / "documents.tokens");
  REQUIRE(file.size() == n);
  CHECK(file.max_length() == 6);
  const auto reader = documents.read();
  int64_t wrong = 0;
  Document document;
  for (int64_t i = 0; reader->next(document); ++i) {
    const std::string text = document_text(document);
    const std::vector<std::string_view> one = {text};
    wrong += sequence(file, i) != tokenizer.encode(one, 6).ids;
  }
  CHECK(wrong == 0);
}

TEST_CASE("a token file counts the texts that had more tokens than it keeps") {
  const TemporaryFolder folder;
  const auto count = [&](int64_t max_length) {
    TokenFile::write(folder / "labels.tokens", LabelSet({{"a", "w3 w4", "", {}, {}}, {"b", "w5 w6 w7", "", {}, {}}, {"c", "w8 w9 w10 w11", "", {}, {}}}),
                     word_tokenizer(folder), max_length);
    return TokenFile::open(folder / "labels.tokens").num_cut();
  };
  CHECK(count(6) == 0);
  CHECK(count(5) == 1);
  CHECK(count(4) == 2);
}

TEST_CASE("a token file of labels holds their names") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  TokenFile::write(folder / "labels.tokens", LabelSet({{"a", "w3 w4", "w9", {}, {}}, {"b", "w5", "", {}, {}}}), tokenizer, 8);
  const TokenFile file = TokenFile::open(folder / "labels.tokens");
  REQUIRE(file.size() == 2);
  CHECK(sequence(file, 0) == std::vector<int32_t>{2, 8, 9, 3});
  CHECK(sequence(file, 1) == std::vector<int32_t>{2, 10, 3});
}

TEST_CASE("a prompt comes before every document and label, and counts as tokens") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  TokenFile::write(folder / "labels.tokens", LabelSet({{"a", "w3 w4 w5", "", {}, {}}}), tokenizer, 6, "w7 w8 ");
  CHECK(sequence(TokenFile::open(folder / "labels.tokens"), 0) == std::vector<int32_t>{2, 12, 13, 8, 9, 3});
  TokenFile::write(folder / "documents.tokens", Corpus::from_documents({{"a", "w3", "w4"}, {"b", "", ""}}), tokenizer, 6, "w7 ");
  CHECK(sequence(TokenFile::open(folder / "documents.tokens"), 0) == std::vector<int32_t>{2, 12, 8, 9, 3});
  CHECK(sequence(TokenFile::open(folder / "documents.tokens"), 1) == std::vector<int32_t>{2, 12, 3});
}

TEST_CASE("writing a token file tells how far it is") {
  const TemporaryFolder folder;
  std::vector<int64_t> done;
  TokenFile::write(folder / "documents.tokens", words_corpus(9000), word_tokenizer(folder), 6, "", [&](const Event& event) {
    CHECK(event.stage == "tokenize");
    CHECK(event.total == 9000);
    done.push_back(event.done);
  });
  CHECK(done == std::vector<int64_t>{4096, 8192, 9000});
}

TEST_CASE("a stop request while writing leaves no file") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  std::stop_source source;
  const auto stop_it = [&](const Event&) { source.request_stop(); };
  CHECK_THROWS_AS(TokenFile::write(folder / "documents.tokens", words_corpus(9000), tokenizer, 6, "", stop_it, source.get_token()), Stopped);
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 1);  // vocab.txt
}

TEST_CASE("a token file that is truncated anywhere or damaged is refused in one line") {
  const TemporaryFolder folder;
  const auto path = folder / "documents.tokens";
  TokenFile::write(path, words_corpus(5), word_tokenizer(folder), 6);
  const std::string whole = detail::read_file(path);
  for (size_t size = 8; size < whole.size(); ++size) {
    folder.write("documents.tokens", whole.substr(0, size));
    CHECK_THROWS_WITH(TokenFile::open(path), path.string() + ": this token file is truncated or damaged. Delete it to have it made again.");
  }
  for (const size_t place : {size_t{12}, size_t{20}, whole.size() / 2, whole.size() - 30, whole.size() - 1}) {
    std::string damaged = whole;
    damaged[place] ^= 1;
    folder.write("documents.tokens", damaged);
    CHECK_THROWS_WITH(TokenFile::open(path), ContainsSubstring("is truncated or damaged"));
  }
}

TEST_CASE("what is no token file, or one of a newer format, is refused") {
  const TemporaryFolder folder;
  const auto path = folder / "documents.tokens";
  CHECK_THROWS_WITH(TokenFile::open(path), ContainsSubstring("documents.tokens"));
  folder.write("documents.tokens", "a text that is long enough to be mistaken for something else");
  CHECK_THROWS_WITH(TokenFile::open(path), path.string() + ": expected an LMTX token file, but it is something else.");
  TokenFile::write(path, words_corpus(5), word_tokenizer(folder), 6);
  std::string newer = detail::read_file(path);
  newer[8] = 2;
  folder.write("documents.tokens", newer);
  CHECK_THROWS_WITH(TokenFile::open(path), path.string() + ": this token file has format 2, but this version of LMTX reads up to 1; update LMTX.");
}

TEST_CASE("cut tokens are what the tokenizer makes with a smaller length") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  const std::vector<std::string_view> text = {"w1 w2 w3 w4 w5"};
  const RaggedTokens whole = tokenizer.encode(text, 20);
  for (int64_t length = 2; length <= 9; ++length) CHECK(cut_tokens(whole[0], length, 1) == tokenizer.encode(text, length).ids);
  CHECK_THROWS_WITH(cut_tokens(whole[0], 2, 3), "`suffix_size` must be in [0, 2], but is 3 instead.");
}

// Documents: from memory and from files, and what is said about files that hold none.
#include "lmtx/corpus/corpus.h"

#include <zlib.h>

#include "catch.h"
#include "temporary_folder.h"

namespace {

using lmtx::Corpus;
using lmtx::Document;

std::vector<Document> read_all(const Corpus& corpus) {
  std::vector<Document> documents;
  const auto reader = corpus.read();
  for (Document document; reader->next(document);) documents.push_back(document);
  return documents;
}

void check_same(const std::vector<Document>& a, const std::vector<Document>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(a[i].uid == b[i].uid);
    CHECK(a[i].title == b[i].title);
    CHECK(a[i].content == b[i].content);
  }
}

std::filesystem::path write_gzip(const TemporaryFolder& folder, const std::string& name, const std::string& text) {
  const std::filesystem::path file = folder / name;
  const gzFile out = gzopen(file.c_str(), "wb");
  gzwrite(out, text.data(), static_cast<unsigned>(text.size()));
  gzclose(out);
  return file;
}

const std::vector<Document> three_documents = {{"a", "Title", "Content"}, {"b", "", "Only content, with \"quotes\" and ünïcödé"}, {"17", "Only a title", ""}};
const std::string three_lines =
    "{\"uid\": \"a\", \"title\": \"Title\", \"content\": \"Content\", \"target_ind\": [1, 2]}\n"
    "{\"content\": \"Only content, with \\\"quotes\\\" and \\u00fcn\xc3\xaf" "c\xc3\xb6" "d\xc3\xa9\", \"uid\": \"b\", \"title\": null}\n"
    "{\"uid\": 17, \"title\": \"Only a title\"}\n";

}  // namespace

TEST_CASE("the text of a document is title, tab, content, without a tab for a missing part") {
  CHECK(lmtx::document_text("A", "b c") == "A\tb c");
  CHECK(lmtx::document_text("A", "") == "A");
  CHECK(lmtx::document_text("", "b c") == "b c");
  CHECK(lmtx::document_text("", "").empty());
  CHECK(lmtx::document_text(Document{"uid", "A", "b"}) == "A\tb");
}

TEST_CASE("documents come back in order, any number of times, from memory, plain files and gzip files") {
  const TemporaryFolder folder;
  std::string windows_lines = "\xef\xbb\xbf";
  for (const char c : three_lines) windows_lines += c == '\n' ? std::string("\r\n") : std::string(1, c);

  const Corpus memory = Corpus::from_documents(three_documents);
  const Corpus plain = Corpus::open(folder.write("plain.jsonl", three_lines));
  const Corpus gzip = Corpus::open(write_gzip(folder, "corpus.jsonl.gz", three_lines));
  const Corpus windows = Corpus::open(folder.write("windows.jsonl", windows_lines + "\r\n \t\r\n\r\n"));
  const Corpus no_last_newline = Corpus::open(folder.write("cut.jsonl", three_lines.substr(0, three_lines.size() - 1)));
  for (const Corpus& corpus : {memory, plain, gzip, windows, no_last_newline}) {
    CHECK(corpus.size() == 3);
    check_same(read_all(corpus), three_documents);
    check_same(read_all(corpus), three_documents);
    CHECK(corpus.fingerprint() == memory.fingerprint());
  }
}

TEST_CASE("a corpus may be empty") {
  const TemporaryFolder folder;
  const Corpus corpus = Corpus::open(folder.write("empty.jsonl", ""));
  CHECK(corpus.size() == 0);
  CHECK(read_all(corpus).empty());
  CHECK(corpus.fingerprint() == Corpus::from_documents({}).fingerprint());
}

TEST_CASE("the fingerprint of a corpus depends on every uid, title and content, and on their order") {
  const std::string fingerprint = Corpus::from_documents(three_documents).fingerprint();
  CHECK(fingerprint.size() == 32);
  CHECK(fingerprint.find_first_not_of("0123456789abcdef") == std::string::npos);

  std::vector<Document> other = three_documents;
  SECTION("uid") { other[1].uid = "c"; }
  SECTION("title") { other[1].title = "x"; }
  SECTION("content") { other[2].content = "x"; }
  SECTION("order") { std::swap(other[0], other[1]); }
  SECTION("number") { other.pop_back(); }
  SECTION("where a text lies") { std::swap(other[2].title, other[2].content); }
  CHECK(Corpus::from_documents(other).fingerprint() != fingerprint);
}

TEST_CASE("documents in memory must have distinct uids") {
  CHECK_THROWS_WITH(Corpus::from_documents({{"a", "x", ""}, {"b", "x", ""}, {"a", "y", ""}}),
                    "`documents[2]` has the uid `a`, which documents[0] has, too.");
  CHECK_THROWS_WITH(Corpus::from_documents({{"a", "x", ""}, {"", "x", ""}}), "`documents[1]` must have a uid, but it is empty.");
  CHECK_THROWS_AS(Corpus::from_documents({{"", "x", ""}}), std::invalid_argument);
}

TEST_CASE("a line that is no document is refused, naming file and line") {
  const TemporaryFolder folder;
  const std::string good = "{\"uid\": \"a\", \"title\": \"x\"}\n\n";
  const auto message_of = [&](const std::string& line) -> std::string {
    const std::filesystem::path file = folder.write("bad.jsonl", good + line + "\n{\"uid\": \"b\", \"title\": \"y\"}\n");
    try {
      Corpus::open(file);
    } catch (const std::runtime_error& error) {
      const std::string message = error.what();
      CHECK(message.find('\n') == std::string::npos);
      CHECK(message.size() < 400);
      CHECK(message.substr(0, file.string().size() + 4) == file.string() + ":3: ");
      return message.substr(file.string().size() + 4);
    }
    return "no error";
  };
  CHECK_THAT(message_of("{\"uid\": \"c\", \"title\": "), ContainsSubstring("broken JSON"));
  CHECK_THAT(message_of("{\"uid\": \"c\", \"title\": \"x\"} trailing"), ContainsSubstring("broken JSON"));
  CHECK_THAT(message_of("\"" + std::string(1 << 20, 'x')), ContainsSubstring("broken JSON"));
  CHECK_THAT(message_of("{\"uid\": \"c\", \"title\": 1e999}"), ContainsSubstring("broken JSON"));
  CHECK_THAT(message_of("{\"uid\": \"c\", \"title\": \"lone surrogate \\ud800\"}"), ContainsSubstring("broken JSON"));
  CHECK_THAT(message_of(std::string(1 << 20, '[')), ContainsSubstring("nested deeper than 100 levels"));
  CHECK_THAT(message_of("{\"uid\": \"c\", \"x\": " + std::string(1000, '[') + std::string(1000, ']') + "}"), ContainsSubstring("nested deeper"));
  CHECK(message_of("{\"uid\": \"c\", \"title\": \"\xff\"}") == "the text is not UTF-8 (byte 24 of the line).");
  CHECK(message_of("[1, 2]") == "expected a JSON object, but found array instead.");
  CHECK(message_of("{\"title\": \"x\"}") == "`uid` is missing.");
  CHECK(message_of("{\"uid\": null, \"title\": \"x\"}") == "`uid` is missing.");
  CHECK(message_of("{\"uid\": \"\", \"title\": \"x\"}") == "`uid` must not be empty.");
  CHECK(message_of("{\"uid\": 1.5, \"title\": \"x\"}") == "`uid` must be a string or an integer, but is number instead.");
  CHECK(message_of("{\"uid\": \"c\", \"title\": 3}") == "`title` must be a string, but is number instead.");
  CHECK(message_of("{\"uid\": \"c\", \"content\": [\"x\"]}") == "`content` must be a string, but is array instead.");
  CHECK(message_of("{\"uid\": \"c\", \"text\": \"x\"}") == "a document must have a `title` or a `content`, but has neither.");
  CHECK(message_of("{\"uid\": \"a\", \"title\": \"x\"}") == "the uid `a` is taken by line 1.");
}

TEST_CASE("of several duplicates in a large file the first is named, with both lines") {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "{\"uid\": \"d" + std::to_string(i == 4000 ? 123 : i == 4500 ? 7 : i) + "\", \"title\": \"x\"}\n";
  const std::filesystem::path file = folder.write("large.jsonl", text);
  CHECK_THROWS_WITH(Corpus::open(file), file.string() + ":4001: the uid `d123` is taken by line 124.");
}

TEST_CASE("an integer uid is its decimal text") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("numbers.jsonl", "{\"uid\": 5, \"title\": \"x\"}\n{\"uid\": -5, \"title\": \"x\"}\n{\"uid\": \"5\", \"title\": \"x\"}\n");
  CHECK_THROWS_WITH(Corpus::open(file), file.string() + ":3: the uid `5` is taken by line 1.");
}

TEST_CASE("files that cannot be read are named") {
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(Corpus::open(folder / "none.jsonl"), ContainsSubstring((folder / "none.jsonl").string()) && ContainsSubstring("No such file"));
  CHECK_THROWS_WITH(Corpus::open(folder.path()), ContainsSubstring(folder.path().string()));

  std::string text;
  for (int i = 0; i < 2000; ++i) text += "{\"uid\": \"d" + std::to_string(i) + "\", \"title\": \"" + std::to_string(i * 7919 % 1000003) + "\"}\n";
  const std::filesystem::path whole = write_gzip(folder, "whole.jsonl.gz", text);
  const auto size = std::filesystem::file_size(whole);
  for (const auto cut : {size - 1, size / 2, size_t{20}}) {
    std::filesystem::copy_file(whole, folder / "cut.jsonl.gz", std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(folder / "cut.jsonl.gz", cut);
    CHECK_THROWS_WITH(Corpus::open(folder / "cut.jsonl.gz"), ContainsSubstring((folder / "cut.jsonl.gz").string() + ":"));
  }
}

TEST_CASE("a file that changes after it was opened is noticed") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("corpus.jsonl", three_lines);
  const Corpus corpus = Corpus::open(file);
  folder.write("corpus.jsonl", three_lines + "{\"uid\": \"new\", \"title\": \"x\"}\n");
  CHECK_THROWS_WITH(read_all(corpus), file.string() + ": the file has changed since it was opened; open it again.");
}

#include "lmtx/train/unsupervised/titled_texts.h"

#include <functional>
#include <memory>
#include <optional>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "lmtx/train/array_file.h"

namespace lmtx {

namespace fs = std::filesystem;

namespace {

constexpr detail::FileKind kind{"LMTXNUMB", 1, "file of document numbers"};

constexpr const char *titles_name = "titles.tokens", *contents_name = "contents.tokens", *titled_name = "titled";

// The pairs of a corpus, one after the other.
class PairReader {
 public:
  PairReader(const Corpus& documents, const TitledTextsOptions& options, std::stop_token stop)
      : reader_(documents.read()), options_(options), stop_(std::move(stop)) {}

  // With number() as its document.
  std::optional<TitlePair> next() {
    while (reader_->next(document_)) {
      check_stop(stop_);
      ++number_;
      if (auto pair = make_title_pair(document_, options_.pairs, detail::random_key(options_.seed, "title pair", {number_}))) return pair;
    }
    return std::nullopt;
  }
  int64_t number() const { return number_; }

 private:
  std::unique_ptr<DocumentReader> reader_;
  const TitledTextsOptions& options_;
  const std::stop_token stop_;
  Document document_;
  int64_t number_ = -1;
};

void write_tokens(const fs::path& file, const Corpus& documents, const Tokenizer& tokenizer, const TitledTextsOptions& options, std::string TitlePair::* part,
                  int64_t length, const std::stop_token& stop) {
  if (fs::exists(file)) return;
  PairReader pairs(documents, options, stop);
  const auto next = [&](std::string& text) {
    std::optional<TitlePair> pair = pairs.next();
    if (pair) text = std::move((*pair).*part);
    return pair.has_value();
  };
  TokenFile::write(file, next, tokenizer, length, options.prompt, stop);
}

void write_texts(const fs::path& file, const Corpus& documents, std::string Document::* part, const std::stop_token& stop) {
  if (fs::exists(file)) return;
  TextFile::write(file, [&](const TextFile::AddText& add) {
    const auto reader = documents.read();
    for (Document document; reader->next(document); add(document.*part)) check_stop(stop);
  });
}

void check_size(const fs::path& file, int64_t size, int64_t expected) {
  if (size != expected) detail::fail(file.string(), "must have " + std::to_string(expected) + " texts, but has " + std::to_string(size) + " instead.");
}

}  // namespace

void TitledTexts::write(const fs::path& folder, const Corpus& documents, const Tokenizer& tokenizer, const TitledTextsOptions& options, std::stop_token stop) {
  write_tokens(folder / titles_name, documents, tokenizer, options, &TitlePair::title, options.title_length, stop);
  write_tokens(folder / contents_name, documents, tokenizer, options, &TitlePair::content, options.content_length, stop);
  if (fs::exists(folder / titled_name)) return;
  std::vector<int64_t> numbers;
  for (PairReader pairs(documents, options, stop); pairs.next();) numbers.push_back(pairs.number());
  ArrayFileWriter writer;
  writer.add(numbers);
  writer.save(folder / titled_name, kind);
}

TitledTexts TitledTexts::open(const fs::path& folder, int64_t num_documents) {
  ArrayFileReader reader(folder / titled_name, kind);
  TitledTexts texts{.documents = reader.next<int64_t>(), .titles = TokenFile::open(folder / titles_name), .contents = TokenFile::open(folder / contents_name)};
  reader.finish();
  if (!rises(texts.documents) || (!texts.documents.empty() && (texts.documents.front() < 0 || texts.documents.back() >= num_documents))) reader.refuse();
  check_size(folder / titles_name, texts.titles.size(), static_cast<int64_t>(texts.documents.size()));
  check_size(folder / contents_name, texts.contents.size(), static_cast<int64_t>(texts.documents.size()));
  return texts;
}

void PlainTexts::write(const fs::path& folder, const Corpus& documents, std::stop_token stop) {
  write_texts(folder / "titles.texts", documents, &Document::title, stop);
  write_texts(folder / "contents.texts", documents, &Document::content, stop);
}

PlainTexts PlainTexts::open(const fs::path& folder, int64_t num_documents) {
  PlainTexts texts{.titles = TextFile::open(folder / "titles.texts"), .contents = TextFile::open(folder / "contents.texts")};
  check_size(folder / "titles.texts", texts.titles.size(), num_documents);
  check_size(folder / "contents.texts", texts.contents.size(), num_documents);
  return texts;
}

}  // namespace lmtx

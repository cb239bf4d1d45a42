// The pairs that RTS and MACLR learn from, and the steps that take them.
#include "lmtx/train/unsupervised/segment_pairs.h"

#include <algorithm>
#include <map>
#include <set>

#include "catch.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/framed_file.h"
#include "lmtx/detail/random.h"
#include "lmtx/train/unsupervised/cluster_phases.h"
#include "lmtx/train/unsupervised/label_pairs.h"
#include "lmtx/train/unsupervised/pair_steps.h"
#include "lmtx/train/unsupervised/segments.h"
#include "lmtx/train/unsupervised/title_steps.h"
#include "lmtx/train/unsupervised/titled_texts.h"
#include "lmtx/train/unsupervised/words.h"
#include "temporary_folder.h"

using namespace lmtx;
namespace fs = std::filesystem;

namespace {

constexpr int64_t num_documents = 30, num_labels = 7;

Tokenizer word_tokenizer(const TemporaryFolder& folder) {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (int i = 0; i < 60; ++i) vocabulary += "w" + std::to_string(i) + "\n";
  for (int i = 0; i < num_labels; ++i) vocabulary += "l" + std::to_string(i) + "\n";
  folder.write("vocab.txt", vocabulary);
  return Tokenizer::load(folder.path());
}

// Every fifth has no title, every seventh no content.
std::vector<Document> documents() {
  std::vector<Document> documents;
  for (int64_t i = 0; i < num_documents; ++i) {
    std::string content;
    for (int64_t j = 0; j < (i % 7 == 0 ? 0 : 3 * i); ++j) content += "w" + std::to_string((i * 7 + j) % 60) + " ";
    documents.push_back({"d" + std::to_string(i), i % 5 == 0 ? "" : "w" + std::to_string(i), content});
  }
  return documents;
}

LabelSet labels() {
  std::vector<Label> labels;
  for (int64_t i = 0; i < num_labels; ++i) labels.push_back({"l" + std::to_string(i), "l" + std::to_string(i), "", {}, {}});
  return LabelSet(std::move(labels));
}

// From all but document 4 and label 2.
class SegmentWorld {
 public:
  SegmentWorld() : tokenizer(word_tokenizer(folder)) {
    PlainTexts::write(folder.path(), Corpus::from_documents(documents()));
    for (int64_t i = 0; i < num_documents; ++i) {
      if (i != 4) document_numbers.push_back(i);
    }
  }
  SegmentPairs pairs(SegmentPairOptions options = {.min_words = 5, .max_length = 12}) const {
    const PlainTexts texts = PlainTexts::open(folder.path(), num_documents);
    return {{texts.titles, texts.contents, std::make_shared<const LabelSet>(labels()), document_numbers, {0, 1, 3, 4, 5, 6}}, tokenizer, options};
  }

  TemporaryFolder folder;
  Tokenizer tokenizer;
  std::vector<int64_t> document_numbers;
};

std::vector<SegmentPair> all_of(const SegmentPairs& pairs, int64_t epoch) {
  std::vector<SegmentPair> found;
  for (int64_t i = 0; i < pairs.size(epoch); ++i) found.push_back(pairs.pair(epoch, i));
  return found;
}

}  // namespace

TEST_CASE("RTS has a pair for each title, label and segment of a titled document, and for every two segments") {
  const SegmentWorld world;
  const SegmentPairs pairs = world.pairs();
  const auto texts = documents();
  for (const int64_t epoch : {0, 1}) {
    int64_t titles = 0, labels = 0;
    std::map<int64_t, std::vector<std::string_view>> with_title, with_each_other;
    for (const SegmentPair& pair : all_of(pairs, epoch)) {
      if (pair.owner < 0) {
        ++labels;
        CHECK(pair.left == "l" + std::to_string(-1 - pair.owner));
        CHECK(pair.right == pair.left);
        continue;
      }
      const Document& document = texts[static_cast<size_t>(pair.owner)];
      CHECK(pair.owner != 4);
      if (pair.left == document.title && pair.right == document.title)
        ++titles;
      else if (pair.left == document.title)
        with_title[pair.owner].push_back(pair.right);
      else
        for (const auto part : {pair.left, pair.right}) with_each_other[pair.owner].push_back(part);
    }
    // 24 have a title, 4 not among them; each label but one.
    CHECK(titles == 23);
    CHECK(labels == 6);
    // Where a title comes first its segments, joined, are the content.
    for (const int64_t i : world.document_numbers) {
      const Document& document = texts[static_cast<size_t>(i)];
      const auto words = split_words(document.content);
      CHECK(with_title.count(i) == (document.title.empty() || words.empty() ? 0u : 1u));
      std::string joined;
      for (const auto segment : with_title[i]) joined += std::string(segment) + " ";
      if (!document.title.empty()) CHECK(joined == document.content);
      // Each segment comes once, but the first of an odd number twice.
      auto& parts = with_each_other[i];
      CHECK(parts.size() % 2 == 0);
      std::map<std::string_view, int64_t> times;
      size_t num_words = 0;
      for (const auto part : parts) ++times[part];
      for (const auto& [part, count] : times) num_words += split_words(part).size();
      CHECK(num_words == words.size());
      CHECK(std::count_if(times.begin(), times.end(), [](const auto& entry) { return entry.second != 1; }) == static_cast<int64_t>(times.size() % 2));
      CHECK(parts.size() / 2 == (times.size() + 1) / 2);
    }
  }
}

TEST_CASE("RTS draws segments anew in each epoch and for each use") {
  const SegmentWorld world;
  const SegmentPairs pairs = world.pairs();
  const auto segments_of = [&](int64_t epoch, bool titled) {
    std::set<std::string> found;
    for (const SegmentPair& pair : all_of(pairs, epoch)) {
      if (pair.owner == 29 && (pair.left == "w29") == titled && pair.right != "w29") found.insert(std::string(pair.right));
      if (pair.owner == 29 && !titled && pair.left != "w29") found.insert(std::string(pair.left));
    }
    return found;
  };
  CHECK(segments_of(0, true) == segments_of(0, true));
  CHECK(segments_of(0, true) != segments_of(1, true));
  CHECK(segments_of(0, true) != segments_of(0, false));
}

TEST_CASE("each kind of RTS' pairs can be left out, and all be bounded with each kind's share kept") {
  const SegmentWorld world;
  const auto count = [&](SegmentPairOptions options) {
    options.min_words = 5;
    return world.pairs(options).size(0);
  };
  const int64_t titles = count({.labels = false, .title_segments = false, .segments = false}),
                of_labels = count({.titles = false, .title_segments = false, .segments = false});
  const int64_t title_segments = count({.titles = false, .labels = false, .segments = false}),
                segments = count({.titles = false, .labels = false, .title_segments = false});
  const int64_t all = count({});
  CHECK(titles == 23);
  CHECK(of_labels == 6);
  CHECK(all == titles + of_labels + title_segments + segments);

  const SegmentPairs bounded = world.pairs({.min_words = 5, .max_pairs = 60});
  REQUIRE(bounded.size(0) == 60);
  std::set<std::pair<int64_t, std::string>> found;
  int64_t labels_kept = 0;
  for (const SegmentPair& pair : all_of(bounded, 0)) {
    labels_kept += pair.owner < 0;
    found.insert({pair.owner, std::string(pair.left) + "|" + std::string(pair.right)});
  }
  CHECK(std::abs(labels_kept - 60 * of_labels / all) <= 1);
  CHECK(found.size() == 60);
}

TEST_CASE("steps on pairs take each once an epoch, cut and with their prompts") {
  const SegmentWorld world;
  const auto pairs = std::make_shared<const SegmentPairs>(world.pairs({.min_words = 5, .max_length = 8, .document_prompt = "w0 ", .label_prompt = "w1 w2 "}));
  const PairSteps steps(pairs, {.epochs = 2, .batch_size = 16, .seed = 3, .name = "test", .unpooled = 1});
  REQUIRE(steps.num_steps() == pairs->size(0) / 16 + pairs->size(1) / 16);
  std::multiset<std::vector<int32_t>> taken, expected;
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < pairs->size(0); ++i) numbers.push_back(i);
  for (const TokenPair& pair : pairs->take(0, numbers)) expected.insert(pair.right);
  for (int64_t t = 1; t <= pairs->size(0) / 16; ++t) {
    const TrainingBatch batch = steps.batch(t);
    REQUIRE(batch.left.size() == 16);
    REQUIRE(batch.right.size() == 16);
    CHECK(batch.left_unpooled == 1);
    for (const auto& tokens : batch.right) {
      CHECK(tokens.size() <= 8);
      CHECK(tokens.front() == 2);
      CHECK(tokens.back() == 3);
      CHECK((tokens[1] == 5 || (tokens[1] == 6 && tokens[2] == 7)));
      CHECK(expected.count(tokens) > taken.count(tokens));
      taken.insert(tokens);
    }
  }
  CHECK(steps.batch(1).left == steps.batch(1).left);
  const auto second_epoch = steps.batch(steps.num_steps()).left;
  CHECK(steps.batch(2).left == PairSteps(pairs, {.epochs = 2, .batch_size = 16, .seed = 3, .name = "test"}).batch(2).left);
  CHECK(steps.batch(2).left != PairSteps(pairs, {.epochs = 2, .batch_size = 16, .seed = 4, .name = "test"}).batch(2).left);
  CHECK(steps.batch(steps.num_steps()).left == second_epoch);
}

TEST_CASE("fewer pairs than a batch are one step, and none are no step") {
  const SegmentWorld world;
  const auto labels_only = std::make_shared<const SegmentPairs>(world.pairs({.titles = false, .title_segments = false, .segments = false}));
  CHECK(PairSteps(labels_only, {.epochs = 3, .batch_size = 64}).num_steps() == 3);
  CHECK(PairSteps(labels_only, {.epochs = 3, .batch_size = 64}).batch(3).left.size() == 6);
  const auto nothing = std::make_shared<const SegmentPairs>(world.pairs({.titles = false, .labels = false, .title_segments = false, .segments = false}));
  CHECK(PairSteps(nothing, {.epochs = 3, .batch_size = 64}).num_steps() == 0);
}

TEST_CASE("a file of pairs comes back as it was") {
  const TemporaryFolder folder;
  const LabelPairs pairs{.documents = {1, 1, 4}, .labels = {7, 2, 0}};
  pairs.save(folder / "pairs");
  CHECK(LabelPairs::load(folder / "pairs").documents == pairs.documents);
  CHECK(LabelPairs::load(folder / "pairs").labels == pairs.labels);
  CHECK(pairs.within(5, 8));
  CHECK_FALSE(pairs.within(4, 8));
  CHECK_FALSE(pairs.within(5, 7));
}

TEST_CASE("titles and contents are tokenized pair by pair") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  const auto texts = documents();
  const TitledTextsOptions options{.title_length = 4, .content_length = 10, .prompt = "w1 ", .seed = 9};
  TitledTexts::write(folder.path(), Corpus::from_documents(texts), tokenizer, options);
  const TitledTexts titled = TitledTexts::open(folder.path(), num_documents);
  std::vector<int64_t> expected;
  for (int64_t i = 0; i < num_documents; ++i) {
    const auto pair = make_title_pair(texts[static_cast<size_t>(i)], options.pairs, detail::random_key(9, "title pair", {i}));
    if (!pair) continue;
    const auto place = static_cast<int64_t>(expected.size());
    expected.push_back(i);
    for (const bool is_title : {true, false}) {
      const std::string text = "w1 " + (is_title ? pair->title : pair->content);
      const std::vector<std::string_view> one = {text};
      const auto found = (is_title ? titled.titles : titled.contents)[place];
      CHECK(std::vector<int32_t>(found.begin(), found.end()) == tokenizer.encode(one, is_title ? 4 : 10).ids);
    }
  }
  CHECK(expected.size() > 15);
  CHECK(titled.documents == expected);
  CHECK_THROWS_WITH(TitledTexts::open(folder.path(), 5), ContainsSubstring("do not fit together"));
}

TEST_CASE("plain texts come back as they were, and another number of them is refused") {
  const SegmentWorld world;
  const PlainTexts texts = PlainTexts::open(world.folder.path(), num_documents);
  const auto expected = documents();
  for (int64_t i = 0; i < num_documents; ++i) {
    CHECK(texts.titles[i] == expected[static_cast<size_t>(i)].title);
    CHECK(texts.contents[i] == expected[static_cast<size_t>(i)].content);
  }
  CHECK_THROWS_WITH(PlainTexts::open(world.folder.path(), 5), ContainsSubstring("must have 5 texts, but has 30 instead"));
}

TEST_CASE("a text file that is truncated anywhere, damaged or of sizes that do not fit is refused in one line") {
  const TemporaryFolder folder;
  const fs::path file = folder / "texts";
  TextFile::write(file, [](const TextFile::AddText& add) {
    for (const char* text : {"one", "", "three four"}) add(text);
  });
  REQUIRE(TextFile::open(file).size() == 3);
  CHECK(TextFile::open(file)[1].empty());
  CHECK(TextFile::open(file)[2] == "three four");
  const std::string bytes = detail::read_file(file);
  for (size_t size = 0; size < bytes.size(); ++size) {
    folder.write("texts", bytes.substr(0, size));
    CHECK_THROWS_WITH(TextFile::open(file), StartsWith(file.string()));
  }
  for (size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 4);
    folder.write("texts", changed);
    CHECK_THROWS_WITH(TextFile::open(file), StartsWith(file.string()));
  }
  // Whole, but of wrong sizes: texts, offsets, number.
  for (const std::vector<int64_t>& words : std::vector<std::vector<int64_t>>{{}, {0}, {0, 5}, {0, -1}, {1, 0}, {0, 9, 1}, {7, 0, 8, 4, 2}, {7, 7, 0, 8, 1}}) {
    detail::write_framed_file(file, {"LMTXTEXT", 1, "text file"}, [&](const detail::AppendBytes& append) {
      append({reinterpret_cast<const char*>(words.data()), words.size() * sizeof(int64_t)});
    });
    CHECK_THROWS_WITH(TextFile::open(file), ContainsSubstring("is damaged: its sizes do not fit together."));
  }
}

TEST_CASE("the first half of MACLR's first stage is cut into phases") {
  CHECK(cluster_phases("auto", 640) == std::vector<int64_t>{20, 40, 80, 160, 320});
  CHECK(cluster_phases("auto", 10) == std::vector<int64_t>{2, 2, 2, 2, 5});
  CHECK(cluster_phases("none", 640).empty());
  CHECK(cluster_phases("250,500", 400) == std::vector<int64_t>{250, 400});
  for (const char* wrong : {"", "some", "1", "20,", "20;30", "20, 30", "-4", "none,2"})
    CHECK_THROWS_WITH(cluster_phases(wrong, 640), ContainsSubstring("`clusters` must be \"auto\", \"none\" or numbers from 2 on"));

  const auto check_parts = [](int64_t steps, const std::vector<int64_t>& phases, const std::vector<int64_t>& expected_steps) {
    const auto parts = stage_parts(steps, phases);
    std::vector<int64_t> found;
    int64_t first = 0;
    for (const StagePart& part : parts) {
      CHECK(part.first_step == first);
      first += part.num_steps;
      found.push_back(part.num_steps);
    }
    CHECK(found == expected_steps);
    CHECK(parts.back().clusters == 0);
  };
  check_parts(100, {5, 6, 7, 8, 9}, {10, 10, 10, 10, 10, 50});
  check_parts(101, {5, 6, 7}, {16, 17, 17, 51});
  check_parts(7, {}, {7});
  check_parts(3, {5, 6}, {0, 1, 2});
}

TEST_CASE("MACLR's steps have titles, second views and different labels on the right, and go on where the part before ended") {
  const TemporaryFolder folder;
  const Tokenizer tokenizer = word_tokenizer(folder);
  TitledTexts::write(folder.path(), Corpus::from_documents(documents()), tokenizer, {.title_length = 4, .content_length = 10});
  TokenFile::write(folder / "labels.tokens", labels(), tokenizer, 4);
  TitledTexts titled = TitledTexts::open(folder.path(), num_documents);
  const TitleTexts texts{.titles = titled.titles,
                         .contents = titled.contents,
                         .documents = titled.documents,
                         .labels = TokenFile::open(folder / "labels.tokens"),
                         .label_numbers = {0, 1, 2, 4, 6}};
  TrainerOptions options;
  options.batch_size = 6;
  options.random_labels = 3;
  std::vector<int64_t> places;
  for (int64_t i = 0; i < static_cast<int64_t>(titled.documents.size()); ++i) places.push_back(i);
  const TitleSteps whole(texts, {.places = places, .clusters = {}, .first_step = 0, .num_steps = 10}, options);
  const TitleSteps later(texts, {.places = places, .clusters = std::vector<int64_t>(places.size(), 0), .first_step = 4, .num_steps = 6}, options);
  for (int64_t t = 1; t <= 6; ++t) {
    CHECK(later.batch(t).left == whole.batch(4 + t).left);
    CHECK(later.batch(t).right == whole.batch(4 + t).right);
    CHECK(later.batch(t).dropout_key == whole.batch(4 + t).dropout_key);
  }
  std::set<std::vector<int32_t>> lefts;
  for (int64_t t = 1; t <= static_cast<int64_t>(places.size()) / 6; ++t) {
    const TrainingBatch batch = whole.batch(t);
    REQUIRE(batch.left.size() == 6);
    REQUIRE(batch.right.size() == 6 + 6 + 3);
    CHECK(std::vector(batch.right.begin() + 6, batch.right.begin() + 12) == batch.left);
    CHECK(std::set(batch.right.begin() + 12, batch.right.end()).size() == 3);
    for (const auto& left : batch.left) CHECK(lefts.insert(left).second);
  }
  options.regularization = 0;
  CHECK(TitleSteps(texts, {.places = places, .clusters = {}, .first_step = 0, .num_steps = 10}, options).batch(1).right.size() == 6);
}

TEST_CASE("the first stage has its passes, within its bounds") {
  TrainerOptions options;
  options.epochs = 10;
  options.batch_size = 32;
  CHECK(num_title_steps(100, options) == 30);
  CHECK(num_title_steps(5, options) == 10);
  CHECK(num_title_steps(0, options) == 0);
  options.steps = 300;
  options.max_epochs = 50;
  CHECK(num_title_steps(100, options) == 150);
  options.max_epochs = 1000;
  options.max_steps = 400;
  CHECK(num_title_steps(100, options) == 300);
  CHECK(num_title_steps(100000, options) == 400);
}

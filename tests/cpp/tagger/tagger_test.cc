#include "lmtx/tagger.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/encoder.h"
#include "lmtx/search/label_index.h"
#include "lmtx/stopped.h"
#include "temporary_folder.h"

using namespace lmtx;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> words = {"carpet", "wine", "wool",   "red",   "clean", "stain", "tax",   "law", "bill",  "water",  "road", "school",
                                        "farm",   "bank", "health", "trade", "sea",   "war",   "peace", "art", "music", "energy", "oil",  "land"};

// A tiny model with a vocabulary of whole words; 16 positions.
fs::path make_model(const TemporaryFolder& folder, const std::string& name = "model") {
  fs::copy(test::data_folder() / "models" / "bert", folder / name, fs::copy_options::recursive);
  std::ofstream vocabulary(folder / name / "vocab.txt");
  for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":", "query"}) vocabulary << special << '\n';
  for (const std::string& word : words) vocabulary << word << '\n';
  std::ofstream(folder / name / "tokenizer_config.json") << R"({"do_lower_case": true, "tokenizer_class": "BertTokenizer"})";
  return folder / name;
}

LabelSet make_labels() {
  std::vector<Label> labels;
  for (size_t i = 0; i < words.size(); ++i) {
    Label label;
    label.uid = "L" + std::to_string(i);
    label.name = i % 3 == 0 ? words[i] + " " + words[(i + 5) % words.size()] : words[i];
    labels.push_back(label);
  }
  return LabelSet(labels);
}

const TaggerSettings settings = {.search_length = 9, .label_length = 5, .document_prompt = "query: ", .label_prompt = "art "};
const std::vector<std::string_view> texts = {"red wine on a wool carpet", "", "tax law for the farm and the bank and the school and the road", "water",
                                             "water"};

Tagger make_tagger(const TemporaryFolder& folder, const DecisionRule& rule = DecisionRule::top(4)) {
  return Tagger::from_labels(Encoder::load(make_model(folder)), make_labels(), settings, rule);
}

at::Tensor embed(const Encoder& encoder, const std::vector<std::string_view>& of, int64_t length, const std::string& prompt) {
  EncodeOptions options;
  options.max_length = length;
  options.prompt = prompt;
  options.normalize = true;
  return encoder.encode(of, options);
}

// Scores of all labels for a text, straight from the encoder's vectors.
std::vector<double> scores_of(const Tagger& tagger, std::string_view text) {
  std::vector<std::string_view> names;
  for (const Label& label : tagger.labels()) names.emplace_back(label.name);
  const at::Tensor rows = embed(tagger.encoder(), names, settings.label_length, *settings.label_prompt);
  const at::Tensor query = embed(tagger.encoder(), {text}, settings.search_length, *settings.document_prompt);
  std::vector<double> scores;
  for (int64_t i = 0; i < rows.size(0); ++i) {
    double sum = 0;
    for (int64_t j = 0; j < rows.size(1); ++j)
      sum += static_cast<double>(rows.const_data_ptr<float>()[i * rows.size(1) + j]) * query.const_data_ptr<float>()[j];
    scores.push_back(sum);
  }
  return scores;
}

void check_same(const std::vector<std::vector<Tag>>& a, const std::vector<std::vector<Tag>>& b) {
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].size() == b[i].size());
    for (size_t j = 0; j < a[i].size(); ++j) {
      CHECK(a[i][j].number == b[i][j].number);
      CHECK(a[i][j].score == Approx(b[i][j].score).margin(1e-6));
    }
  }
}

std::string fault_of(const fs::path& folder) {
  try {
    Tagger::load(folder);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

void edit(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = detail::read_file(file);
  const size_t place = text.find(from);
  REQUIRE(place != std::string::npos);
  std::ofstream(file, std::ios::binary) << text.replace(place, from.size(), to);
}

// The same in settings.json, with the checksum that fits.
void edit_settings(const fs::path& file, const std::string& from, const std::string& to) {
  edit(file, from, to);
  detail::write_json(file, detail::sealed(detail::read_json(file)));
}

}  // namespace

TEST_CASE("tags are the labels with the nearest vectors, best first") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  for (const std::string_view text : texts) {
    const std::vector<double> scores = scores_of(tagger, text);
    std::vector<double> sorted = scores;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const std::vector<Tag> tags = tagger.tag(text);
    REQUIRE(tags.size() == 4);
    for (size_t i = 0; i < tags.size(); ++i) {
      CHECK(tags[i].score == Approx(sorted[i]).margin(1e-6));
      CHECK(tags[i].score == Approx(scores[tags[i].number]).margin(1e-6));
      CHECK(tags[i].uid == tagger.labels()[tags[i].number].uid);
      CHECK(tags[i].label == tagger.labels()[tags[i].number].name);
      CHECK_FALSE(tags[i].probability.has_value());
    }
  }
}

TEST_CASE("k is the decision rule's unless another is asked for, and at most the labels there are") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder, DecisionRule::top(3));
  CHECK(tagger.tag("water").size() == 3);
  CHECK(tagger.tag("water", {.k = 7}).size() == 7);
  CHECK(tagger.tag("water", {.k = 1'000'000'000}).size() == words.size());
  CHECK_THROWS_WITH(tagger.tag("water", {.k = -1}), "`k` must be at least 1, or 0 for the tagger's own, but is -1 instead.");
}

namespace {

// Pairs of the texts with all labels, true where the score is among the first few of its text.
DecisionRule fit_number(const Tagger& tagger, double number) {
  std::vector<double> scores, gold;
  std::vector<int64_t> documents;
  for (int64_t document = 0; document < 40; ++document) {
    int64_t rank = 0;
    for (const Tag& tag : tagger.tag(words[document % words.size()] + " " + words[document * 7 % words.size()], {.k = 1000})) {
      scores.push_back(tag.score);
      gold.push_back(rank++ < 2 ? 1 : 0);
      documents.push_back(document);
    }
  }
  return DecisionRule::by_number({.scores = scores, .gold = gold, .documents = documents}, number, {.k_most = 6});
}

}  // namespace

TEST_CASE("a tagger applies its decision rule, and gives probabilities") {
  const TemporaryFolder folder;
  const Tagger plain = make_tagger(folder);
  const DecisionRule rule = fit_number(plain, 2.5);
  const Tagger tagger = plain.with_rule(rule);
  REQUIRE_FALSE(rule.thin());
  bool some_differ = false;
  for (const std::string_view text : texts) {
    const std::vector<Tag> candidates = plain.tag(text, {.k = 6}), tags = tagger.tag(text);
    std::vector<Tag> expected;
    for (const Tag& tag : candidates) {
      if (rule.keeps(tag.number, tag.score)) expected.push_back(tag);
    }
    check_same({tags}, {expected});
    for (const Tag& tag : tags) CHECK(*tag.probability == Approx(*rule.probability(tag.score)));
    some_differ = some_differ || tags.size() != tagger.tag(texts[0]).size();
    const std::vector<Tag> asked = tagger.tag(text, {.k = 3});
    CHECK(asked.size() == 3);
    CHECK(asked[0].probability.has_value());
  }
  CHECK(some_differ);
  CHECK(plain.rule().k() == 4);
  CHECK_FALSE(plain.tag("water")[0].probability.has_value());
}

TEST_CASE("no tag is a possible answer") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder).with_rule(DecisionRule::by_precision({}, 0.9));
  for (const auto& tags : tagger.tag(texts)) CHECK(tags.empty());
}

TEST_CASE("a fitted rule is saved with the tagger, and a change to it is seen") {
  const TemporaryFolder folder;
  const Tagger plain = make_tagger(folder);
  const Tagger tagger = plain.with_rule(fit_number(plain, 2.5));
  tagger.save(folder / "tagger");
  const Tagger loaded = Tagger::load(folder / "tagger");
  CHECK(loaded.rule().describe() == tagger.rule().describe());
  check_same(loaded.tag(texts), tagger.tag(texts));
  edit(folder / "tagger" / "lmtx" / "settings.json", R"("aim": 2.5)", R"("aim": 2.6)");
  CHECK_FALSE(fault_of(folder / "tagger").empty());
}

TEST_CASE("prompts that are not given are the encoder's default one") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder);
  std::ofstream(model / "config_sentence_transformers.json") << R"({"prompts": {"query": "query: ", "other": "art "}, "default_prompt_name": "query"})";
  const Encoder encoder = Encoder::load(model);
  const Tagger by_default = Tagger::from_labels(encoder, make_labels(), {.search_length = 9, .label_length = 7});
  CHECK(by_default.settings().document_prompt == "query: ");
  CHECK(by_default.settings().label_prompt == "query: ");
  const Tagger by_name =
      Tagger::from_labels(encoder, make_labels(), {.search_length = 9, .label_length = 7, .document_prompt = "query: ", .label_prompt = "query: "});
  check_same(by_default.tag(texts), by_name.tag(texts));
  const Tagger without = Tagger::from_labels(encoder, make_labels(), {.search_length = 9, .label_length = 7, .document_prompt = "", .label_prompt = ""});
  CHECK(without.tag("law")[0].score == Approx(1));  // Text and label are the same.
  CHECK(without.settings().document_prompt == "");
}

TEST_CASE("a saved tagger's folder embeds documents and labels as the tagger does") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder);
  std::ofstream(model / "config_sentence_transformers.json") << R"({"prompts": {"query": "bill ", "document": "war "}, "default_prompt_name": "query"})";
  const Tagger tagger = Tagger::from_labels(Encoder::load(model), make_labels(), settings);
  tagger.save(folder / "tagger");
  const Encoder saved = Encoder::load(folder / "tagger");
  CHECK(saved.default_prompt() == "query: ");
  CHECK(saved.prompt("document") == "query: ");
  CHECK(saved.prompt("label") == "art ");
  CHECK(saved.prompt("query") == "bill ");
  CHECK(saved.encode(texts).equal(embed(tagger.encoder(), texts, settings.search_length, "query: ")));
  CHECK(Tagger::load(folder / "tagger").settings().document_prompt == "query: ");

  SECTION("also where it puts nothing before them, but the encoder would") {
    Tagger::from_labels(Encoder::load(model), make_labels(), {.search_length = 9, .label_length = 7, .document_prompt = "", .label_prompt = ""})
        .save(folder / "plain");
    CHECK(Encoder::load(folder / "plain").default_prompt().empty());
  }
}

TEST_CASE("prompts that leave no room for a text are refused") {
  const TemporaryFolder folder;
  const Encoder encoder = Encoder::load(make_model(folder));
  const std::string seven = "tax law bill water road school farm ";
  CHECK_THROWS_WITH(Tagger::from_labels(encoder, make_labels(), {.search_length = 9, .label_length = 16, .document_prompt = seven}),
                    "`document_prompt` must leave room for a text in 9 tokens, but takes 9 itself, special tokens included.");
  CHECK_THROWS_WITH(Tagger::from_labels(encoder, make_labels(), {.search_length = 16, .label_length = 8, .label_prompt = seven}),
                    ContainsSubstring("`label_prompt` must leave room for a text in 8 tokens"));
  CHECK_THROWS_WITH(Tagger::from_labels(encoder, make_labels(), {.search_length = 16, .label_length = 16, .label_prompt = "\xff"}),
                    "`label_prompt` must be UTF-8, but is `?` instead.");
  CHECK_NOTHROW(Tagger::from_labels(encoder, make_labels(), {.search_length = 10, .label_length = 10, .document_prompt = seven, .label_prompt = seven}));
}

TEST_CASE("many texts are tagged as each alone, and documents as their text") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  std::vector<std::vector<Tag>> alone;
  for (const std::string_view text : texts) alone.push_back(tagger.tag(text));
  check_same(tagger.tag(texts), alone);
  CHECK(tagger.tag(std::span<const std::string_view>()).empty());
  const std::vector<Document> documents = {{.uid = "a", .title = "red wine", .content = "wool"}, {.uid = "b", .title = "", .content = "tax"}};
  check_same(tagger.tag(documents), {tagger.tag("red wine\twool"), tagger.tag("tax")});
}

TEST_CASE("tagging reports progress through all blocks, and stops on request") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  const std::vector<std::string_view> many(9000, "water");
  std::vector<int64_t> done;
  CHECK(tagger
            .tag(many, {},
                 [&](const Event& event) {
                   CHECK(event.stage == "tag");
                   CHECK(event.total == 9000);
                   done.push_back(event.done);
                 })
            .size() == 9000);
  CHECK(done.back() == 9000);
  CHECK(std::is_sorted(done.begin(), done.end()));
  std::stop_source stop;
  CHECK_THROWS_AS(tagger.tag(many, {}, [&](const Event&) { stop.request_stop(); }, stop.get_token()), Stopped);
}

TEST_CASE("a tagger that was saved and loaded tags the same") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  tagger.save(folder / "tagger", R"({"made_by": "a test"})");
  const Tagger loaded = Tagger::load(folder / "tagger");
  check_same(loaded.tag(texts), tagger.tag(texts));
  CHECK(loaded.labels().fingerprint() == tagger.labels().fingerprint());
  CHECK(loaded.settings().search_length == 9);
  CHECK(loaded.settings().label_length == 5);
  CHECK(loaded.settings().document_prompt == "query: ");
  CHECK(loaded.settings().label_prompt == "art ");
  CHECK(loaded.rule().k() == 4);
  CHECK(detail::read_json(folder / "tagger/lmtx/provenance.json")["made_by"] == "a test");
  SECTION("its folder is a model cut at the search length, with unit vectors") {
    CHECK(Encoder::load(folder / "tagger").max_length() == 9);
    const at::Tensor vector = Encoder::load(folder / "tagger").encode(std::vector<std::string_view>{"wine"});
    double squares = 0;
    for (int64_t j = 0; j < vector.size(1); ++j) squares += std::pow(vector.const_data_ptr<float>()[j], 2);
    CHECK(squares == Approx(1).margin(1e-5));
  }
  SECTION("it can be saved into the folder that it was loaded from") {
    loaded.save(folder / "tagger");
    check_same(Tagger::load(folder / "tagger").tag(texts), tagger.tag(texts));
  }
}

TEST_CASE("biases, removals and added rows are saved with a tagger") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  const std::vector<int64_t> first = {7}, second = {3};
  const LabelIndex index = tagger.index().with_bias(first, std::vector<float>{3}).with_removed(second);
  Tagger(tagger.encoder(), tagger.labels(), index, settings, DecisionRule::top(24)).save(folder / "tagger");
  const Tagger loaded = Tagger::load(folder / "tagger");
  const std::vector<Tag> tags = loaded.tag("peace");
  CHECK(tags.size() == words.size() - 1);
  CHECK(tags[0].number == 7);
  CHECK(tags[0].score > 2);
}

TEST_CASE("saving that fails leaves what was there, and a folder that is no tagger is left alone") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  tagger.save(folder / "tagger");
  const std::string before = detail::read_file(folder / "tagger/lmtx/settings.json");
  CHECK_THROWS_WITH(tagger.save(folder / "tagger", "{"), ContainsSubstring("provenance"));
  CHECK(detail::read_file(folder / "tagger/lmtx/settings.json") == before);
  fs::create_directories(folder / "precious");
  folder.write("precious/thesis.txt", "mine");
  CHECK_THROWS_WITH(tagger.save(folder / "precious"), ContainsSubstring("precious: is there already and is no tagger"));
  CHECK(detail::read_file(folder / "precious/thesis.txt") == "mine");
}

TEST_CASE("a tagger refuses parts that do not fit together") {
  const TemporaryFolder folder;
  const Tagger tagger = make_tagger(folder);
  const LabelSet few({Label{.uid = "a", .name = "a", .description = "", .other_names = {}, .broader = {}}});
  CHECK_THROWS_WITH(Tagger(tagger.encoder(), few, tagger.index(), settings), "`index` has rows of label number 23, but `labels` has only 1 labels.");
  const LabelIndex narrow = LabelIndex::build(tagger.index().search(embed(tagger.encoder(), {"a"}, 5, ""), 3).scores);
  CHECK_THROWS_WITH(Tagger(tagger.encoder(), tagger.labels(), narrow, settings),
                    "`index` must have vectors of 32 dimensions, as the encoder, but has 3 instead.");
  CHECK_THROWS_WITH(Tagger(tagger.encoder(), tagger.labels(), tagger.index(), {.search_length = 256}),
                    "`search_length` must lie between 2 and the model's 16 positions, but is 256 instead.");
}

TEST_CASE("lengths that are not given are the encoder's") {
  const TemporaryFolder folder;
  const Tagger given = make_tagger(folder);
  const Tagger tagger = Tagger::from_labels(given.encoder(), given.labels(), {.document_prompt = "", .label_prompt = ""});
  CHECK(tagger.settings().search_length == given.encoder().max_length());
  CHECK(tagger.settings().label_length == given.encoder().max_length());
  CHECK(Tagger(given.encoder(), given.labels(), given.index(), {.label_length = 7}).settings().label_length == 7);
}

TEST_CASE("a folder that is no whole tagger is named together with what is wrong") {
  const TemporaryFolder folder;
  const fs::path model = make_model(folder, "plain"), place = folder / "tagger", own = place / "lmtx";
  CHECK_THAT(fault_of(model), ContainsSubstring("plain: no tagger: it has no lmtx/settings.json"));
  make_tagger(folder).save(place);
  SECTION("newer") {
    edit_settings(own / "settings.json", "\"format\": 1", "\"format\": 3");
    CHECK_THAT(fault_of(place), ContainsSubstring("settings.json: written by a newer LMTX (format 3; this one reads up to 2)."));
  }
  SECTION("impossible settings") {
    edit_settings(own / "settings.json", "\"search_length\": 9", "\"search_length\": 900");
    CHECK_THAT(fault_of(place), ContainsSubstring("settings.json: its parts do not fit together. `search_length` must lie between 2 and"));
  }
  SECTION("settings that were never filled in") {
    edit_settings(own / "settings.json", "\"label_length\": 5", "\"label_length\": 0");
    CHECK_THAT(fault_of(place), ContainsSubstring("settings.json: its parts do not fit together. `label_length` must lie between 2 and"));
  }
  SECTION("missing settings") {
    edit_settings(own / "settings.json", "\"label_length\"", "\"label\"");
    CHECK_THAT(fault_of(place), ContainsSubstring("settings.json"));
  }
  SECTION("an unknown decision rule") {
    edit_settings(own / "settings.json", "top-k", "magic");
    CHECK_THAT(fault_of(place), ContainsSubstring("settings.json: the decision rule \"magic\" is one that this LMTX lacks."));
  }
  SECTION("labels cut off between two lines") {
    std::string labels = detail::read_file(own / "labels.jsonl");
    std::ofstream(own / "labels.jsonl") << labels.substr(0, labels.rfind('\n', labels.size() - 2) + 1);
    CHECK_THAT(fault_of(place), ContainsSubstring("labels.jsonl: expected 24 labels, but it has 23."));
  }
  SECTION("labels that changed") {
    edit(own / "labels.jsonl", "wine", "beer");
    CHECK_THAT(fault_of(place), ContainsSubstring("labels.jsonl: changed since the tagger was saved"));
  }
  SECTION("a missing index") {
    fs::remove_all(own / "index");
    CHECK_THAT(fault_of(place), ContainsSubstring("lmtx/index/manifest.json"));
  }
  SECTION("missing weights") {
    fs::remove(place / "model.safetensors");
    CHECK_THAT(fault_of(place), ContainsSubstring("model.safetensors"));
  }
}

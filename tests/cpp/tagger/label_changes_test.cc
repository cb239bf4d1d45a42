// Taggers whose labels change, against a simple model: a map of labels, and scores of all of them by the encoder.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "catch.h"
#include "data.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/random.h"
#include "lmtx/encoder.h"
#include "lmtx/near_duplicates.h"
#include "lmtx/search/label_index.h"
#include "lmtx/tagger.h"
#include "temporary_folder.h"

using namespace lmtx;
namespace fs = std::filesystem;

namespace {

using Uids = std::vector<std::string>;

const std::vector<std::string> words = {"carpet", "wine", "wool",   "red",   "clean", "stain", "tax",   "law", "bill",  "water",  "road", "school",
                                        "farm",   "bank", "health", "trade", "sea",   "war",   "peace", "art", "music", "energy", "oil",  "land"};

Encoder make_encoder(const TemporaryFolder& folder) {
  fs::copy(test::data_folder() / "models" / "bert", folder / "model", fs::copy_options::recursive);
  {
    std::ofstream vocabulary(folder / "model" / "vocab.txt");
    for (const char* special : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ":"}) vocabulary << special << '\n';
    for (const std::string& word : words) vocabulary << word << '\n';
  }
  std::ofstream(folder / "model" / "tokenizer_config.json") << R"({"do_lower_case": true, "tokenizer_class": "BertTokenizer"})";
  return Encoder::load(folder / "model");
}

Label label_of(const std::string& uid, const std::string& name) { return {.uid = uid, .name = name, .description = {}, .other_names = {}, .broader = {}}; }

// Unit vectors of texts, one encoder call a new text.
class Vectors {
 public:
  explicit Vectors(Encoder encoder) : encoder_(std::move(encoder)) {}

  const std::vector<float>& of(const std::string& text) {
    const auto [entry, is_new] = vectors_.try_emplace(text);
    if (is_new) {
      const std::string_view view = text;
      const at::Tensor row = encoder_.encode(std::span(&view, 1), {.max_length = 8, .prompt = "", .normalize = true});
      entry->second.assign(row.const_data_ptr<float>(), row.const_data_ptr<float>() + row.size(1));
    }
    return entry->second;
  }

  double cosine(const std::string& a, const std::string& b) {
    const std::vector<float>&x = of(a), &y = of(b);
    double sum = 0;
    for (size_t i = 0; i < x.size(); ++i) sum += static_cast<double>(x[i]) * y[i];
    return sum;
  }

 private:
  Encoder encoder_;
  std::map<std::string, std::vector<float>> vectors_;
};

const TaggerSettings all_texts = {
    .search_length = 8, .label_length = 8, .document_prompt = "", .label_prompt = "", .embed_other_names = true, .embed_descriptions = true};

std::vector<std::string> texts_of(const Label& label) {
  std::vector<std::string> texts = label.other_names;
  texts.push_back(label.name);
  if (!label.description.empty()) texts.push_back(label.name + ": " + label.description);
  return texts;
}

// What a tagger should know.
struct Model {
  std::map<int64_t, Label> labels;
  int64_t next = 0;

  std::map<int64_t, double> scores(Vectors& vectors, const std::string& text) const {
    std::map<int64_t, double> scores;
    for (const auto& [number, label] : labels) {
      double best = -2;
      for (const std::string& of_label : texts_of(label)) best = std::max(best, vectors.cosine(text, of_label));
      scores[number] = best;
    }
    return scores;
  }
};

// The same numbers but for ties: each rank has the score that it should have, and each label the score that is its own.
void check_tags(const std::vector<Tag>& tags, const std::map<int64_t, double>& scores, const Model& model, size_t k) {
  std::vector<double> ranked;
  for (const auto& [number, score] : scores) ranked.push_back(score);
  std::sort(ranked.rbegin(), ranked.rend());
  REQUIRE(tags.size() == std::min(k, ranked.size()));
  std::set<int64_t> seen;
  for (size_t i = 0; i < tags.size(); ++i) {
    REQUIRE(seen.insert(tags[i].number).second);
    REQUIRE(scores.contains(tags[i].number));
    CHECK(tags[i].uid == model.labels.at(tags[i].number).uid);
    CHECK(tags[i].label == model.labels.at(tags[i].number).name);
    CHECK_THAT(tags[i].score, Catch::Matchers::WithinAbs(ranked[i], 1e-5));
    CHECK_THAT(tags[i].score, Catch::Matchers::WithinAbs(scores.at(tags[i].number), 1e-5));
  }
}

class Soak {
 public:
  explicit Soak(uint64_t seed)
      : random_(detail::random_key(seed, "label changes")),
        encoder_(make_encoder(folder_)),
        vectors_(encoder_),
        tagger_(Tagger::from_labels(encoder_, LabelSet(), all_texts)) {}

  void step() {
    const int64_t what = model_.labels.empty() ? 0 : random_.below(20);
    if (what < 6) return add();
    if (what < 9) return remove();
    if (what < 12) return change();
    if (what < 13) return merge();
    if (what < 14) return save_and_load();
    if (what < 15) {
      tagger_ = tagger_.compact();
      return;
    }
    search();
  }

  void search() {
    const std::string text = some_text(3);
    const auto k = static_cast<size_t>(1 + random_.below(12));
    TagOptions options{.k = static_cast<int64_t>(k)};
    std::map<int64_t, double> scores = model_.scores(vectors_, text);
    if (random_.below(2) == 0) restrict_to_some(options, scores);
    check_tags(tagger_.tag(text, options), scores, model_, k);
  }

  void check_labels() {
    REQUIRE(tagger_.labels().size() == model_.next);
    REQUIRE(tagger_.labels().num_living() == static_cast<int64_t>(model_.labels.size()));
    for (const auto& [number, label] : model_.labels) {
      REQUIRE(tagger_.labels().find(label.uid) == number);
      REQUIRE(tagger_.labels()[number].name == label.name);
      REQUIRE(tagger_.labels()[number].other_names == label.other_names);
    }
  }

 private:
  const std::string& some_word() { return words[static_cast<size_t>(random_.below(static_cast<int64_t>(words.size())))]; }

  std::string some_text(int64_t most) {
    std::string text = some_word();
    for (int64_t i = random_.below(most); i > 0; --i) text += " " + some_word();
    return text;
  }

  std::pair<const int64_t, Label>& some_label() { return *std::next(model_.labels.begin(), random_.below(static_cast<int64_t>(model_.labels.size()))); }

  void restrict_to_some(TagOptions& options, std::map<int64_t, double>& scores) {
    LabelChoice choice;
    std::vector<std::string> allow;
    const int64_t share = 1 + random_.below(4);
    for (const auto& [number, label] : model_.labels) {
      if (random_.below(share) == 0) allow.push_back(label.uid);
      if (random_.below(5) == 0) choice.deny.push_back(label.uid);
    }
    // Now and then none at all.
    if (!allow.empty() || random_.below(4) == 0) choice.allow = allow;
    const std::set<std::string> allowed(allow.begin(), allow.end());
    for (const auto& [number, label] : model_.labels) {
      const bool denied = std::find(choice.deny.begin(), choice.deny.end(), label.uid) != choice.deny.end();
      if (denied || (choice.allow && !allowed.contains(label.uid))) scores.erase(number);
    }
    options.filter = std::make_shared<const LabelFilter>(choose_labels(tagger_.labels(), choice));
  }

  Label new_label() {
    // Now and then a uid that was in use before.
    std::string uid = "u" + std::to_string(random_.below(model_.next + 2));
    if (tagger_.labels().find(uid)) uid = "v" + std::to_string(model_.next) + "/" + std::to_string(fresh_++);
    Label label = label_of(uid, some_text(2));
    if (random_.below(3) == 0) label.other_names = {some_text(2)};
    if (random_.below(3) == 0) label.description = some_text(2);
    return label;
  }

  void add() {
    std::vector<Label> added{new_label()};
    if (random_.below(2) == 0) {
      if (Label second = new_label(); second.uid != added[0].uid) added.push_back(second);
    }
    tagger_ = tagger_.with_labels_added(added);
    for (const Label& label : added) model_.labels.emplace(model_.next++, label);
  }

  void remove() {
    const auto [number, label] = some_label();
    tagger_ = tagger_.with_labels_removed(std::vector<std::string>{label.uid});
    model_.labels.erase(number);
  }

  void change() {
    Label& label = some_label().second;
    const int64_t what = random_.below(3);
    if (what == 0) label.name = some_text(2);
    if (what == 1) label.description = some_text(2);
    if (what == 2) label.other_names = {some_text(2), some_text(2)};
    tagger_ = tagger_.with_labels_replaced(std::span(&label, 1));
  }

  void merge() {
    const auto [number, label] = some_label();
    auto& [into_number, into] = some_label();
    if (into_number == number) return;
    tagger_ = tagger_.with_label_merged(label.uid, into.uid);
    std::vector<std::string> names{label.name};
    names.insert(names.end(), label.other_names.begin(), label.other_names.end());
    for (const std::string& name : names) {
      if (name != into.name && std::find(into.other_names.begin(), into.other_names.end(), name) == into.other_names.end()) into.other_names.push_back(name);
    }
    model_.labels.erase(number);
  }

  void save_and_load() {
    tagger_.save(folder_ / "tagger");
    tagger_ = Tagger::load(folder_ / "tagger");
  }

  TemporaryFolder folder_;
  detail::KeyedRandom random_;
  Encoder encoder_;
  Vectors vectors_;
  Tagger tagger_;
  Model model_;
  int64_t fresh_ = 0;
};

void soak(uint64_t seed, int steps) {
  Soak soak(seed);
  for (int i = 0; i < steps; ++i) {
    CAPTURE(seed, i);
    soak.step();
    if (i % 10 == 0) soak.check_labels();
  }
  soak.check_labels();
  soak.search();
}

// Taxes below money; jazz and opera below music, opera below theatre, too.
std::vector<Label> branch_labels() {
  std::vector<Label> labels = {label_of("money", "bank"), label_of("tax", "tax"),   label_of("music", "music"),
                               label_of("jazz", "art"),   label_of("opera", "sea"), label_of("theatre", "land")};
  labels[1].broader = {"money"};
  labels[3].broader = {"music"};
  labels[4].broader = {"music", "theatre"};
  labels[0].groups = labels[2].groups = Uids{"top"};
  labels[4].groups = Uids{"top", "loud"};
  return labels;
}

std::vector<std::string> uids_of(const LabelSet& labels, const std::vector<int64_t>& numbers) {
  std::vector<std::string> uids;
  for (const int64_t number : numbers) uids.push_back(labels[number].uid);
  return uids;
}

}  // namespace

TEST_CASE("a tagger agrees with a simple model through random changes of its labels") { soak(1, 500); }

TEST_CASE("a tagger agrees with a simple model through 10,000 random changes of its labels", "[.long]") { soak(2, 10'000); }

TEST_CASE("a tagger with other labels leaves the one it was made of as it was") {
  const TemporaryFolder folder;
  const Tagger before = Tagger::from_labels(make_encoder(folder), LabelSet(branch_labels()), all_texts);
  const Tagger after = before.with_labels_removed(Uids{"tax"}).with_labels_added(std::vector<Label>{label_of("oil", "oil")});
  CHECK(before.tag("tax", {.k = 1})[0].uid == "tax");
  CHECK(before.tag("oil", {.k = 10}).size() == 6);
  CHECK(after.tag("oil", {.k = 1})[0].number == 6);
  CHECK(after.labels().find("tax") == std::nullopt);
  CHECK_THROWS_WITH(after.with_labels_removed(Uids{"tax"}), "No label has the uid `tax`.");
  CHECK_THROWS_WITH(after.with_labels_removed(Uids{"oil", "oil"}), "The uid `oil` is given twice.");
  CHECK_THROWS_WITH(after.with_label_merged("oil", "oil"), "A label cannot be merged into itself: `oil`.");
}

TEST_CASE("only texts that change are embedded anew") {
  const TemporaryFolder folder;
  TaggerSettings names_only = all_texts;
  names_only.embed_other_names = names_only.embed_descriptions = false;
  const Tagger tagger = Tagger::from_labels(make_encoder(folder), LabelSet(branch_labels()), names_only);
  Label label = tagger.labels()[1];
  label.description = "law";
  label.other_names = {"bill"};
  const Tagger described = tagger.with_labels_replaced(std::span(&label, 1));
  CHECK(described.index().num_segments() == 1);
  CHECK(described.labels()[1].description == "law");
  label.name = "bill";
  CHECK(described.with_labels_replaced(std::span(&label, 1)).tag("bill", {.k = 1})[0].uid == "tax");
}

TEST_CASE("what lies below a removed label lies below its broader labels, and below the one that it is merged into") {
  const TemporaryFolder folder;
  std::vector<Label> labels = branch_labels();
  labels.push_back(label_of("bebop", "wine"));
  labels.back().broader = {"jazz"};
  const Tagger tagger = Tagger::from_labels(make_encoder(folder), LabelSet(labels), all_texts);
  CHECK(tagger.with_labels_removed(Uids{"jazz"}).labels()[6].broader == Uids{"music"});
  CHECK(tagger.with_labels_removed(Uids{"jazz", "music"}).labels()[6].broader.empty());
  const Tagger merged = tagger.with_label_merged("music", "theatre");
  CHECK(merged.labels()[3].broader == Uids{"theatre"});
  CHECK(merged.labels()[4].broader == Uids{"theatre"});
  CHECK(merged.labels()[5].other_names == Uids{"music"});
  CHECK(merged.tag("music", {.k = 1})[0].uid == "theatre");
}

TEST_CASE("labels are chosen by uid, group and branch") {
  const LabelSet labels(branch_labels());
  const auto allowed = [&](const LabelChoice& choice) { return uids_of(labels, choose_labels(labels, choice).allow); };
  CHECK(choose_labels(labels, {.allow = Uids{}}).allow == std::vector<int64_t>{-1});
  CHECK(allowed({.allow = Uids{"tax", "opera"}}) == Uids{"tax", "opera"});
  CHECK(allowed({.groups = Uids{"top"}}) == Uids{"money", "music", "opera"});
  CHECK(allowed({.groups = Uids{"loud", "top"}, .within = Uids{"music"}}) == Uids{"music", "opera"});
  CHECK(allowed({.within = Uids{"theatre", "money"}}) == Uids{"money", "tax", "opera", "theatre"});
  CHECK(allowed({.groups = Uids{"mine"}, .members = {{"mine", {"tax"}}}}) == Uids{"tax"});
  CHECK(choose_labels(labels, {.deny = {"tax"}}).allow.empty());
  CHECK(choose_labels(labels, {.deny = {"tax"}}).deny == std::vector<int64_t>{1});
  CHECK_THROWS_WITH(choose_labels(labels, {.groups = Uids{"quiet"}}), "No label is in the group `quiet`.");
  CHECK_THROWS_WITH(choose_labels(labels, {.groups = Uids{"quiet"}, .members = {{"loud", {}}}}), "No label is in the group `quiet`.");
  CHECK_THROWS_WITH(choose_labels(labels, {.within = Uids{"opus"}}), "No label has the uid `opus`.");
}

TEST_CASE("conditions that no label meets leave no tags") {
  const TemporaryFolder folder;
  const Tagger tagger = Tagger::from_labels(make_encoder(folder), LabelSet(branch_labels()), all_texts);
  const auto none = std::make_shared<const LabelFilter>(choose_labels(tagger.labels(), {.allow = Uids{"tax"}, .within = Uids{"music"}}));
  CHECK(tagger.tag("tax", {.k = 3, .filter = none}).empty());
}

TEST_CASE("saving a changed tagger over the old one writes what is new only") {
  const TemporaryFolder folder;
  Tagger::from_labels(make_encoder(folder), LabelSet(branch_labels()), all_texts).save(folder / "tagger");
  const Tagger tagger = Tagger::load(folder / "tagger").with_labels_added(std::vector<Label>{label_of("oil", "oil")});
  std::map<fs::path, fs::file_time_type> before;
  const auto is_kept = [](const fs::path& file) { return file.filename() == "model.safetensors" || file.filename().string().starts_with("rows-"); };
  for (const auto& entry : fs::recursive_directory_iterator(folder / "tagger")) {
    if (is_kept(entry.path())) before[entry.path()] = entry.last_write_time();
  }
  REQUIRE(before.size() == 2);
  tagger.save(folder / "tagger");
  for (const auto& [file, time] : before) CHECK(fs::last_write_time(file) == time);
  CHECK(Tagger::load(folder / "tagger").tag("oil", {.k = 1})[0].uid == "oil");
}

TEST_CASE("a tagger without removed labels is saved in format 1, one with some in format 2") {
  const TemporaryFolder folder;
  const Tagger tagger = Tagger::from_labels(make_encoder(folder), LabelSet(branch_labels()), all_texts);
  tagger.save(folder / "whole");
  tagger.with_labels_removed(Uids{"tax"}).save(folder / "less");
  CHECK(detail::read_json(folder / "whole" / "lmtx" / "settings.json")["format"] == 1);
  CHECK(detail::read_json(folder / "less" / "lmtx" / "settings.json")["format"] == 2);
  const Tagger again = Tagger::load(folder / "less");
  CHECK(again.labels().size() == 6);
  CHECK(again.labels().num_living() == 5);
  CHECK(again.settings().embed_other_names);
  CHECK(again.settings().embed_descriptions);
  CHECK(again.with_labels_added(std::vector<Label>{label_of("tax", "tax")}).labels().find("tax") == 6);
}

TEST_CASE("names are compared without case, accents, hyphens and plural") {
  CHECK(detail::comparable_name("E-mails") == detail::comparable_name("e mail"));
  CHECK(detail::comparable_name("Résumé") == detail::comparable_name("resume"));
  CHECK(detail::comparable_name("C++") != detail::comparable_name("C#"));
  CHECK(detail::comparable_name("gas") != detail::comparable_name("ga"));
}

TEST_CASE("near duplicates are found by name and by vector, each pair once") {
  const TemporaryFolder folder;
  std::vector<Label> labels = branch_labels();
  labels.push_back(label_of("banks", "Banks"));
  labels.push_back(label_of("sea2", "sea"));
  labels[3].other_names = {"Music"};
  const Encoder encoder = make_encoder(folder);
  const Tagger tagger = Tagger::from_labels(encoder, LabelSet(labels), all_texts);
  std::set<std::pair<int64_t, int64_t>> by_name, by_vector, expected;
  for (const NearDuplicate& pair : find_near_duplicates(tagger, {.least_cosine = 2})) CHECK(by_name.emplace(pair.first, pair.second).second);
  CHECK(by_name == std::set<std::pair<int64_t, int64_t>>{{0, 6}, {2, 3}, {4, 7}});
  const float cut = 0.9f;
  for (const NearDuplicate& pair : find_near_duplicates(tagger, {.least_cosine = cut, .by_names = false})) {
    CHECK(by_vector.emplace(pair.first, pair.second).second);
    CHECK(pair.cosine >= cut);
  }
  Vectors vectors(encoder);
  for (int64_t i = 0; i < 8; ++i) {
    for (int64_t j = i + 1; j < 8; ++j) {
      for (const std::string& a : texts_of(labels[i])) {
        for (const std::string& b : texts_of(labels[j])) {
          if (vectors.cosine(a, b) >= cut) expected.emplace(i, j);
        }
      }
    }
  }
  CHECK(by_vector == expected);
  const auto of_one = find_near_duplicates(tagger, {.least_cosine = 2, .of = {"sea2"}});
  REQUIRE(of_one.size() == 1);
  CHECK(of_one[0].first == 4);
  CHECK(of_one[0].shared_name == "sea");
}

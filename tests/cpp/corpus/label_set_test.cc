// Labels: numbers, files, and what is said about bad ones; targets.
#include "lmtx/corpus/label_set.h"

#include "catch.h"
#include "lmtx/corpus/targets.h"
#include "temporary_folder.h"

namespace {

using lmtx::Label;
using lmtx::LabelSet;

const std::vector<Label> rich_labels = {
    {.uid = "dog", .name = "Dogs", .description = "Canis familiaris, \"man's best friend\"", .other_names = {"hounds", "chiens — σκύλοι"}, .broader = {"animal", "pet"}},
    {.uid = "animal", .name = "Animals", .description = {}, .other_names = {}, .broader = {}},
};

std::string open_error(const TemporaryFolder& folder, const std::string& text) {
  const std::filesystem::path file = folder.write("labels.jsonl", text);
  try {
    LabelSet::open(file);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what();
    CHECK_THAT(message, ContainsSubstring(file.string() + ":"));
    return message.substr(file.string().size() + 1);
  }
  return "no error";
}

}  // namespace

TEST_CASE("labels are found by number and by uid") {
  const LabelSet labels(rich_labels);
  CHECK(labels.size() == 2);
  CHECK(labels[1].name == "Animals");
  CHECK(labels.find("animal") == 1);
  CHECK_FALSE(labels.find("Animals"));
  CHECK_THROWS_AS(labels[2], std::out_of_range);
  CHECK_THROWS_WITH(labels[-1], "A label number must be in [0, 2), but is -1 instead.");
}

TEST_CASE("labels must have names and distinct uids") {
  const auto label = [](std::string uid, std::string name) { return Label{.uid = uid, .name = name, .description = {}, .other_names = {}, .broader = {}}; };
  CHECK_THROWS_WITH(LabelSet({label("a", "A"), label("", "B")}), "`labels[1]` must have a uid, but it is empty.");
  CHECK_THROWS_WITH(LabelSet({label("a", "")}), "`labels[0]` (uid `a`) must have a name, but it is empty.");
  CHECK_THROWS_WITH(LabelSet({label("a", "A"), label("b", "B"), label("a", "C")}), "`labels[2]` has the uid `a`, which labels[0] has, too.");
  CHECK_THROWS_AS(LabelSet({label("", "A")}), std::invalid_argument);
}

TEST_CASE("labels that were saved come back whole") {
  const TemporaryFolder folder;
  const LabelSet labels(rich_labels);
  labels.save(folder / "labels.jsonl");
  const LabelSet again = LabelSet::open(folder / "labels.jsonl");
  REQUIRE(again.size() == 2);
  for (int64_t i = 0; i < 2; ++i) {
    CHECK(again[i].uid == labels[i].uid);
    CHECK(again[i].name == labels[i].name);
    CHECK(again[i].description == labels[i].description);
    CHECK(again[i].other_names == labels[i].other_names);
    CHECK(again[i].broader == labels[i].broader);
  }
  CHECK(again.fingerprint() == labels.fingerprint());
}

TEST_CASE("labels with text that is not UTF-8 cannot be saved") {
  const TemporaryFolder folder;
  std::vector<Label> labels = rich_labels;
  labels[1].name = "caf\xe9";
  CHECK_THROWS_WITH(LabelSet(labels).save(folder / "labels.jsonl"), ContainsSubstring("labels[1] (uid `animal`) holds text that is not UTF-8."));
  CHECK_FALSE(std::filesystem::exists(folder / "labels.jsonl"));
}

TEST_CASE("the fingerprint of labels depends on every field and on order") {
  std::vector<Label> other = rich_labels;
  SECTION("uid") { other[0].uid = "cat"; }
  SECTION("name") { other[0].name = "Dog"; }
  SECTION("description") { other[1].description.push_back('x'); }
  SECTION("other names") { other[0].other_names.pop_back(); }
  SECTION("broader") { other[1].broader.push_back("x"); }
  SECTION("order") { std::swap(other[0], other[1]); }
  SECTION("where a word lies") {
    other[0].other_names.push_back("animal");
    other[0].broader.erase(other[0].broader.begin());
  }
  CHECK(LabelSet(other).fingerprint() != LabelSet(rich_labels).fingerprint());
}

TEST_CASE("a line that is no label is refused, naming file and line") {
  const TemporaryFolder folder;
  const std::string good = "{\"uid\": \"a\", \"title\": \"A\"}\n";
  CHECK_THAT(open_error(folder, good + "{"), ContainsSubstring("2: broken JSON"));
  CHECK(open_error(folder, good + "{\"title\": \"B\"}") == "2: `uid` is missing.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\"}") == "2: `title` is missing.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\", \"title\": \"\"}") == "2: `title` must not be empty.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\", \"title\": \"B\", \"description\": 1}") == "2: `description` must be a string, but is number instead.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\", \"title\": \"B\", \"alternatives\": \"c\"}") == "2: `alternatives` must be a list, but is string instead.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\", \"title\": \"B\", \"alternatives\": [\"c\", 1]}") ==
        "2: `alternatives[1]` must be a string, but is number instead.");
  CHECK(open_error(folder, good + "{\"uid\": \"b\", \"title\": \"B\", \"broader\": [true]}") ==
        "2: `broader[0]` must be a string or an integer, but is boolean instead.");
  CHECK(open_error(folder, good + "\n" + good) == "3: the uid `a` is taken by line 1.");
}

TEST_CASE("targets are sorted distinct label numbers, one list a document") {
  const TemporaryFolder folder;
  const std::filesystem::path file =
      folder.write("test.jsonl", "{\"uid\": \"a\", \"title\": \"x\", \"target_ind\": [5, 2, 5, 0]}\n\n{\"uid\": \"b\", \"title\": \"x\", \"target_ind\": []}\n");
  CHECK(lmtx::read_targets(file, 6) == std::vector<std::vector<int64_t>>{{0, 2, 5}, {}});
}

TEST_CASE("targets that are no label numbers are refused, naming file and line") {
  const TemporaryFolder folder;
  const auto message_of = [&](const std::string& fields) -> std::string {
    const std::filesystem::path file = folder.write("test.jsonl", "{\"target_ind\": [1]}\n{\"uid\": \"b\"" + fields + "}\n");
    try {
      lmtx::read_targets(file, 6);
    } catch (const std::runtime_error& error) {
      const std::string message = error.what();
      CHECK_THAT(message, ContainsSubstring(file.string() + ":2: "));
      return message.substr(file.string().size() + 4);
    }
    return "no error";
  };
  CHECK(message_of("") == "`target_ind` is missing.");
  CHECK(message_of(", \"target_ind\": null") == "`target_ind` is missing.");
  CHECK(message_of(", \"target_ind\": 3") == "`target_ind` must be a list of integers, but is number instead.");
  CHECK(message_of(", \"target_ind\": [1, \"x\"]") == "`target_ind` must be a list of integers, but holds `\"x\"`.");
  CHECK(message_of(", \"target_ind\": [1.5]") == "`target_ind` must be a list of integers, but holds `1.5`.");
  CHECK(message_of(", \"target_ind\": [6]") == "`target_ind` must hold label numbers in [0, 6), but holds 6.");
  CHECK(message_of(", \"target_ind\": [-1]") == "`target_ind` must hold label numbers in [0, 6), but holds -1.");
  CHECK(message_of(", \"target_ind\": [18446744073709551615]") == "`target_ind` must hold label numbers in [0, 6), but holds 18446744073709551615.");
}

namespace {

Label named(const std::string& uid, const std::string& name) { return {.uid = uid, .name = name, .description = {}, .other_names = {}, .broader = {}}; }

LabelSet many_labels(int64_t count) {
  std::vector<Label> labels;
  for (int64_t i = 0; i < count; ++i) labels.push_back(named("u" + std::to_string(i), "n" + std::to_string(i)));
  return LabelSet(labels);
}

}  // namespace

TEST_CASE("a removed label keeps its number, and is neither found, counted nor iterated") {
  const LabelSet before(rich_labels);
  const std::vector<int64_t> dog{0};
  const LabelSet after = before.with_removed(dog);
  CHECK(after.size() == 2);
  CHECK(after.num_living() == 1);
  CHECK_FALSE(after.find("dog"));
  CHECK_FALSE(after.is_living(0));
  CHECK(after.begin().number() == 1);
  CHECK(after.labels().size() == 1);
  CHECK_THROWS_WITH(after[0], "Label number 0 (uid `dog`) was removed.");
  CHECK_THROWS_WITH(after.with_removed(dog), "Label number 0 (uid `dog`) was removed.");
  CHECK_THROWS_WITH(after.number_of("dog"), "No label has the uid `dog`.");
  CHECK(before.find("dog") == 0);
  CHECK(after.fingerprint() != before.fingerprint());
}

TEST_CASE("a uid that was removed may come again, with another number") {
  const std::vector<int64_t> dog{0};
  const std::vector<Label> added{rich_labels[0]};
  const LabelSet again = LabelSet(rich_labels).with_removed(dog).with_added(added);
  CHECK(again.find("dog") == 2);
  CHECK_FALSE(again.is_living(0));
  CHECK_THROWS_WITH(again.with_added(added), "`labels[0]` has the uid `dog`, which label number 2 has, too.");
}

TEST_CASE("removed labels and groups come back from a file") {
  const TemporaryFolder folder;
  std::vector<Label> labels = rich_labels;
  labels[1].groups = {"life", "science"};
  const std::vector<int64_t> dog{0};
  const LabelSet saved = LabelSet(labels).with_removed(dog).with_added(std::vector<Label>{named("dog", "Hounds")});
  saved.save(folder / "labels.jsonl");
  const LabelSet again = LabelSet::open(folder / "labels.jsonl");
  CHECK(again.fingerprint() == saved.fingerprint());
  CHECK(again.size() == 3);
  CHECK(again.find("dog") == 2);
  CHECK(again[1].groups == labels[1].groups);
  CHECK_FALSE(again.is_living(0));
}

TEST_CASE("a label is replaced by one of the same uid") {
  const std::vector<int64_t> number{1};
  const LabelSet labels(rich_labels);
  CHECK(labels.with_replaced(number, std::vector<Label>{named("animal", "Beasts")})[1].name == "Beasts");
  CHECK(labels[1].name == "Animals");
  CHECK_THROWS_WITH(labels.with_replaced(number, std::vector<Label>{named("beast", "Beasts")}),
                    "`labels[0]` must have the uid `animal` of the label whose place it takes, but has `beast` instead.");
}

TEST_CASE("label sets share what they have in common, and none sees another's changes") {
  const LabelSet before = many_labels(5000);
  const std::vector<int64_t> removed{0, 1023, 1024, 4999};
  std::vector<Label> added;
  for (int i = 0; i < 3000; ++i) added.push_back(named("new" + std::to_string(i), "new"));
  const LabelSet after = before.with_removed(removed).with_added(added);
  CHECK(after.num_living() == 7996);
  CHECK(&after[2500] == &before[2500]);
  CHECK(before.num_living() == 5000);
  CHECK(before.find("u1024") == 1024);
  int64_t found = 0;
  for (auto label = after.begin(); label != after.end(); ++label) found += after.find(label->uid) == label.number() ? 1 : 0;
  CHECK(found == 7996);
}

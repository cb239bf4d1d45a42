#include "lmtx/roll_up.h"

#include <algorithm>
#include <stdexcept>

#include "catch.h"

using namespace lmtx;

namespace {

Label make_label(const std::string& uid, const std::vector<std::string>& broader) {
  Label label;
  label.uid = uid;
  label.name = "name of " + uid;
  label.broader = broader;
  return label;
}

// animal > mammal > cat, dog; pet > cat, dog; a circle of x and y.
const LabelSet labels({make_label("cat", {"mammal", "pet"}), make_label("dog", {"mammal", "pet", "not here"}), make_label("mammal", {"animal"}),
                       make_label("pet", {}), make_label("animal", {}), make_label("x", {"y"}), make_label("y", {"x"})});

Tag make_tag(const std::string& uid, float score, std::optional<float> probability) {
  const int64_t number = *labels.find(uid);
  return {.number = number, .uid = uid, .label = labels[number].name, .score = score, .probability = probability};
}

std::vector<std::string> uids(const std::vector<Tag>& tags) {
  std::vector<std::string> found;
  for (const Tag& tag : tags) found.push_back(tag.uid);
  return found;
}

}  // namespace

TEST_CASE("a broader label gets the best probability of its narrower ones") {
  const std::vector<Tag> rolled = roll_up(std::vector<Tag>{make_tag("dog", 0.5F, 0.6F), make_tag("cat", 0.4F, 0.3F), make_tag("pet", 0.2F, 0.1F)}, labels);
  CHECK(uids(rolled) == std::vector<std::string>{"dog", "pet", "mammal", "animal", "cat"});
  for (const Tag& tag : rolled) {
    CHECK(*tag.probability == (tag.uid == "cat" ? 0.3F : 0.6F));
    CHECK(tag.score == (tag.uid == "cat" ? 0.4F : 0.5F));
    CHECK(tag.label == "name of " + tag.uid);
  }
}

TEST_CASE("without probabilities scores decide") {
  const std::vector<Tag> rolled = roll_up(std::vector<Tag>{make_tag("mammal", 0.9F, {}), make_tag("cat", 0.4F, {})}, labels);
  CHECK(uids(rolled) == std::vector<std::string>{"mammal", "animal", "cat", "pet"});
  CHECK(rolled[1].score == 0.9F);
  CHECK(rolled[3].score == 0.4F);
  CHECK_FALSE(rolled[1].probability.has_value());
}

TEST_CASE("ancestors of other tags are dropped on request") {
  const std::vector<Tag> tags = {make_tag("animal", 0.9F, {}), make_tag("dog", 0.5F, {}), make_tag("x", 0.4F, {}), make_tag("y", 0.3F, {})};
  CHECK(uids(roll_up(tags, labels, {.drop_ancestors = true})) == std::vector<std::string>{"dog", "x", "y"});
  // Whatever was rolled up goes again.
  CHECK(uids(roll_up(roll_up(tags, labels), labels, {.drop_ancestors = true})) == std::vector<std::string>{"dog", "x", "y"});
}

TEST_CASE("no tags stay none, and a tag that the labels lack is refused") {
  CHECK(roll_up({}, labels).empty());
  Tag stranger = make_tag("cat", 0.5F, {});
  stranger.number = 99;
  CHECK_THROWS_AS(roll_up(std::vector<Tag>{stranger}, labels), std::out_of_range);
}

#include "lmtx/train/estimate.h"

#include "catch.h"
#include "trainer_fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

// Takes as many prompt tokens as the document has bytes, and one more a label.
class ByLength final : public TeacherOracle {
 public:
  std::string identity() const override { return "by length/1"; }
  void judge(std::span<const Question>, AnswerSink&) override { FAIL("an estimate must not ask"); }
  Usage estimate(const Question& question) const override {
    const auto labels = static_cast<int64_t>(question.labels.size()), length = static_cast<int64_t>(question.content.size());
    return {.prompt_tokens = labels * (length + 1), .cached_tokens = (labels - 1) * length, .completion_tokens = labels};
  }
};

class Silent final : public TeacherOracle {
 public:
  std::string identity() const override { return "silent/1"; }
  void judge(std::span<const Question>, AnswerSink&) override {}
};

Corpus documents_of_length(int64_t count, int64_t shortest, int64_t longest) {
  std::vector<Document> documents;
  for (int64_t i = 0; i < count; ++i)
    documents.push_back({.uid = uid("d", i), .title = {}, .content = std::string(static_cast<size_t>(i % 2 ? shortest : longest), 'x')});
  return Corpus::from_documents(std::move(documents));
}

// A store may be large: it is looked at only where the teacher cannot tell.
EarlierAnswers not_asked() {
  FAIL("the store was asked");
  return {};
}

const Plan plan{.documents = 50, .labels = num_topics, .development = 0, .cycles = 2, .questions = 100, .pairs_wanted = 500, .judgments = 500};

}  // namespace

TEST_CASE("documents of one length are estimated exactly") {
  const auto found = estimate(plan, ByLength(), documents_of_length(50, 30, 30), topic_labels(),
                              {.prompt = 1, .cached = 0.1, .completion = 5, .tokens_per_second = 10}, not_asked, 0);
  REQUIRE(found);
  CHECK(found->sampled == 50);
  // 100 questions of 5 labels.
  CHECK(found->prompt_tokens.value == Approx(500 * 31));
  CHECK(found->prompt_tokens.low == Approx(found->prompt_tokens.high));
  CHECK(found->computed_tokens.value == Approx(500 * 31 - 100 * 4 * 30));
  CHECK(found->completion_tokens.value == Approx(500));
  CHECK(found->cost->value == Approx((500 * 31 + 500 * 5) / 1e6));
  CHECK(found->cost_with_cache->value == Approx((500 * 31 - 12000 + 1200 + 500 * 5) / 1e6));
  CHECK(found->hours->value == Approx(500 * 32 / 10.0 / 3600));
  CHECK(found->hours_with_cache->value == Approx((500 * 32 - 12000) / 10.0 / 3600));
}

TEST_CASE("documents of several lengths are estimated with an interval around the truth") {
  const auto found = estimate(plan, ByLength(), documents_of_length(5000, 10, 100), topic_labels(), {}, not_asked, 0);
  REQUIRE(found);
  CHECK(found->sampled == 200);
  const double truth = 500 * 56;
  CHECK((found->prompt_tokens.low < truth && truth < found->prompt_tokens.high));
  CHECK(found->prompt_tokens.high - found->prompt_tokens.low < 0.4 * truth);
  CHECK_FALSE(found->cost);
  CHECK_FALSE(found->hours);
}

TEST_CASE("where the teacher cannot tell, earlier answers do, and without them nobody") {
  const Corpus documents = documents_of_length(50, 30, 30);
  CHECK_FALSE(estimate(plan, Silent(), documents, topic_labels(), {}, [] { return EarlierAnswers{}; }, 0));
  CHECK_FALSE(estimate(plan, Silent(), documents, topic_labels(), {}, [] { return EarlierAnswers{.judgments = 10, .usage = {}}; }, 0));
  const auto found = estimate(
      plan, Silent(), documents, topic_labels(), {.prompt = 2},
      [] { return EarlierAnswers{.judgments = 10, .usage = {.prompt_tokens = 1000, .completion_tokens = 20}}; }, 0);
  REQUIRE(found);
  CHECK(found->sampled == 0);
  CHECK(found->prompt_tokens.value == Approx(50'000));
  CHECK(found->completion_tokens.value == Approx(1000));
  CHECK(found->cost->value == Approx(0.1));
}

TEST_CASE("the limit that a plan reaches first is named") {
  Estimate taken;
  taken.prompt_tokens = {.value = 1000, .low = 0, .high = 0};
  taken.cost = taken.cost_with_cache = Interval{.value = 4, .low = 0, .high = 0};
  CHECK(first_limit({}, 500, taken).empty());
  CHECK(first_limit({.judgments = 500, .tokens = 1000}, 500, taken).empty());
  CHECK(first_limit({.judgments = 100}, 500, std::nullopt) == "judgments");
  CHECK(first_limit({.tokens = 900}, 500, taken) == "tokens");
  CHECK(first_limit({.tokens = 900, .cost = 1}, 500, taken) == "cost");
  // The estimate is of the 250 judgments that are left.
  CHECK(first_limit({.judgments = 250, .tokens = 900}, 500, taken) == "tokens");
  CHECK(first_limit({.judgments = 250, .tokens = 1100}, 500, taken) == "judgments");
  CHECK(first_limit({.seconds = 1}, 500, taken).empty());
}

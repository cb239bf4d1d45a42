#include "lmtx/train/report.h"

#include "catch.h"
#include "lmtx/detail/json.h"

using namespace lmtx;

namespace {

TrainingReport example() {
  TrainingReport report;
  report.teacher = "recorded:bills/1";
  report.inputs = {
      .documents = 1009, .labels = 4123, .empty_documents = 3, .repeated_documents = 20, .repeated_labels = 1, .cut_documents = 400, .cut_labels = 2};
  CycleReport cycle;
  cycle.training = {.questions = 1009, .pairs_wanted = 10090, .from_store = 12, .judgments = 9000, .abstentions = 1090, .missing = 1080, .yes = 3000};
  cycle.development = {.questions = 112, .pairs_wanted = 112, .judgments = 110, .abstentions = 2, .yes = 50};
  cycle.documents_with_yes = 870;
  cycle.documents_without_yes = 139;
  cycle.documents_left_over = 6;
  cycle.steps = 6;
  cycle.first_loss = 0.4125;
  cycle.last_loss = 0.21;
  cycle.development_precision = Interval{0.592, 0.5505, 0.634};
  cycle.accepted = true;
  report.cycles = {cycle, cycle};
  report.cycles[1].cycle = 1;
  report.cycles[1].development_precision.reset();
  report.cycles[1].development = {};
  report.total = cycle.training;
  report.untouched_precision = Interval{0.456, 0.41, 0.5};
  report.best_cycle = 0;
  report.ended = "no gain";
  report.notices = {"3 documents are empty."};
  report.student_folders = {"run/cycle-0/student", "run/cycle-1/student"};
  report.tagger_folder = "run/tagger";
  return report;
}

}  // namespace

TEST_CASE("a report's JSON gives metrics in per cent") {
  const detail::Json json = detail::parse_json(example().to_json(), "test");
  CHECK(json["format"] == 1);
  CHECK(json["untouched_precision@1"]["value"] == 45.6);
  CHECK(json["cycles"][0]["development_precision@1"]["low"] == 55.05);
  CHECK(json["inputs"]["cut_documents"] == 400);
  CHECK(json["cycles"][0]["training"]["judgments"] == 9000);
  CHECK(json["cycles"][0]["training"]["yes_rate"].get<double>() == Approx(100.0 / 3));
  CHECK(json["cycles"][1]["development_precision@1"].is_null());
  CHECK(json.begin().key() == "format");
}

TEST_CASE("a report is read back from its JSON") {
  const std::string text = example().to_json();
  const TrainingReport report = report_from_json(text);
  CHECK(report.to_json() == text);
  CHECK(report.to_string() == example().to_string());
  CHECK(report.cycles[0].development_precision->value == Approx(0.592));
}

TEST_CASE("what is no report is refused with its fault") {
  CHECK_THROWS_WITH(report_from_json("{}"), ContainsSubstring("report: `format`"));
  CHECK_THROWS_WITH(report_from_json(R"({"format": 2})"), "report: has format 2, but this version of LMTX reads up to 1; update LMTX.");
  std::string text = example().to_json();
  text.replace(text.find("\"pairs_wanted\": 10090"), 21, "\"pairs_wanted\": \"ten\"");
  CHECK_THROWS_WITH(report_from_json(text), ContainsSubstring("report: `pairs_wanted` must be"));
  text = example().to_json();
  text.replace(text.find("\"total\""), 7, "\"sum\"");
  CHECK_THROWS_WITH(report_from_json(text), "report: `total` is missing.");
}

TEST_CASE("a report prints as three tables and a sentence") {
  CHECK(example().to_string() == R"(Teacher: recorded:bills/1

cycle       questions  pairs wanted  from store  judgments  abstained  not asked  yes %
0               1,009        10,090          12      9,000      1,090          0   33.3
0 held out        112           112           0        110          2          0   45.5
1               1,009        10,090          12      9,000      1,090          0   33.3
all             1,009        10,090          12      9,000      1,090          0   33.3

cycle      trained on  without a yes  steps  first loss  last loss     held-out P@1 %
untouched                                                           45.6 [41.0, 50.0]
0                 870            139      6      0.4125     0.2100  59.2 [55.0, 63.4]  kept
1                 870            139      6      0.4125     0.2100                  -

cycle  judgments  points per 1,000 judgments
0          9,110                       +1.49
1          9,000                           -

The last cycle brought no gain on the held-out verdicts.
Tagger: run/tagger
Note: 3 documents are empty.
)");
}

TEST_CASE("a report says what each cycle cost and bought") {
  TrainingReport report = example();
  report.cycles[0].usage = {.prompt_tokens = 1234567, .cached_tokens = 1000000, .completion_tokens = 9000, .cost = 0.25, .seconds = 60};
  report.cycles[1].usage = {.prompt_tokens = 1000, .cost = 150};
  CHECK_THAT(report.to_string(), ContainsSubstring(R"(
cycle  judgments  prompt tokens     cached  answer tokens    cost  points per 1,000 judgments
0          9,110      1,234,567  1,000,000          9,000  0.2500                       +1.49
1          9,000          1,000          0              0     150                           -
)"));
  CHECK(report.usage().prompt_tokens == 1235567);
  const detail::Json json = detail::parse_json(report.to_json(), "test");
  CHECK(json["cycles"][0]["usage"]["cached_tokens"] == 1000000);
  CHECK(json["cycles"][0]["gain_per_1000_judgments"].get<double>() == Approx((59.2 - 45.6) / 9.11));
  CHECK(json["cycles"][1]["gain_per_1000_judgments"].is_null());
  CHECK(report_from_json(report.to_json()).cycles[0].usage == report.cycles[0].usage);
  // Reports of before have none.
  CHECK_FALSE(detail::parse_json(example().to_json(), "test")["cycles"][0].contains("usage"));
}

TEST_CASE("a report of nothing prints") {
  TrainingReport report;
  report.ended = "nothing to learn";
  CHECK_THAT(report.to_string(), ContainsSubstring("Nothing to learn: no document has a yes."));
  CHECK(report_from_json(report.to_json()).best_cycle == -1);
}

TEST_CASE("a plan prints what it takes of the teacher, with and without a prefix cache") {
  Plan plan{.judgments = 10000, .limit = "cost"};
  plan.estimate = Estimate{.sampled = 200,
                           .prompt_tokens = {3'000'000, 2'900'000, 3'100'000},
                           .computed_tokens = {1'000'000, 900'000, 1'100'000},
                           .completion_tokens = {10'000, 10'000, 10'000},
                           .cost = Interval{0.45, 0.43, 0.47},
                           .cost_with_cache = Interval{0.3, 0.28, 0.31},
                           .hours = std::nullopt,
                           .hours_with_cache = std::nullopt};
  CHECK_THAT(plan.to_string(), ContainsSubstring(R"(
prompt tokens  3,000,000 [2,900,000, 3,100,000]  from 200 questions
                 1,000,000 [900,000, 1,100,000]  with a prefix cache
answer tokens           10,000 [10,000, 10,000]
cost                    0.4500 [0.4300, 0.4700]
                        0.3000 [0.2800, 0.3100]  with a prefix cache
The budget's limit of cost is reached first.
)"));
}

TEST_CASE("a plan prints one figure a line") {
  const Plan plan{.documents = 1009, .labels = 4123, .development = 100, .cycles = 2, .questions = 2018, .pairs_wanted = 18380, .judgments = 10000};
  CHECK(plan.to_string() == R"(documents   1,009
labels      4,123
held out      100  documents, to measure each cycle
cycles          2  at most
questions   2,018  at most, one a document and cycle
pairs      18,380  at most, those in the store included
judgments  10,000  at most, charged to the budget
What this takes in tokens, money and time neither the teacher nor the store can tell.
)");
}

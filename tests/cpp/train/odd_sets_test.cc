// The whole curriculum where there is little, much or nothing to learn from: a sensible result or a clear sentence, and every document that was passed over is counted.
#include <cmath>

#include "catch.h"
#include "lmtx/tagger.h"
#include "lmtx/train/curriculum_trainer.h"
#include "workshop.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

TrainerOptions one_cycle() {
  TrainerOptions options = small_options();
  options.cycles = 1;
  return options;
}

bool notes(const TrainingReport& report, const std::string& text) {
  return std::any_of(report.notices.begin(), report.notices.end(), [&](const std::string& notice) { return notice.find(text) != std::string::npos; });
}

void check_finite(const TrainingReport& report) {
  for (const CycleReport& cycle : report.cycles) REQUIRE((std::isfinite(cycle.first_loss) && std::isfinite(cycle.last_loss)));
  for (const Tag& tag : Tagger::load(report.tagger_folder).tag("daa dab")) REQUIRE(std::isfinite(tag.score));
}

// All documents of a cycle are somewhere in its report.
void check_accounts(const TrainingReport& report) {
  for (const CycleReport& cycle : report.cycles) {
    for (const AskingReport& asked : {cycle.training, cycle.development})
      REQUIRE(asked.pairs_wanted == asked.judgments + asked.abstentions + asked.open + asked.over_budget);
  }
}

Verdict fail_by_turns(int64_t& turn) { return ++turn % 2 == 0 ? Verdict::fail("the server is busy") : Verdict::yes(); }

}  // namespace

TEST_CASE("Teachers of all tempers lead to a sensible result") {
  const Workshop workshop("tempers");
  SECTION("one that always says no") {
    const TrainingReport report = workshop.run(always(Verdict::no()), "run");
    REQUIRE(report.ended == "nothing to learn");
    REQUIRE(report.best_cycle == -1);
    REQUIRE(report.cycles[0].documents_without_yes == 54);
    REQUIRE(Tagger::load(report.tagger_folder).tag("daa").size() == 5);
    REQUIRE_THAT(report.notices.back(), ContainsSubstring("base encoder as it was"));
  }
  SECTION("one that always abstains") {
    const TrainingReport report = workshop.run(always(Verdict::abstain()), "run");
    REQUIRE(report.ended == "nothing to learn");
    REQUIRE(report.total.abstentions == 270);
  }
  SECTION("one that always says yes") {
    const TrainingReport report = workshop.run(always(Verdict::yes()), "run");
    REQUIRE(report.cycles[0].development_precision->value == 1);
    REQUIRE(report.ended == "no gain");
    REQUIRE(report.best_cycle == 0);
    check_finite(report);
  }
  SECTION("one that fails half the time") {
    int64_t turn = 0;
    const auto teacher = std::make_shared<ScriptedOracle>([&](std::string_view, std::string_view) { return fail_by_turns(turn); });
    TrainerOptions options = small_options();
    options.ask_rounds = 100;
    const TrainingReport report = workshop.run(teacher, "run", options);
    REQUIRE(report.cycles[0].training.judgments == 54 * 5);
    check_accounts(report);
  }
  SECTION("one that fails half the time, and few rounds: it stops with a count, and the same command goes on") {
    int64_t turn = 0;
    const auto teacher = std::make_shared<ScriptedOracle>([&](std::string_view, std::string_view) { return fail_by_turns(turn); });
    TrainerOptions options = small_options();
    options.ask_rounds = 1;
    int64_t stops = 0;
    for (bool done = false; !done; stops += !done) {
      try {
        check_accounts(workshop.run(teacher, "run", options));
        done = true;
      } catch (const PairsOpen& error) {
        REQUIRE_THAT(error.what(), ContainsSubstring("pairs are still open") && ContainsSubstring("the server is busy"));
        // 135 pairs, 67, 33, … and the same for those held out.
        REQUIRE(stops < 40);
      }
    }
    REQUIRE(stops > 5);
  }
}

TEST_CASE("Sets of all sizes lead to a sensible result") {
  const Workshop workshop("sizes");
  SECTION("one label") {
    const LabelSet one({topic_labels()[0]});
    const TrainingReport report = workshop.trainer(always(Verdict::yes()), small_options(), {}, topic_documents(20), one).run();
    REQUIRE(report.cycles[0].training.pairs_wanted == 18);
    check_finite(report);
    REQUIRE(Tagger::load(report.tagger_folder).tag("daa").size() == 1);
  }
  SECTION("fewer documents than a batch, and too few to hold any out") {
    const TrainingReport report = workshop.trainer(truthful(), small_options(), {}, topic_documents(3)).run();
    REQUIRE(report.ended != "");
    REQUIRE_FALSE(report.untouched_precision);
    REQUIRE_THAT(report.notices[0], ContainsSubstring("With 3 documents none is held out"));
  }
  SECTION("one document") { REQUIRE(workshop.trainer(always(Verdict::yes()), small_options(), {}, topic_documents(1)).run().best_cycle >= 0); }
  SECTION("a last batch that is not full") {
    const TrainingReport report = workshop.trainer(always(Verdict::yes()), one_cycle(), {}, topic_documents(30)).run();
    REQUIRE(report.cycles[0].documents_with_yes == 27);
    REQUIRE(report.cycles[0].documents_left_over == 3);
    REQUIRE(notes(report, "each pass leaves out 3 documents"));
  }
  SECTION("100,000 labels with 50 documents") {
    std::vector<Label> labels = topic_labels().labels();
    while (labels.size() < 100'000) labels.push_back({uid("n", static_cast<int64_t>(labels.size())), uid("x", static_cast<int64_t>(labels.size())), "", {}, {}});
    const auto teacher = std::make_shared<ScriptedOracle>(
        [](std::string_view document, std::string_view label) { return label[0] == 't' ? topic_truth(document, label) : Verdict::no(); });
    TrainerOptions options = one_cycle();
    options.search_token_budget = 8192;
    const TrainingReport report = workshop.trainer(teacher, options, {}, topic_documents(50), LabelSet(labels)).run();
    REQUIRE(report.inputs.labels == 100'000);
    REQUIRE(report.cycles[0].training.pairs_wanted == 45 * 5);
    check_accounts(report);
    check_finite(report);
  }
}

TEST_CASE("Texts of all kinds lead to a sensible result, and what is passed over is counted") {
  const Workshop workshop("texts");
  std::vector<Document> documents = topic_documents(20);
  SECTION("equal texts are judged once") {
    for (int64_t i = 20; i < 30; ++i) documents.push_back({uid("d", i), "daa dab", ""});
    const auto teacher = truthful();
    const TrainingReport report = workshop.trainer(teacher, small_options(), {}, documents).run();
    REQUIRE(report.inputs.repeated_documents == 9);
    REQUIRE_THAT(report.notices[0], ContainsSubstring("9 documents of 30 with the text of an earlier one"));
    REQUIRE(report.cycles[0].training.questions + report.cycles[0].development.questions == 21);
    for (const auto& [pair, times] : teacher->asked()) REQUIRE(pair.first != "d21");
  }
  SECTION("texts with nothing in them are neither asked about nor trained on") {
    // Nothing, white space, and what a tokenizer drops.
    for (const char* text : {"", " \t ", "\x01\x02"}) documents.push_back({uid("d", static_cast<int64_t>(documents.size())), text, ""});
    const auto teacher = truthful();
    const TrainingReport report = workshop.trainer(teacher, small_options(), {}, documents).run();
    REQUIRE(report.inputs.empty_documents == 3);
    REQUIRE(notes(report, "3 documents of 23 without any text"));
    REQUIRE(report.cycles[0].training.questions + report.cycles[0].development.questions == 20);
    for (const auto& [pair, times] : teacher->asked()) REQUIRE(std::stoll(pair.first.substr(1)) < 20);
  }
  SECTION("a prompt is no text of a document") {
    documents.push_back({uid("d", 20), "", ""});
    TrainerOptions options = one_cycle();
    options.document_prompt = "x ";
    REQUIRE(workshop.trainer(truthful(), options, {}, documents).run().inputs.empty_documents == 1);
  }
  SECTION("nothing but empty texts") {
    std::vector<Document> empty;
    for (int64_t i = 0; i < 12; ++i) empty.push_back({uid("d", i), "", ""});
    const TrainingReport report = workshop.trainer(truthful(), small_options(), {}, empty).run();
    REQUIRE(report.ended == "nothing to learn");
    REQUIRE(report.inputs.empty_documents == 12);
    REQUIRE(report.total.pairs_wanted == 0);
  }
  SECTION("a document of a million words is cut, and said to be") {
    std::string long_text;
    for (int64_t i = 0; i < 500'000; ++i) long_text += "daa dbb ";
    documents.push_back({uid("d", 20), "daa", long_text});
    const TrainingReport report = workshop.trainer(always(Verdict::yes()), one_cycle(), {}, documents).run();
    REQUIRE(report.inputs.cut_documents == 1);
    REQUIRE(notes(report, "1 document of 21 longer than 16 tokens: the rest is not read"));
    check_finite(report);
  }
  SECTION("labels that are too long are cut, and said to be") {
    std::vector<Label> labels = topic_labels().labels();
    for (int64_t i = 0; i < 20; ++i) labels[0].name += " laa";
    const TrainingReport report = workshop.trainer(truthful(), one_cycle(), {}, documents, LabelSet(labels)).run();
    REQUIRE(report.inputs.cut_labels == 1);
    REQUIRE(notes(report, "1 label of 20 longer than 15 tokens: the rest is not read"));
  }
  SECTION("labels that read alike are one question, and a shortlist has as many questions as ever") {
    std::vector<Label> labels = topic_labels().labels();
    for (int64_t i = 0; i < 20; ++i) labels.push_back({uid("t2", i), labels[i].name, "", {}, {}});
    const auto teacher = truthful();
    const TrainingReport report = workshop.trainer(teacher, small_options(), {}, documents, LabelSet(labels)).run();
    REQUIRE(report.inputs.repeated_labels == 20);
    REQUIRE(report.cycles[0].training.pairs_wanted == 18 * 5);
    for (const auto& [pair, times] : teacher->asked()) REQUIRE(std::stoll(pair.second.substr(1)) < 20);
    REQUIRE(report.best_cycle >= 0);
  }
  SECTION("of 10,000 labels with equal scores the first are taken") {
    std::vector<Label> labels;
    // No word of these is known to the tokenizer, so that they have one vector.
    for (int64_t i = 0; i < 10'000; ++i) labels.push_back({uid("q", i), uid("qq", i), "", {}, {}});
    const auto teacher = always(Verdict::yes());
    const TrainingReport report = workshop.trainer(teacher, one_cycle(), {}, documents, LabelSet(labels)).run();
    REQUIRE(teacher->asked().size() == 18 * 5 + 2);
    for (const auto& [pair, times] : teacher->asked()) REQUIRE(std::stoll(pair.second.substr(1)) < 5);
    check_finite(report);
  }
}

TEST_CASE("A training that runs away says which option to lower") {
  const Workshop workshop("runaway");
  TrainerOptions options = small_options();
  options.learning_rate = 1e30;
  REQUIRE_THROWS_WITH(workshop.run(truthful(), "run", options), ContainsSubstring("learning_rate"));
}

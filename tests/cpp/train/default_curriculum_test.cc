// The curriculum as the preset "default" goes through it: proposals from several sources, streams, students compared by the verdicts of all cycles.
#include <ATen/ops/equal.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.h"
#include "lmtx/detail/random.h"
#include "lmtx/encoder.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/train/asked_pairs.h"
#include "lmtx/train/asking_streams.h"
#include "lmtx/train/curriculum_trainer.h"
#include "trainer_fixtures.h"
#include "workshop.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

TrainerOptions small_default() {
  TrainerOptions options = preset("default");
  options.cycles = 3;
  options.document_length = 16;
  options.batch_size = 8;
  options.steps = 12;
  options.learning_rate = 5e-3;
  options.checkpoint_every = 3;
  options.search_token_budget = 256;
  // Of twenty labels a document has few that are far.
  options.mask_near = 2;
  return options;
}

Budget pairs(int64_t judgments) { return {.judgments = judgments}; }

int64_t count_right(const Tagger& tagger) {
  int64_t right = 0;
  const auto documents = topic_documents(num_documents);
  const auto tags = tagger.tag(std::span<const Document>(documents), {.k = 1});
  for (size_t i = 0; i < documents.size(); ++i) right += topic_truth(documents[i].uid, tags[i].at(0).uid).score() > 0.5;
  return right;
}

std::map<std::string, std::string> outcome(const fs::path& run) {
  auto files = contents(run / "tagger");
  files["report.json"] = detail::read_file(run / "report.json");
  return files;
}

std::string weights_of(const fs::path& folder) { return detail::read_file(folder / "model.safetensors"); }

// Says yes to half of all pairs, whatever they are.
std::shared_ptr<ScriptedOracle> guessing() {
  return std::make_shared<ScriptedOracle>([](std::string_view document, std::string_view label) {
    const std::string pair = std::string(document).append("/").append(label);
    return Verdict::score(detail::random_key(3, pair) % 2 == 0 ? 0.9 : 0.1);
  });
}

AskedPairs asked_of(const fs::path& run, int64_t cycle, const char* stage) { return AskedPairs::load(run / uid("cycle-", cycle) / stage); }

}  // namespace

TEST_CASE("A default run teaches a student within its budget, and asks nothing twice") {
  const Workshop workshop("default");
  const auto teacher = truthful();
  const TrainingReport report = workshop.run(teacher, "run", small_default(), pairs(300));
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == 1);
  const auto asked = static_cast<int64_t>(teacher->asked().size());
  CHECK(report.total.judgments == asked);
  CHECK(report.total.over_budget == 0);
  // A tenth is for documents held out, and need not all be of use.
  CHECK((asked >= 270 && asked <= 300));
  CHECK(report.ended == "cycles");
  REQUIRE(report.cycles.size() == 3);
  // Growing shares of 270.
  CHECK(report.cycles[0].training.judgments == 60);
  CHECK(report.cycles[1].training.judgments + report.cycles[0].training.judgments >= 150);
  CHECK(report.untouched_precision.has_value());
  CHECK(report.cycles[0].development_precision.has_value());
  REQUIRE(report.best_cycle >= 0);
  const Tagger tagger = Tagger::load(report.tagger_folder);
  const Tagger untouched = Tagger::from_labels(Encoder::load(workshop / "model"), topic_labels(), tagger.settings());
  CHECK(count_right(tagger) > count_right(untouched));
  CHECK((weights_of(report.tagger_folder) == weights_of(report.student_folders.at(static_cast<size_t>(report.best_cycle)))));
}

TEST_CASE("Each cycle of a default run says why it asked each pair, and draws some at random") {
  const Workshop workshop("streams");
  workshop.run(truthful(), "run", small_default(), pairs(300));
  std::set<int64_t> held_out, trained_on;
  for (int64_t cycle = 0; cycle < 3; ++cycle) {
    const AskedPairs asked = asked_of(workshop / "run", cycle, "asked"), measured = asked_of(workshop / "run", cycle, "measured");
    const auto streams = load_streams(workshop / "run" / uid("cycle-", cycle) / "streams", asked.num_pairs());
    CHECK(std::count(streams.begin(), streams.end(), AskingStream::random) >= 5);
    CHECK(std::count(streams.begin(), streams.end(), AskingStream::top) >= 20);
    for (int64_t i = 0; i < asked.num_documents(); ++i) trained_on.insert(asked.document(i));
    for (int64_t i = 0; i < measured.num_documents(); ++i) held_out.insert(measured.document(i));
  }
  // Of fifteen, as far as the pairs for them go.
  CHECK((held_out.size() >= 12 && held_out.size() <= 15));
  for (const int64_t document : held_out) CHECK(trained_on.count(document) == 0);
}

TEST_CASE("A default run's plan bounds what it asks") {
  const Workshop workshop("default plan");
  TrainerOptions options = small_default();
  const auto plan_with = [&](const Budget& budget) {
    return workshop.trainer(truthful(), options, {.folder = workshop / "run", .store = {}, .budget = budget}).plan();
  };
  const Plan plan = plan_with(pairs(300));
  CHECK(plan.development == 15);
  CHECK(plan.cycles == 3);
  CHECK(plan.questions == 180);
  CHECK(plan.pairs_wanted == 300);
  CHECK(plan.judgments == 300);
  CHECK(plan_with({}).judgments == 600);
  options.development = 0;
  CHECK(plan_with({}).judgments == 600);
  CHECK(plan_with({}).development == 0);
  // There are no more pairs.
  options.judgments_per_document = 100;
  CHECK(plan_with({}).judgments == 1200);
  // Asked by place, as in the paper.
  options = small_default();
  options.asking = "top";
  CHECK(plan_with(pairs(10000)).pairs_wanted == 3 * 45 * 10 + 1000);
}

TEST_CASE("A default run without a budget asks so many pairs a document") {
  const Workshop workshop("no budget");
  TrainerOptions options = small_default();
  options.judgments_per_document = 4;
  const TrainingReport report = workshop.run(truthful(), "run", options);
  CHECK((report.total.judgments >= 216 && report.total.judgments <= 240));
}

TEST_CASE("A default run that was stopped at many moments ends as one that was not, and asks nothing twice") {
  const Workshop workshop("default stopped");
  workshop.run(truthful(), "whole", small_default(), pairs(300));
  const auto teacher = truthful();
  detail::KeyedRandom random(1);
  int64_t stops = 0;
  for (bool done = false; !done;) {
    std::stop_source source;
    int64_t left = 1 + random.below(25);
    try {
      workshop.trainer(teacher, small_default(), {.folder = workshop / "run", .store = {}, .budget = pairs(300)})
          .run(
              [&](const Event&) {
                if (--left <= 0) source.request_stop();
              },
              source.get_token());
      done = true;
    } catch (const Stopped&) {
      REQUIRE(++stops < 1000);
    }
  }
  REQUIRE(stops >= 5);
  CHECK((outcome(workshop / "run") == outcome(workshop / "whole")));
  for (const auto& [pair, times] : teacher->asked()) REQUIRE(times == 1);
}

TEST_CASE("Where the teacher only guesses, the base encoder is kept, and the report says why") {
  const Workshop workshop("guessing");
  TrainerOptions options = small_default();
  options.accept_confidence = 0.99;
  options.patience = 2;
  const TrainingReport report = workshop.run(guessing(), "run", options, pairs(300));
  REQUIRE(report.best_cycle == -1);
  // Patience ended it.
  CHECK(report.ended == "no gain");
  CHECK(report.cycles.size() == 2);
  CHECK_THAT(report.notices.back(), ContainsSubstring("Training did not pay: on the documents held out no student was better than the base encoder"));
  const auto kept = Encoder::load(report.tagger_folder).model().parameters(), base = Encoder::load(workshop / "model").model().parameters();
  REQUIRE(kept.size() == base.size());
  for (size_t i = 0; i < base.size(); ++i) CHECK(at::equal(kept[i].second, base[i].second));
}

TEST_CASE("Labels that read alike are one question, also on documents held out") {
  const Workshop workshop("alike");
  std::vector<Label> labels;
  for (const char* kind : {"t", "u"}) {
    for (int64_t i = 0; i < num_topics; ++i)
      labels.push_back({.uid = uid(kind, i), .name = label_word(i), .description = {}, .other_names = {}, .broader = {}});
  }
  const auto teacher = truthful();
  workshop.trainer(teacher, small_default(), {.folder = workshop / "run", .store = {}, .budget = pairs(300)}, topic_documents(num_documents), LabelSet(labels))
      .run();
  CHECK(teacher->asked().size() >= 270);
  for (const auto& [pair, times] : teacher->asked()) {
    CHECK(times == 1);
    CHECK(pair.second.starts_with("t"));
  }
}

TEST_CASE("Students learn from the last cycle's verdicts alone where options say so") {
  const Workshop workshop("last cycle");
  TrainerOptions options = small_default();
  options.use_all_judgments = false;
  const TrainingReport report = workshop.run(truthful(), "run", options, pairs(300));
  for (const CycleReport& cycle : report.cycles) {
    CHECK(cycle.documents_with_yes + cycle.documents_without_yes == asked_of(workshop / "run", cycle.cycle, "asked").num_documents());
  }
}

TEST_CASE("A default run refuses files of its folder that are damaged, naming them") {
  const Workshop workshop("default damaged");
  const auto trainer = [&](const fs::path& folder) {
    return workshop.trainer(truthful(), small_default(), {.folder = folder, .store = {}, .budget = pairs(300)});
  };
  std::stop_source source;
  const auto stop_after_first = [&](const Event& event) {
    if (event.kind == Event::Kind::cycle) source.request_stop();
  };
  CHECK_THROWS_AS(trainer(workshop / "run").run(stop_after_first, source.get_token()), Stopped);
  const fs::path copy = workshop / "copy";
  for (const char* name : {"base/words", "base/vectors/training.npy", "base/vectors/view.json", "cycle-0/vectors/labels.npy", "cycle-0/proposals",
                           "cycle-0/ranked", "cycle-0/ranked-half", "cycle-0/untouched", "cycle-0/measured"}) {
    INFO(name);
    fs::remove_all(copy);
    fs::copy(workshop / "run", copy, fs::copy_options::recursive);
    std::string bytes = detail::read_file(copy / name);
    bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
    detail::write_file_atomically(copy / name, bytes);
    CHECK_THROWS_WITH(trainer(copy).run(), ContainsSubstring((copy / name).string()));
  }
  fs::remove_all(copy);
  fs::copy(workshop / "run", copy, fs::copy_options::recursive);
  CHECK_NOTHROW(trainer(copy).run());
}

// Runs of MACLR and RTS on a small world with a tiny encoder.
#include <algorithm>

#include "catch.h"
#include "lmtx/detail/json.h"
#include "lmtx/encoder.h"
#include "lmtx/stopped.h"
#include "lmtx/tagger.h"
#include "lmtx/train/array_file.h"
#include "unsupervised_fixtures.h"
#include "workshop.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

class TeacherlessWorkshop {
 public:
  explicit TeacherlessWorkshop(const std::string& name) : workshop_(name) {}

  CurriculumTrainer trainer(const TrainerOptions& options, const std::string& name = "run", std::vector<Document> documents = titled_documents(60)) const {
    return workshop_.trainer(nullptr, options, {.folder = workshop_ / name, .store = {}, .budget = {}}, std::move(documents));
  }
  TrainingReport run(const TrainerOptions& options, const std::string& name = "run", std::vector<Document> documents = titled_documents(60)) const {
    return trainer(options, name, std::move(documents)).run();
  }
  std::map<std::string, std::string> outcome(const std::string& name) const {
    auto files = contents(workshop_ / name / "tagger");
    files["report.json"] = detail::read_file(workshop_ / name / "report.json");
    return files;
  }
  std::string weights(const std::string& name) const { return outcome(name).at("model.safetensors"); }
  // Whether the encoder in the folder gives the vectors of the base.
  bool is_base(const fs::path& folder) const {
    const std::vector<std::string_view> texts = {"daa lab x3", "dbb"};
    const EncodeOptions options{.normalize = true};
    return Encoder::load(folder).encode(texts, options).equal(Encoder::load(workshop_ / "model").encode(texts, options));
  }
  fs::path operator/(const std::string& name) const { return workshop_ / name; }

 private:
  Workshop workshop_;
};

bool notices_have(const TrainingReport& report, const std::string& text) {
  return std::any_of(report.notices.begin(), report.notices.end(), [&](const std::string& notice) { return notice.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("A run without a teacher asks nothing and leaves a tagger and a report") {
  const std::string method = GENERATE("maclr", "rts");
  const TeacherlessWorkshop workshop("teacherless");
  const TrainerOptions options = tiny_unsupervised_options(method);
  const Plan plan = workshop.trainer(options).plan();
  CHECK(plan.documents == 60);
  CHECK(plan.judgments == 0);
  CHECK(plan.questions == 0);
  CHECK(plan.cycles == 0);

  const TrainingReport report = workshop.run(options);
  CHECK(report.teacher == "none");
  CHECK(report.ended == "stages");
  CHECK(report.cycles.empty());
  CHECK(report.total.judgments == 0);
  CHECK(report.best_cycle == -1);
  CHECK(report.inputs.documents == 60);
  CHECK(report.to_string().find("All stages are done.") != std::string::npos);
  REQUIRE(report.student_folders.size() == 1);
  CHECK(Tagger::load(report.tagger_folder).labels().size() == num_topics);
  CHECK(Encoder::load(report.student_folders[0]).dim() == 32);
  CHECK(notices_have(report, "The content that is nearest to a title is its own for "));
  CHECK_FALSE(fs::exists(workshop / "run" / "judgments.db"));
  CHECK_FALSE(workshop.is_base(report.tagger_folder));
  // A finished run gives its report.
  CHECK(workshop.run(options).notices == report.notices);
}

TEST_CASE("MACLR runs its phases and both stages, and keeps the last student only") {
  const TeacherlessWorkshop workshop("maclr");
  const TrainingReport report = workshop.run(tiny_unsupervised_options("maclr"));
  // Two phases, the second half, and the second stage.
  for (int64_t part = 0; part < 4; ++part) {
    const fs::path folder = workshop / "run" / uid("part-", part);
    CHECK(fs::exists(folder / "trained.json"));
    CHECK(fs::exists(folder / "student") == (part == 3));
    CHECK(fs::exists(folder / "clusters") == (part < 2));
    CHECK(fs::exists(folder / "pairs") == (part == 3));
    CHECK_FALSE(fs::exists(folder / "training"));
    const detail::Json trained = detail::read_json(folder / "trained.json");
    CHECK(trained["steps"].get<int64_t>() == (part < 2 ? 3 : part == 2 ? 6 : trained["steps"].get<int64_t>()));
  }
  CHECK_FALSE(fs::exists(workshop / "run" / "part-4"));
  ArrayFileReader clusters(workshop / "run" / "part-0" / "clusters", {"LMTXCLUS", 1, "file of clusters"});
  const auto numbers = clusters.next<int64_t>();
  // Of 60 documents 6 are too short, two of those without a title (those 41 and 53 are among both), and a twentieth of the others is held out.
  CHECK(numbers.size() > 45);
  CHECK(*std::max_element(numbers.begin(), numbers.end()) == 3);
  CHECK(notices_have(report, "Titles against contents of " + std::to_string(numbers.size()) + " documents: 12 steps, loss "));
  CHECK(notices_have(report, "Documents against likely labels in "));
}

TEST_CASE("Runs without a teacher give the same bytes twice, and others with another seed") {
  const std::string method = GENERATE("maclr", "rts");
  const TeacherlessWorkshop workshop("teacherless-same");
  TrainerOptions options = tiny_unsupervised_options(method);
  workshop.run(options, "a");
  workshop.run(options, "b");
  CHECK((workshop.outcome("a") == workshop.outcome("b")));
  options.seed = 1;
  workshop.run(options, "c");
  CHECK((workshop.weights("a") != workshop.weights("c")));
}

TEST_CASE("A run without a teacher that was stopped at many moments ends as one that was not") {
  const std::string method = GENERATE("maclr", "rts");
  const TeacherlessWorkshop workshop("teacherless-stopped");
  const TrainerOptions options = tiny_unsupervised_options(method);
  workshop.run(options, "whole");
  detail::KeyedRandom random(1);
  int64_t stops = 0;
  for (bool done = false; !done;) {
    std::stop_source source;
    const int64_t moment = 1 + random.below(12);
    int64_t events = 0;
    try {
      workshop.trainer(options).run(
          [&](const Event&) {
            if (++events >= moment) source.request_stop();
          },
          source.get_token());
      done = true;
    } catch (const Stopped&) {
      REQUIRE(++stops < 1000);
    }
  }
  CHECK(stops >= 5);
  CHECK((workshop.outcome("run") == workshop.outcome("whole")));
}

TEST_CASE("Runs without a teacher never look at true labels") {
  const std::string method = GENERATE("maclr", "rts");
  const TeacherlessWorkshop workshop("teacherless-gold");
  std::vector<std::string> weights;
  for (const int64_t shift : {0, 7}) {
    std::string lines;
    const auto documents = titled_documents(40);
    for (size_t i = 0; i < documents.size(); ++i)
      lines += detail::Json{{"uid", documents[i].uid},
                            {"title", documents[i].title},
                            {"content", documents[i].content},
                            {"target_ind", {(static_cast<int64_t>(i) + shift) % num_topics}}}
                   .dump() +
               "\n";
    detail::write_file_atomically(workshop / uid("documents", shift), lines);
    CurriculumTrainer(Encoder::load(workshop / "model"), Corpus::open(workshop / uid("documents", shift)), topic_labels(), nullptr,
                      tiny_unsupervised_options(method), {.folder = workshop / uid("run", shift), .store = {}, .budget = {}})
        .run();
    weights.push_back(workshop.weights(uid("run", shift)));
  }
  CHECK((weights[0] == weights[1]));
}

TEST_CASE("MACLR learns which content goes with a title") {
  const TeacherlessWorkshop workshop("maclr-learns");
  TrainerOptions options = tiny_unsupervised_options("maclr");
  options.steps = 60;
  options.clusters = "none";
  options.self_training_epochs = 0;
  options.dropout = false;
  options.regularization = 0;
  workshop.run(options);
  const detail::Json trained = detail::read_json(workshop / "run" / "part-0" / "trained.json");
  CHECK(trained["steps"] == 60);
  CHECK(trained["last_loss"].get<double>() < 0.7 * trained["first_loss"].get<double>());
  CHECK_FALSE(fs::exists(workshop / "run" / "part-1"));
}

TEST_CASE("RTS learns its pairs") {
  const TeacherlessWorkshop workshop("rts-learns");
  TrainerOptions options = tiny_unsupervised_options("rts");
  options.epochs = 4;
  workshop.run(options);
  const detail::Json trained = detail::read_json(workshop / "run" / "part-0" / "trained.json");
  CHECK(trained["last_loss"].get<double>() < 0.9 * trained["first_loss"].get<double>());
  CHECK_FALSE(fs::exists(workshop / "run" / "part-1"));
}

TEST_CASE("Each option of the methods without a teacher changes the student", "[.long]") {
  const TeacherlessWorkshop workshop("teacherless-options");
  const auto check_changes = [&](const std::string& method, const std::string& name, const std::string& value) {
    TrainerOptions options = tiny_unsupervised_options(method);
    set_option(options, name, value);
    workshop.run(options, method + "-" + name);
    INFO(name);
    CHECK((workshop.weights(method + "-" + name) != workshop.weights(method)));
  };
  workshop.run(tiny_unsupervised_options("maclr"), "maclr");
  workshop.run(tiny_unsupervised_options("rts"), "rts");
  for (const auto& [name, value] : std::map<std::string, std::string>{{"clusters", "none"},
                                                                      {"random_labels", "0"},
                                                                      {"regularization", "0.5"},
                                                                      {"title_deletion", "0"},
                                                                      {"inverse_cloze", "false"},
                                                                      {"self_training_epochs", "0"},
                                                                      {"self_training_rate", "1"},
                                                                      {"steps", "14"},
                                                                      {"mask_duplicates", "false"},
                                                                      {"temperature", "0.1"},
                                                                      {"final_rate", "0.5"},
                                                                      {"title_length", "3"}})
    check_changes("maclr", name, value);
  for (const auto& [name, value] : std::map<std::string, std::string>{{"segment_words", "2"},
                                                                      {"pair_titles", "false"},
                                                                      {"pair_labels", "false"},
                                                                      {"pair_title_segments", "false"},
                                                                      {"pair_segments", "false"},
                                                                      {"max_pairs", "50"},
                                                                      {"mask_duplicates", "false"},
                                                                      {"temperature", "0.1"}})
    check_changes("rts", name, value);
}

TEST_CASE("Sets with little to learn from without a teacher lead to a sensible result") {
  const std::string method = GENERATE("maclr", "rts");
  const TeacherlessWorkshop workshop("teacherless-odd");
  TrainerOptions options = tiny_unsupervised_options(method);
  SECTION("a single document") {
    const TrainingReport report = workshop.run(options, "run", titled_documents(1));
    CHECK(report.ended == "stages");
    CHECK(Tagger::load(report.tagger_folder).labels().size() == num_topics);
  }
  SECTION("documents that are all the same") {
    std::vector<Document> documents = titled_documents(30);
    for (Document& document : documents) document.title = documents[0].title, document.content = documents[0].content;
    const TrainingReport report = workshop.run(options, "run", documents);
    CHECK(report.ended == "stages");
    CHECK(report.inputs.repeated_documents == 29);
  }
  SECTION("documents without text") {
    std::vector<Document> documents = titled_documents(5);
    for (Document& document : documents) document.title = document.content = "";
    options.pair_labels = false;
    const TrainingReport report = workshop.run(options, "run", documents);
    CHECK(report.ended == "nothing to learn");
    CHECK(report.inputs.empty_documents + report.inputs.repeated_documents >= 5);
    CHECK(notices_have(report, "There is nothing to learn from"));
    CHECK(report.student_folders.empty());
    CHECK(workshop.is_base(report.tagger_folder));
  }
}

TEST_CASE("What makes no sense without a teacher is refused before anything is made") {
  const TeacherlessWorkshop workshop("teacherless-refused");
  TrainerOptions options = tiny_unsupervised_options("maclr");
  SECTION("clusters") {
    options.clusters = "10,x";
    CHECK_THROWS_WITH(workshop.trainer(options),
                      ContainsSubstring("`clusters` must be \"auto\", \"none\" or numbers from 2 on, such as \"250,500\", but is \"10,x\" instead."));
  }
  SECTION("prompts") {
    detail::write_file_atomically(workshop / "model" / "1_Pooling" / "config.json", R"({"word_embedding_dimension": 32, "include_prompt": false})");
    options.document_prompt = "x x ";
    CHECK_THROWS_WITH(workshop.trainer(options),
                      ContainsSubstring("needs prompts of equally many tokens, but `document_prompt` has 3 and `label_prompt` has "));
  }
  SECTION("titles without room") {
    options.title_length = 3;
    options.document_prompt = "x x ";
    CHECK_THROWS_WITH(workshop.trainer(options), ContainsSubstring("`document_prompt` must leave room for a text in 3 tokens"));
  }
  SECTION("a curriculum") {
    options.method = "curriculum";
    CHECK_THROWS_WITH(workshop.trainer(options), "A run needs a teacher, but none was given.");
  }
  CHECK_FALSE(fs::exists(workshop / "run"));
}

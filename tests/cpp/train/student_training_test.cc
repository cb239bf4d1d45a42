#include "lmtx/train/student_training.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <thread>

#include "catch.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/random.h"
#include "lmtx/stopped.h"
#include "student_task.h"
#include "temporary_folder.h"

using namespace lmtx;
using namespace lmtx::test;
namespace fs = std::filesystem;

namespace {

// Saved here by the process that a test kills.
const char* const victim_variable = "LMTX_TEST_VICTIM";

pid_t start_victim(const fs::path& folder) {
  ::setenv(victim_variable, folder.c_str(), 1);
  std::string program = "lmtx_test_train", test = "[victim]";
  char* arguments[] = {program.data(), test.data(), nullptr};
  pid_t process = 0;
  REQUIRE(::posix_spawn(&process, "/proc/self/exe", nullptr, nullptr, arguments, environ) == 0);
  ::unsetenv(victim_variable);
  return process;
}

// Kills the victim some time after it wrote its first checkpoint (its start-up takes longer than the training); false where it had ended by itself.
bool kill_after(pid_t process, std::chrono::milliseconds time, const fs::path& checkpoint) {
  const auto written = [&] { return fs::exists(checkpoint) ? fs::last_write_time(checkpoint) : fs::file_time_type::min(); };
  const fs::file_time_type before = written();
  int status = 0;
  while (written() == before) {
    if (::waitpid(process, &status, WNOHANG) == process) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::this_thread::sleep_for(time);
  ::kill(process, SIGKILL);
  ::waitpid(process, &status, 0);
  return WIFSIGNALED(status);
}

}  // namespace

TEST_CASE("training twice gives the same bits, and leaves the start alone") {
  Task task;
  at::set_num_threads(GENERATE(1, 2));
  task.options.epochs = 1;
  const auto before = task.start->clone();
  const StudentTrainingResult first = task.train(), second = task.train();
  CHECK(same_weights(*first.student, *second.student));
  CHECK_FALSE(same_weights(*first.student, *task.start));
  CHECK(same_weights(*before, *task.start));
  for (const auto& [name, parameter] : first.student->parameters()) CHECK_FALSE(parameter.requires_grad());
}

TEST_CASE("training reports what it did, and lowers the loss") {
  Task task;
  task.options.epochs = 20;
  const StudentTrainingResult result = task.train();
  CHECK(result.documents_with_yes == 50);
  CHECK(result.documents_without_yes == 10);
  CHECK(result.steps == 20 * 6);
  CHECK(result.last_loss < 0.75 * result.first_loss);
}

TEST_CASE("progress is told step by step") {
  const Task task;
  std::vector<int64_t> done;
  task.train({}, [&](const Event& event) {
    CHECK(event.stage == "train");
    CHECK(event.cycle == 0);
    CHECK(event.total == 24);
    if (event.done > 0) CHECK_THAT(event.message, ContainsSubstring("loss 0."));
    done.push_back(event.done);
  });
  REQUIRE(done.size() == 25);
  CHECK(done.back() == 24);
}

TEST_CASE("seed, cycle and dropout change the student") {
  Task task;
  const auto student = task.train().student;
  SECTION("seed") { task.options.seed = 1; }
  SECTION("dropout") { task.options.dropout = false; }
  CHECK_FALSE(same_weights(*task.train().student, *student));
}

TEST_CASE("training that is stopped between steps and resumed ends with the same bits") {
  const Task task;
  const TemporaryFolder folder;
  const auto uninterrupted = task.train();
  const auto [result, stops] = task.train_with_stops(folder.path(), [&](std::stop_source& source, const fs::path& checkpoints) {
    int64_t steps = 0;
    return task.train(
        checkpoints,
        [&](const Event&) {
          if (++steps == 6) source.request_stop();
        },
        source.get_token());
  });
  // Five steps a time: a stop loses nothing.
  CHECK(stops == 4);
  CHECK(same_weights(*result.student, *uninterrupted.student));
  CHECK(result.first_loss == uninterrupted.first_loss);
  CHECK(result.last_loss == uninterrupted.last_loss);
}

TEST_CASE("training that is stopped at random moments, in parts, ends with the same bits") {
  Task task;
  task.options.train_token_budget = 40;
  const TemporaryFolder folder;
  const auto uninterrupted = task.train();
  detail::KeyedRandom random(7);
  const auto [result, stops] = task.train_with_stops(folder.path(), [&](std::stop_source& source, const fs::path& checkpoints) {
    // The clock starts with the first finished step, so that there is progress each time.
    std::jthread timer;
    const auto wait = std::chrono::microseconds(random.below(20000));
    int64_t events = 0;
    return task.train(
        checkpoints,
        [&](const Event&) {
          if (++events == 2) timer = std::jthread([&source, wait] { std::this_thread::sleep_for(wait), source.request_stop(); });
        },
        source.get_token());
  });
  CHECK(stops > 0);
  CHECK(same_weights(*result.student, *uninterrupted.student));
}

TEST_CASE("the victim of the next test", "[.][victim]") {
  const char* folder = std::getenv(victim_variable);
  if (folder) Task().train(folder);
}

TEST_CASE("training that is killed at random moments ends with the same bits") {
  const Task task;
  const TemporaryFolder folder;
  detail::KeyedRandom random(11);
  int kills = 0;
  for (int i = 0; i < 5; ++i) {
    const auto time = std::chrono::milliseconds(random.below(30));
    kills += kill_after(start_victim(folder.path()), time, folder / "training.checkpoint");
  }
  CHECK(kills > 0);
  CHECK(same_weights(*task.train(folder.path()).student, *task.train().student));
  // What a kill leaves behind is cleared away.
  CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 1);
}

TEST_CASE("a finished training is not done again") {
  const Task task;
  const TemporaryFolder folder;
  const auto first = task.train(folder.path());
  int events = 0;
  const auto again = task.train(folder.path(), [&](const Event& event) {
    CHECK(event.done == event.total);
    ++events;
  });
  CHECK(events == 1);
  CHECK(same_weights(*first.student, *again.student));
  CHECK(first.last_loss == again.last_loss);
}

TEST_CASE("a checkpoint of another training is not used") {
  Task task;
  const TemporaryFolder folder;
  task.train(folder.path());
  SECTION("other options") { task.options.margin = 0.2; }
  SECTION("other verdicts") { task.judged[1].labels[0].score = 0; }
  SECTION("other weights") { at::Tensor(task.start->parameters()[0].second)[0][0] += 1; }
  CHECK(same_weights(*task.train(folder.path()).student, *task.train().student));
}

TEST_CASE("a damaged checkpoint is refused in one line") {
  const Task task;
  const TemporaryFolder folder;
  task.train(folder.path());
  const std::string whole = detail::read_file(folder / "training.checkpoint");
  folder.write("training.checkpoint", whole.substr(0, whole.size() / 2));
  CHECK_THROWS_WITH(task.train(folder.path()),
                    (folder / "training.checkpoint").string() + ": this training checkpoint is truncated or damaged. Delete it to have it made again.");
}

TEST_CASE("without a yes there is nothing to train") {
  Task task;
  for (JudgedDocument& document : task.judged) document.labels[0].score = 0.49;
  const StudentTrainingResult result = task.train();
  CHECK(result.student == nullptr);
  CHECK(result.steps == 0);
  CHECK(result.documents_without_yes == num_documents);
}

TEST_CASE("a loss that is no number ends training with the step and what to lower") {
  Task task;
  task.options.learning_rate = 1e30;
  CHECK_THROWS_WITH(task.train(), ContainsSubstring("Training diverged: the loss of step ") && ContainsSubstring("Lower `learning_rate` (now 1e+30)"));
}

TEST_CASE("judged documents and labels that the token files lack are refused") {
  Task task;
  SECTION("a document") {
    task.judged.push_back({num_documents, {{0, 1.0}}});
    CHECK_THROWS_WITH(task.train(), "The numbers of judged documents must be in [0, 60), the documents of the token file, but one is 60.");
  }
  SECTION("a label") {
    task.judged[0].labels[0].label = -1;
    CHECK_THROWS_WITH(task.train(), "The numbers of judged labels must be in [0, 20), the labels of the token file, but one is -1.");
  }
}

TEST_CASE("schedule and the limit of gradients change the student") {
  Task task;
  const auto student = task.train().student;
  SECTION("cosine") { task.options.schedule = "cosine"; }
  SECTION("constant") { task.options.schedule = "constant"; }
  SECTION("a limit below all gradients") { task.options.max_gradient_norm = 1e-9; }
  CHECK_FALSE(same_weights(*task.train().student, *student));
}

TEST_CASE("options that change nothing on the CPU leave the student as it is") {
  Task task;
  const auto student = task.train().student;
  SECTION("deterministic") { task.options.deterministic = true; }
  SECTION("float32") { task.options.dtype = "float32"; }
  SECTION("a limit above all gradients") { task.options.max_gradient_norm = 1e9; }
  CHECK(same_weights(*task.train().student, *student));
}

TEST_CASE("training in bfloat16 on the CPU is refused") {
  Task task;
  task.options.dtype = "bfloat16";
  CHECK_THROWS_WITH(task.train(), "`dtype` is \"bfloat16\", in which only cards that have it train, but the encoder is on cpu; take \"auto\" or \"float32\".");
}

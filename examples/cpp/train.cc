// Trains a tagger with a teacher written in C++: train MODEL DATA OUT [OPTION=VALUE ...]
//
// MODEL is a sentence-transformers folder, DATA a folder with labels.jsonl and train.jsonl or train.jsonl.gz (examples/us-bills-110 is one), OUT the work
// folder. The same command goes on after any interruption.
#include <algorithm>
#include <cctype>
#include <csignal>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <set>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lmtx/corpus/corpus.h>
#include <lmtx/corpus/document.h>
#include <lmtx/corpus/label_set.h>
#include <lmtx/encoder.h>
#include <lmtx/stopped.h>
#include <lmtx/teacher/teacher_oracle.h>
#include <lmtx/train/curriculum_trainer.h>
#include <lmtx/train/options.h>

namespace {

// The words of a text in lower case.
std::set<std::string> words_of(std::string_view text) {
  std::set<std::string> words;
  std::string word;
  for (const char c : std::string(text) + ' ') {
    if (std::isalnum(static_cast<unsigned char>(c))) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!word.empty()) {
      words.insert(std::exchange(word, {}));
    }
  }
  return words;
}

// Says yes when enough of a label's words occur in the document.
class WordTeacher final : public lmtx::TeacherOracle {
 public:
  explicit WordTeacher(double share) : share_(share) {}

  // Verdicts are kept under this name: the rule and its one setting. Whoever changes words_of() or the rule counts the 1 up.
  std::string identity() const override { return "words-of-the-label/1 share=" + std::to_string(share_); }

  void judge(std::span<const lmtx::Question> questions, lmtx::AnswerSink& answers) override {
    for (const lmtx::Question& question : questions) {
      if (answers.stop().stop_requested()) return;
      const std::set<std::string> document = words_of(lmtx::document_text(question.title, question.content));
      std::vector<lmtx::Verdict> verdicts;
      for (const lmtx::LabelToJudge& label : question.labels) verdicts.push_back(judge_label(document, label));
      answers.put(question, verdicts);
    }
  }

  // As many questions a call as there are; a teacher that waits for a server would rather take few, and several calls at once.
  lmtx::TeacherTraits traits() const override { return {.questions_per_call = 0}; }

 private:
  lmtx::Verdict judge_label(const std::set<std::string>& document, const lmtx::LabelToJudge& label) const {
    const std::set<std::string> words = words_of(label.name);
    if (words.empty()) return lmtx::Verdict::abstain();
    const auto found = std::count_if(words.begin(), words.end(), [&](const std::string& word) { return document.count(word) > 0; });
    return static_cast<double>(found) >= share_ * static_cast<double>(words.size()) ? lmtx::Verdict::yes() : lmtx::Verdict::no();
  }

  double share_;
};

volatile std::sig_atomic_t interrupted = 0;

// Draws progress on one line of standard error, with notices and ends of cycles above it; on Ctrl-C asks the run to stop.
class Progress {
 public:
  ~Progress() { clear_line(); }

  void operator()(const lmtx::Event& event) {
    if (interrupted) stop_.request_stop();
    clear_line();
    if (event.kind == lmtx::Event::Kind::progress) {
      if (event.cycle >= 0) std::cerr << "cycle " << event.cycle << ": ";
      std::cerr << event.stage << ' ' << event.done;
      if (event.total > 0) std::cerr << " of " << event.total;
      std::cerr << std::flush;
    } else {
      std::cerr << event.message << '\n';
    }
  }
  std::stop_token stop() const { return stop_.get_token(); }

 private:
  static void clear_line() { std::cerr << "\r\033[K" << std::flush; }

  std::stop_source stop_;
};

lmtx::TrainerOptions read_options(std::span<char*> arguments) {
  lmtx::TrainerOptions options = lmtx::preset("paper");
  for (const std::string_view argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == argument.npos) throw std::invalid_argument("expected OPTION=VALUE, but got " + std::string(argument));
    lmtx::set_option(options, argument.substr(0, equals), argument.substr(equals + 1));
  }
  return options;
}

lmtx::Corpus open_documents(const std::filesystem::path& folder) {
  const std::filesystem::path packed = folder / "train.jsonl.gz";
  return lmtx::Corpus::open(std::filesystem::exists(packed) ? packed : folder / "train.jsonl");
}

lmtx::TrainingReport run_and_show(lmtx::CurriculumTrainer& trainer) {
  Progress progress;
  return trainer.run(std::ref(progress), progress.stop());
}

void train(const std::filesystem::path& model, const std::filesystem::path& data, const std::filesystem::path& out, const lmtx::TrainerOptions& options) {
  const lmtx::LabelSet labels = lmtx::LabelSet::open(data / "labels.jsonl");
  const auto teacher = std::make_shared<WordTeacher>(/*share=*/0.6);
  lmtx::CurriculumTrainer trainer(lmtx::Encoder::load(model), open_documents(data), labels, teacher, options, {.folder = out});
  std::cout << trainer.plan().to_string() << '\n';

  const lmtx::TrainingReport report = run_and_show(trainer);
  std::cout << report.to_string();
}

}  // namespace

int main(int argc, char* argv[]) {
  if (argc < 4) {
    std::cerr << "usage: train MODEL DATA OUT [OPTION=VALUE ...]\n";
    return 2;
  }
  std::signal(SIGINT, [](int) { interrupted = 1; });
  try {
    train(argv[1], argv[2], argv[3], read_options(std::span(argv + 4, argv + argc)));
  } catch (const lmtx::Stopped& stopped) {
    std::cerr << "train: " << stopped.what() << '\n';
    return 130;
  } catch (const std::exception& error) {
    std::cerr << "train: " << error.what() << '\n';
    return dynamic_cast<const std::invalid_argument*>(&error) ? 2 : 1;
  }
}

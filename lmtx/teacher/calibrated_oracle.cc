#include "lmtx/teacher/calibrated_oracle.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/quote.h"

namespace lmtx {

namespace {

class CalibratingSink final : public AnswerSink {
 public:
  CalibratingSink(const Calibration& calibration, AnswerSink& answers) : calibration_(calibration), answers_(answers) {}

  void put(const Question& question, std::span<const Verdict> verdicts, const Usage& usage, std::string_view raw) override {
    std::vector<Verdict> calibrated;
    for (const Verdict& verdict : verdicts) calibrated.push_back(verdict.scored() ? Verdict::score(calibration_(verdict.score())) : verdict);
    answers_.put(question, calibrated, usage, raw);
  }

  std::stop_token stop() const override { return answers_.stop(); }

 private:
  const Calibration& calibration_;
  AnswerSink& answers_;
};

}  // namespace

CalibratedOracle::CalibratedOracle(std::shared_ptr<TeacherOracle> teacher, Calibration calibration, SharedStore store)
    : verdicts_(std::move(teacher), std::move(store)), calibration_(std::move(calibration)) {
  if (calibration_.teacher().empty() || calibration_.teacher() == verdicts_.identity()) return;
  throw std::invalid_argument("The calibration was fitted to the teacher " + detail::quote(calibration_.teacher(), 200) + ", but the teacher is " +
                              detail::quote(verdicts_.identity(), 200) + "; fit one to its own verdicts.");
}

std::string CalibratedOracle::identity() const { return verdicts_.identity() + "+" + calibration_.identity(); }
TeacherTraits CalibratedOracle::traits() const { return verdicts_.teacher().traits(); }
Usage CalibratedOracle::estimate(const Question& question) const { return verdicts_.estimate(question); }

void CalibratedOracle::judge(std::span<const Question> questions, AnswerSink& answers) {
  CalibratingSink sink(calibration_, answers);
  verdicts_.judge(questions, sink);
}

}  // namespace lmtx

// Questions that Python may keep: the library's own are views that live for one call.
#pragma once

#include <pybind11/pybind11.h>

#include <span>
#include <vector>

#include "lmtx/corpus/document.h"
#include "lmtx/corpus/label_set.h"
#include "lmtx/teacher/teacher_oracle.h"

namespace lmtx::python {

struct OwnedQuestion {
  Document document;
  // With uid, name and description.
  std::vector<Label> labels;
};

OwnedQuestion own(const Question& question);

// A Question over an OwnedQuestion, which must outlive it.
class QuestionView {
 public:
  explicit QuestionView(const OwnedQuestion& question);
  QuestionView(const QuestionView&) = delete;
  QuestionView& operator=(const QuestionView&) = delete;
  const Question& get() const { return question_; }

 private:
  std::vector<LabelToJudge> labels_;
  Question question_;
};

}  // namespace lmtx::python

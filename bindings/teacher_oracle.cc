// Teachers, also those written in Python.
#include "lmtx/teacher/teacher_oracle.h"

#include <pybind11/stl.h>
#include <pybind11/trampoline_self_life_support.h>

#include <mutex>
#include <shared_mutex>

#include "question.h"
#include "register.h"
#include "text.h"
#include "verdict.h"

namespace lmtx::python {
namespace {

const TeacherTraits defaults;

// The sink that a Python teacher sees. It outlives the library's when Python keeps it; then it refuses.
class PythonAnswerSink {
 public:
  explicit PythonAnswerSink(AnswerSink& sink) : sink_(&sink) {}

  void close() {
    const std::unique_lock lock(mutex_);
    sink_ = nullptr;
  }

  void put(const OwnedQuestion& question, const py::object& answers, const Usage& usage) {
    const std::vector<Verdict> verdicts = to_verdicts(answers, question);
    const QuestionView view(question);
    py::gil_scoped_release release;
    const std::shared_lock lock(mutex_);
    if (!sink_) throw std::invalid_argument("answers came after judge() had returned; they are not kept");
    sink_->put(view.get(), verdicts, usage);
  }

  bool stop_requested() const {
    py::gil_scoped_release release;
    const std::shared_lock lock(mutex_);
    return !sink_ || sink_->stop().stop_requested();
  }

 private:
  mutable std::shared_mutex mutex_;
  AnswerSink* sink_;
};

// Closes a sink, whatever way judge() ends. Without the GIL, as puts of other threads may need it to finish.
class ClosesSink {
 public:
  explicit ClosesSink(std::shared_ptr<PythonAnswerSink> sink) : sink_(std::move(sink)) {}
  ~ClosesSink() {
    py::gil_scoped_release release;
    sink_->close();
  }

 private:
  std::shared_ptr<PythonAnswerSink> sink_;
};

// Hands the virtual calls of the library to the methods of a Python subclass.
class PythonTeacher final : public TeacherOracle, public py::trampoline_self_life_support {
 public:
  std::string identity() const override {
    py::gil_scoped_acquire acquire;
    const py::object identity = overridden("identity")();
    if (!PyUnicode_Check(identity.ptr())) throw py::type_error("identity() of a teacher must return a str");
    return to_utf8(identity);
  }

  void judge(std::span<const Question> questions, AnswerSink& answers) override {
    py::gil_scoped_acquire acquire;
    const auto sink = std::make_shared<PythonAnswerSink>(answers);
    const ClosesSink closes_sink(sink);
    py::list owned;
    for (const Question& question : questions) owned.append(own(question));
    overridden("judge")(owned, sink);
  }

  TeacherTraits traits() const override {
    py::gil_scoped_acquire acquire;
    const py::function method = py::get_override(static_cast<const TeacherOracle*>(this), "traits");
    return method ? method().cast<TeacherTraits>() : TeacherOracle::traits();
  }

 private:
  py::function overridden(const char* name) const {
    py::function method = py::get_override(static_cast<const TeacherOracle*>(this), name);
    if (!method) throw py::type_error("a subclass of TeacherOracle must have a method " + std::string(name) + "()");
    return method;
  }
};

}  // namespace

void register_teacher_oracle(py::module_& m) {
  py::class_<TeacherTraits>(m, "TeacherTraits", "How a teacher likes to be asked. Immutable.")
      .def(py::init([](int64_t questions_per_call, int64_t concurrent_calls) { return TeacherTraits{questions_per_call, concurrent_calls}; }), py::kw_only(),
           py::arg("questions_per_call") = defaults.questions_per_call, py::arg("concurrent_calls") = defaults.concurrent_calls)
      .def_readonly("questions_per_call", &TeacherTraits::questions_per_call, "Questions that one call of judge() likes to get; 0: all there are.")
      .def_readonly("concurrent_calls", &TeacherTraits::concurrent_calls, "Calls of judge() that may run at once; 1: only on the thread that called run().")
      .def("__repr__", [](const TeacherTraits& traits) {
        return py::str("TeacherTraits(questions_per_call={}, concurrent_calls={})").format(traits.questions_per_call, traits.concurrent_calls);
      });
  py::class_<PythonAnswerSink, std::shared_ptr<PythonAnswerSink>>(m, "AnswerSink", "Takes the answers of a teacher, from any thread.")
      .def("put", &PythonAnswerSink::put, py::arg("question"), py::arg("verdicts"), py::kw_only(), py::arg("usage") = Usage{},
           "Answers a question, or a part() of one: for each label a Verdict, a score, a boolean or None (abstains). Stored when it returns.")
      .def_property_readonly("stop_requested", &PythonAnswerSink::stop_requested,
                             "True when the run wants to end: return soon, what is open is asked next time.");
  py::class_<TeacherOracle, PythonTeacher, py::smart_holder>(m, "TeacherOracle",
                                                             "Judges whether labels fit documents. Subclass it: identity() names everything that can change a verdict, "
                                                             "judge(questions, answers) answers each question with answers.put(question, verdicts); traits() is optional.\n\n"
                                                             "    class Keywords(lmtx.TeacherOracle):\n"
                                                             "        def identity(self):\n"
                                                             "            return \"keywords/1\"\n\n"
                                                             "        def judge(self, questions, answers):\n"
                                                             "            for question in questions:\n"
                                                             "                answers.put(question, [label.name in question.text for label in question.labels])\n")
      .def(py::init<>())
      .def("identity", &TeacherOracle::identity, py::call_guard<py::gil_scoped_release>(),
           "Names everything that can change a verdict (model, prompt, cut, decoding): judgments are reused under this name.")
      .def("traits", &TeacherOracle::traits, py::call_guard<py::gil_scoped_release>());
}

}  // namespace lmtx::python

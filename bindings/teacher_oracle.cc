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

  void put(const OwnedQuestion& question, const py::object& answers, const Usage& usage, const Text& raw) {
    const std::vector<Verdict> verdicts = to_verdicts(answers, question);
    const QuestionView view(question);
    py::gil_scoped_release release;
    const std::shared_lock lock(mutex_);
    if (!sink_) throw std::invalid_argument("answers came after judge() had returned; they are not kept");
    sink_->put(view.get(), verdicts, usage, raw.utf8);
  }

  bool open() const {
    py::gil_scoped_release release;
    const std::shared_lock lock(mutex_);
    return sink_ != nullptr;
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

  Usage estimate(const Question& question) const override {
    py::gil_scoped_acquire acquire;
    const py::function method = py::get_override(static_cast<const TeacherOracle*>(this), "estimate");
    return method ? method(own(question)).cast<Usage>() : TeacherOracle::estimate(question);
  }

  std::string pending_advice() const override {
    py::gil_scoped_acquire acquire;
    const py::function method = py::get_override(static_cast<const TeacherOracle*>(this), "pending_advice");
    return method ? to_utf8(method()) : TeacherOracle::pending_advice();
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

void register_teacher_traits(py::module_& m) {
  py::class_<TeacherTraits>(m, "TeacherTraits", R"(How a teacher likes to be asked. Immutable.

Example:
    >>> lmtx.TeacherTraits(questions_per_call=32)
    TeacherTraits(questions_per_call=32, concurrent_calls=1))")
      .def(py::init([](int64_t questions_per_call, int64_t concurrent_calls) { return TeacherTraits{questions_per_call, concurrent_calls}; }), py::kw_only(),
           py::arg("questions_per_call") = defaults.questions_per_call, py::arg("concurrent_calls") = defaults.concurrent_calls,
           R"(Traits, which the trainer checks.

Args:
    questions_per_call: Questions that one call of judge() likes to get; 0: all there are.
    concurrent_calls: Calls of judge() that may run at once; 1: only on the thread that called run().)")
      .def_readonly("questions_per_call", &TeacherTraits::questions_per_call, "int: questions that one call of judge() likes to get; 0: all there are.")
      .def_readonly("concurrent_calls", &TeacherTraits::concurrent_calls,
                    "int: calls of judge() that may run at once; 1: only on the thread that called run().")
      .def("__repr__", [](const TeacherTraits& traits) {
        return py::str("TeacherTraits(questions_per_call={}, concurrent_calls={})").format(traits.questions_per_call, traits.concurrent_calls);
      });
}

void register_answer_sink(py::module_& m) {
  py::class_<PythonAnswerSink, std::shared_ptr<PythonAnswerSink>>(m, "AnswerSink",
                                                                  R"(Takes the answers of a teacher, from any thread, until its judge() returns.

Example:
    >>> class Halves(lmtx.TeacherOracle):
    ...     def identity(self):
    ...         return 'halves/1'
    ...
    ...     def judge(self, questions, answers):
    ...         for question in questions:
    ...             if answers.stop_requested:
    ...                 return
    ...             middle = len(question) // 2
    ...             for part in (question.part(range(middle)), question.part(range(middle, len(question)))):
    ...                 answers.put(part, [label.name in question.text for label in part.labels], usage=lmtx.Usage(prompt_tokens=100))
    >>> Halves()
    Halves(identity='halves/1'))")
      .def("put", &PythonAnswerSink::put, py::arg("question"), py::arg("verdicts"), py::kw_only(), py::arg("usage") = Usage{}, py::arg("raw") = Text{},
           R"(Answers a question, or a part() of one. Stored when it returns.

Args:
    verdicts: For each label a Verdict, a score in [0, 1], a bool or None (abstains).
    usage: What the answer cost.
    raw: What the teacher said, word for word, where it is to be kept beside the verdicts.

Raises:
    ValueError: For another number of verdicts, one that is none (naming document and label), a question that was not asked, or after judge() returned.
    RuntimeError: When the store cannot be written; judge() should let it pass.

Example:
    >>> class Careful(lmtx.TeacherOracle):
    ...     def identity(self):
    ...         return 'careful/1'
    ...
    ...     def judge(self, questions, answers):
    ...         for question in questions:
    ...             answers.put(question, [0.9 if label.name in question.text else 0.1 for label in question.labels], usage=lmtx.Usage(cost=0.001))
    >>> options = {'base': 'model', 'out': 'careful-run', 'progress': False, 'cycles': 1, 'development': 0, 'batch_size': 10}
    >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher=Careful(), **options).report.total
    AskingReport(pairs_wanted=600, judgments=600, abstentions=0, yes_rate=0...))")
      .def_property_readonly("stop_requested", &PythonAnswerSink::stop_requested,
                             "bool: True when the run wants to end: return soon, what is open is asked next time.")
      .def("__repr__", [](const PythonAnswerSink& sink) { return sink.open() ? "AnswerSink(open)" : "AnswerSink(closed)"; });
}

// The class, whatever Python derived, and its name for itself where it has one.
py::str to_string(const py::object& teacher) {
  const py::object name = py::type::of(teacher).attr("__name__");
  try {
    return py::str("{}(identity={!r})").format(name, teacher.attr("identity")());
  } catch (const py::error_already_set&) {
    return py::str("{}()").format(name);
  }
}

}  // namespace

void register_teacher_oracle(py::module_& m) {
  register_teacher_traits(m);
  register_answer_sink(m);
  py::class_<TeacherOracle, PythonTeacher, py::smart_holder>(m, "TeacherOracle", R"(Judges whether labels fit documents. To be derived from.

identity() names everything that can change a verdict; judge(questions, answers), with a list of Question and an AnswerSink, answers each question with
answers.put(question, verdicts); traits(), estimate() and pending_advice() are optional. What is not answered when judge() returns is asked again. An exception
ends the run and comes out of it, TeacherError where going on makes no sense.

Example:
    >>> class Keywords(lmtx.TeacherOracle):
    ...     def identity(self):
    ...         return 'keywords/1'
    ...
    ...     def judge(self, questions, answers):
    ...         for question in questions:
    ...             answers.put(question, [label.name in question.text for label in question.labels])
    >>> Keywords()
    Keywords(identity='keywords/1')
    >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher=Keywords(), base='model', out='keywords-run', progress=False, cycles=1, development=0, batch_size=10)
    Tagger(12 labels, dim=32, search_length=64, k=5))")
      .def(py::init<>(), "To be called by derived classes that have a constructor: super().__init__().")
      .def("identity", &TeacherOracle::identity, py::call_guard<py::gil_scoped_release>(),

           R"(str: names everything that can change a verdict (model, prompt, cut, decoding): judgments are reused under this name. TypeError
where it is no str.

Example:
    >>> lmtx.RecordedOracle.open('verdicts.jsonl').identity()
    'perfect/1')")
      .def(
          "estimate", [](const TeacherOracle& teacher, const OwnedQuestion& question) { return teacher.estimate(QuestionView(question).get()); },
          py::arg("question"), py::call_guard<py::gil_scoped_release>(),
          R"(Usage: what answering a question would come to, as far as can be told without asking; zeros where unknown. Plans add it up.

`cached_tokens` are those prompt tokens that a server with a prefix cache need not compute.

Example:
    >>> question = lmtx.Question(lmtx.Document('d1', content='A tax on tea.'), [lmtx.Label('l1', 'tax')])
    >>> lmtx.ScriptedOracle(lambda document, label: True).estimate(question)
    Usage(prompt_tokens=0, cached_tokens=0, completion_tokens=0, cost=0, seconds=0))")
      .def("pending_advice", &TeacherOracle::pending_advice, py::call_guard<py::gil_scoped_release>(),
           R"(str: what is to be done about questions that judge() left open, where they are answered elsewhere and later.

A run then offers each question once and ends with this advice. '' where it is worth asking again at once.

Example:
    >>> lmtx.BatchFileOracle('batch', lmtx.ChatProtocol('llama')).pending_advice()
    'Their requests are in batch/requests; put the answers into batch/answers (lmtx batch import batch FILE), and run the same command again.')")
      .def("traits", &TeacherOracle::traits, py::call_guard<py::gil_scoped_release>(),
           R"(TeacherTraits: how it likes to be asked; one question a call unless overridden.

Example:
    >>> lmtx.ScriptedOracle(lambda document, label: True, traits=lmtx.TeacherTraits(questions_per_call=8)).traits()
    TeacherTraits(questions_per_call=8, concurrent_calls=1))")
      .def("__repr__", &to_string);
}

}  // namespace lmtx::python

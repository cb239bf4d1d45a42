// Exceptions that Python has no name for; the others map as pybind11 maps the standard ones (ValueError, IndexError, RuntimeError).
#include <c10/util/Exception.h>

#include "lmtx/stopped.h"
#include "lmtx/teacher/teacher_oracle.h"
#include "lmtx/train/curriculum_trainer.h"
#include "register.h"

namespace lmtx::python {
namespace {

py::handle pairs_open_type;

void translate_pairs_open(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const PairsOpen& error) {
    const py::object instance = pairs_open_type(error.what());
    instance.attr("pairs") = error.pairs;
    PyErr_SetObject(pairs_open_type.ptr(), instance.ptr());
  }
}

// Torch's own message carries a C++ backtrace of a page.
void translate_torch(std::exception_ptr pointer) {
  try {
    if (pointer) std::rethrow_exception(pointer);
  } catch (const c10::Error& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what_without_backtrace());
  }
}

}  // namespace

void register_errors(py::module_& m) {
  py::register_exception_translator(translate_torch);
  py::register_exception<Stopped>(m, "Stopped", PyExc_RuntimeError).doc() =
      R"(Long work ended because the program asked it to; the same call goes on from there. Ctrl-C raises KeyboardInterrupt instead.

Example:
    >>> issubclass(lmtx.Stopped, RuntimeError)
    True)";
  auto& teacher_error = py::register_exception<TeacherError>(m, "TeacherError", PyExc_RuntimeError);
  teacher_error.doc() = R"(The teacher cannot go on (wrong key, server gone). What it answered is kept. Teachers in Python may raise it.

Example:
    >>> def ask(document: str, labels: list[str]) -> list[float | bool | None]:
    ...     raise lmtx.TeacherError('401: the key is wrong')
    >>> lmtx.train('train.jsonl', 'labels.jsonl', teacher=ask, teacher_identity='my-llm/1', base='model', out='failed-run', progress=False)
    Traceback (most recent call last):
    TeacherError: 401: the key is wrong)";
  pairs_open_type = py::exception<PairsOpen>(m, "PairsOpen", teacher_error).release();
  pairs_open_type.doc() = R"(The run needs answers that did not come. All is saved, and the same call goes on. `pairs`, an int, says how many are open.

Example:
    >>> class Silent(lmtx.TeacherOracle):
    ...     def identity(self):
    ...         return 'silent/1'
    ...
    ...     def judge(self, questions, answers):
    ...         pass  # Such as a batch that is handed in, to be answered tomorrow.
    >>> try:
    ...     lmtx.train('train.jsonl', 'labels.jsonl', teacher=Silent(), base='model', preset='paper', out='open-run', progress=False,
    ...                development=0)
    ... except lmtx.PairsOpen as error:
    ...     error.pairs
    600)";
  py::register_exception_translator(translate_pairs_open);
}

}  // namespace lmtx::python

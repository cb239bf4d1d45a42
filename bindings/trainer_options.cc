#include <pybind11/stl.h>

#include "lmtx/train/options.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

std::string to_text(py::handle value) {
  if (PyBool_Check(value.ptr())) return value.is(py::handle(Py_True)) ? "true" : "false";
  return to_utf8(py::str(value));
}

TrainerOptions make_options(const Text& preset_name, const py::kwargs& values) {
  TrainerOptions options = preset(preset_name.utf8);
  for (const auto& [name, value] : values) set_option(options, to_utf8(name), to_text(value));
  check(options);
  return options;
}

py::object to_python(const OptionInfo& option) {
  if (option.type == "boolean") return py::bool_(option.value == "true");
  if (option.type == "text") return py::str(option.value);
  if (option.type == "integer") return py::int_(py::str(option.value));
  return py::float_(py::str(option.value));
}

py::dict to_dict(const TrainerOptions& options) {
  py::dict values;
  for (const OptionInfo& option : describe(options)) values[py::str(option.name)] = to_python(option);
  return values;
}

py::object get(const TrainerOptions& options, const Text& name) {
  for (const OptionInfo& option : describe(options)) {
    if (option.name == name.utf8) return to_python(option);
  }
  throw py::attribute_error("TrainerOptions has no option '" + name.utf8 + "'");
}

std::string to_string(const TrainerOptions& options) {
  std::string result;
  for (const OptionInfo& option : describe(options)) {
    const std::string value = option.type == "text" ? std::string(py::repr(py::str(option.value))) : option.value;
    result += (result.empty() ? "" : ", ") + option.name + "=" + value;
  }
  return "TrainerOptions(" + result + ")";
}

}  // namespace

void register_trainer_options(py::module_& m) {
  py::class_<OptionInfo>(m, "OptionInfo", R"(What an option of a training run is for. Immutable.

Example:
    >>> lmtx.TrainerOptions(cycles=2).describe()[0]
    OptionInfo(cycles=2: Most cycles to run; fewer where the development verdicts stop improving.))")
      .def_readonly("name", &OptionInfo::name, "str: as TrainerOptions takes it.")
      .def_readonly("type", &OptionInfo::type, "str: \"integer\", \"number\", \"boolean\" or \"text\".")
      .def_readonly("value", &OptionInfo::value, "str: its value, as text.")
      .def_readonly("help", &OptionInfo::help, "str: a sentence.")
      .def("__repr__", [](const OptionInfo& option) { return py::str("OptionInfo({}={}: {})").format(option.name, option.value, option.help); });
  py::class_<TrainerOptions>(m, "TrainerOptions", R"(Every setting of a training run: a preset's values, then those given. Each is an attribute. Immutable.

Example:
    >>> options = lmtx.TrainerOptions('paper', cycles=2, learning_rate=1e-4)
    >>> options.cycles, options.learning_rate, options.batch_size
    (2, 0.0001, 128))")
      .def(py::init(&make_options), py::arg("preset") = "paper", R"(The options of a preset, changed by name.

Args:
    preset: One of preset_names(). These are "paper"'s values where none is named; train() begins with "default".
    **options: An int, float, bool or str, as describe() says of each.

Raises:
    ValueError: For an unknown preset or name (with the nearest there is), and for a value that makes no sense, saying what was expected.)")
      .def("to_dict", &to_dict, R"(dict: names and values, in order.

Example:
    >>> lmtx.TrainerOptions(cycles=2).to_dict()['cycles']
    2)")
      .def("describe", &describe, R"(list[OptionInfo]: names, types, values and a sentence about each.

Example:
    >>> [option.name for option in lmtx.TrainerOptions().describe() if option.type == 'boolean'][:3]
    ['restart', 'use_all_judgments', 'dropout'])")
      .def("__getattr__", &get, py::arg("name"), "The value of an option: int, float, bool or str. AttributeError where there is none of that name.")
      .def("__eq__", [](const TrainerOptions& self, const TrainerOptions& other) { return self == other; }, py::is_operator())
      .def("__repr__", &to_string);
  m.def("preset_names", &preset_names, R"(The presets there are, which TrainerOptions and train() take: "default", which measured best; "paper", the published method; "paper-tuned", the same with a
schedule for small sets; "maclr" and "rts", which learn without a teacher.

Example:
    >>> lmtx.preset_names()
    ['default', 'paper', 'paper-tuned', 'maclr', 'rts'])");
}

}  // namespace lmtx::python

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
  py::class_<OptionInfo>(m, "OptionInfo", "What an option of a training run is for.")
      .def_readonly("name", &OptionInfo::name)
      .def_readonly("type", &OptionInfo::type, "\"integer\", \"number\", \"boolean\" or \"text\".")
      .def_readonly("value", &OptionInfo::value, "As text.")
      .def_readonly("help", &OptionInfo::help)
      .def("__repr__", [](const OptionInfo& option) { return py::str("OptionInfo({}={}: {})").format(option.name, option.value, option.help); });
  py::class_<TrainerOptions>(m, "TrainerOptions", "Every setting of a training run: a preset's values, then those given. Each is an attribute. Immutable.")
      .def(py::init(&make_options), py::arg("preset") = "paper")
      .def("to_dict", &to_dict, "Names and values.")
      .def("describe", &describe, "Names, types, values and a sentence about each.")
      .def("__getattr__", &get, py::arg("name"))
      .def("__eq__", [](const TrainerOptions& self, const TrainerOptions& other) { return self == other; }, py::is_operator())
      .def("__repr__", &to_string);
  m.def("preset_names", &preset_names, "The presets there are.");
}

}  // namespace lmtx::python

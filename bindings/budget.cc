#include "lmtx/teacher/budget.h"

#include <pybind11/stl.h>

#include "register.h"

namespace lmtx::python {
namespace {

std::string to_string(const Budget& budget) {
  std::string text = py::str("Budget(judgments={}").format(budget.judgments);
  const auto add = [&](const char* name, const auto& limit) {
    if (limit) text += std::string(py::str(", {}={}").format(name, *limit));
  };
  add("tokens", budget.tokens);
  add("cost", budget.cost);
  add("seconds", budget.seconds);
  return text + std::string(py::str(", charge_stored={})").format(budget.charge_stored));
}

void register_rates(py::module_& m) {
  const Rates defaults;
  py::class_<Rates>(m, "Rates", R"(What a teacher charges and how fast it is, where it does not say so itself. Immutable.

Example:
    >>> lmtx.Rates(prompt=0.15, cached=0.075, completion=0.6)
    Rates(prompt=0.15, cached=0.075, completion=0.6, tokens_per_second=0.0))")
      .def(py::init([](double prompt, std::optional<double> cached, double completion, double tokens_per_second) {
             return Rates{.prompt = prompt, .cached = cached.value_or(-1), .completion = completion, .tokens_per_second = tokens_per_second};
           }),
           py::kw_only(), py::arg("prompt") = defaults.prompt, py::arg("cached") = py::none(), py::arg("completion") = defaults.completion,
           py::arg("tokens_per_second") = defaults.tokens_per_second,
           R"(Rates; the trainer refuses one below 0 with ValueError.

Args:
    prompt: Money for a million prompt tokens.
    cached: The same for those that a prefix cache served; None: as much as for others.
    completion: Money for a million tokens of answers.
    tokens_per_second: Tokens that it takes in or puts out a second, all calls that run at once together; 0: unknown.)")
      .def_readonly("prompt", &Rates::prompt, "float: money for a million prompt tokens.")
      .def_property_readonly(
          "cached", [](const Rates& rates) { return rates.cached < 0 ? std::nullopt : std::optional(rates.cached); },
          "float | None: money for a million prompt tokens that a prefix cache served; None: as much as for others.")
      .def_readonly("completion", &Rates::completion, "float: money for a million tokens of answers.")
      .def_readonly("tokens_per_second", &Rates::tokens_per_second, "float: tokens a second, all calls together; 0: unknown.")
      .def("__repr__", [](const py::object& rates) {
        return py::str("Rates(prompt={}, cached={}, completion={}, tokens_per_second={})")
            .format(rates.attr("prompt"), rates.attr("cached"), rates.attr("completion"), rates.attr("tokens_per_second"));
      });
}

}  // namespace

void register_budget(py::module_& m) {
  const Budget defaults;
  py::class_<Budget>(m, "Budget", R"(What a run may spend: hard limits, None for none. Immutable.

Once one is reached nothing more is asked, and the run trains on what was answered, measures and ends. Where the teacher can tell beforehand what a
question takes, tokens and money are put aside before it is asked; else calls that are under way may go over by what they take.

Example:
    >>> lmtx.Budget(judgments=20_000, cost=5)
    Budget(judgments=20000, cost=5.0, charge_stored=False))")
      .def(py::init([](std::optional<int64_t> judgments, std::optional<int64_t> tokens, std::optional<double> cost, std::optional<double> seconds,
                       bool charge_stored) {
             return Budget{.judgments = judgments, .tokens = tokens, .cost = cost, .seconds = seconds, .charge_stored = charge_stored};
           }),
           py::arg("judgments") = defaults.judgments, py::kw_only(), py::arg("tokens") = defaults.tokens, py::arg("cost") = defaults.cost,
           py::arg("seconds") = defaults.seconds, py::arg("charge_stored") = defaults.charge_stored,
           R"(A budget; the trainer refuses one below 0 with ValueError.

Args:
    judgments: Distinct pairs of document and label, scored or abstained, those on held-out documents included.
    tokens: Prompt tokens, cached or not, and tokens of answers together, as the teacher counts them.
    cost: Money, as the teacher says it or the run's Rates come to.
    seconds: Time of asking by the clock, all sessions together.
    charge_stored: Count pairs that the store held before the run, too; of `judgments` alone.)")
      .def_readonly("judgments", &Budget::judgments, "int | None: distinct pairs.")
      .def_readonly("tokens", &Budget::tokens, "int | None: tokens of prompts and answers.")
      .def_readonly("cost", &Budget::cost, "float | None: money.")
      .def_readonly("seconds", &Budget::seconds, "float | None: time of asking.")
      .def_readonly("charge_stored", &Budget::charge_stored, "bool: whether pairs that the store held before the run count, too.")
      .def("__repr__", &to_string);
  register_rates(m);
}

}  // namespace lmtx::python

// Stores of judgments as columns: what tables are made of and read from.
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "interrupts.h"
#include "lmtx/teacher/judgment_export.h"
#include "lmtx/teacher/judgment_import.h"
#include "register.h"
#include "text.h"

namespace lmtx::python {
namespace {

using Columns = py::typing::Dict<py::str, py::typing::List<py::object>>;

// A row for each judgment, and one for an answer without any.
class JudgmentRows {
 public:
  JudgmentRows(const JudgmentStore& store, const std::optional<Text>& identity, int64_t rows_at_once)
      : answers_(store, identity ? std::optional(identity->utf8) : std::nullopt), rows_at_once_(rows_at_once) {}

  Columns next() {
    const std::vector<std::pair<int64_t, StoredAnswer>> answers = read();
    if (answers.empty()) throw py::stop_iteration();
    Table table;
    for (const auto& [number, answer] : answers) {
      if (answer.judgments.empty()) table.add(number, answer, nullptr);
      for (const StoredJudgment& judgment : answer.judgments) table.add(number, answer, &judgment);
    }
    return table.take();
  }

 private:
  class Table {
   public:
    void add(int64_t number, const StoredAnswer& answer, const StoredJudgment* judgment) {
      const bool scored = judgment && judgment->verdict.scored();
      key.append(judgment ? py::object(py::bytes(reinterpret_cast<const char*>(judgment->key.data()), judgment->key.size())) : py::none());
      identity.append(answer.identity);
      run.append(answer.run);
      document.append(answer.document);
      label.append(judgment ? py::object(py::str(judgment->label)) : py::none());
      score.append(scored ? py::object(py::float_(judgment->verdict.score())) : py::none());
      this->answer.append(number);
      time.append(answer.time);
      prompt_tokens.append(answer.usage.prompt_tokens);
      cached_tokens.append(answer.usage.cached_tokens);
      completion_tokens.append(answer.usage.completion_tokens);
      cost.append(answer.usage.cost);
      seconds.append(answer.usage.seconds);
      raw.append(answer.raw.empty() ? py::object(py::none()) : py::str(answer.raw));
    }

    Columns take() const {
      py::dict columns;
      const auto set = [&](const char* name, const py::list& column) { columns[name] = column; };
      set("key", key), set("identity", identity), set("run", run), set("document", document), set("label", label), set("score", score);
      set("answer", answer), set("time", time), set("prompt_tokens", prompt_tokens), set("cached_tokens", cached_tokens);
      set("completion_tokens", completion_tokens), set("cost", cost), set("seconds", seconds), set("raw", raw);
      return columns;
    }

   private:
    py::list key, identity, run, document, label, score, answer, time, prompt_tokens, cached_tokens, completion_tokens, cost, seconds, raw;
  };

  // Whole answers, until there are enough rows.
  std::vector<std::pair<int64_t, StoredAnswer>> read() {
    py::gil_scoped_release release;
    std::vector<std::pair<int64_t, StoredAnswer>> answers;
    StoredAnswer answer;
    for (int64_t rows = 0; rows < rows_at_once_ && answers_.next(answer);) {
      rows += std::max<int64_t>(1, static_cast<int64_t>(answer.judgments.size()));
      answers.emplace_back(answers_.number(), answer);
    }
    return answers;
  }

  JudgmentExport answers_;
  const int64_t rows_at_once_;
};

// One column of rows from Python.
class Column {
 public:
  // An optional one may be missing.
  Column(const Columns& columns, const char* name, size_t size, bool optional = false) : name_(name) {
    if (columns.contains(name)) {
      items_ = columns[name].cast<py::list>();
      if (items_.size() != size) {
        throw py::value_error("column `" + name_ + "` must have " + std::to_string(size) + " rows, as `key` has, but has " + std::to_string(items_.size()) +
                              ".");
      }
      is_there_ = true;
    } else if (!optional) {
      throw py::value_error("column `" + name_ + "` is missing.");
    }
  }

  bool has(size_t row) const { return is_there_ && !items_[row].is_none(); }

  template <typename T>
  T at(size_t row) const {
    try {
      return items_[row].cast<T>();
    } catch (const py::cast_error&) {
      throw py::value_error(
          py::str("column `{}` has {!r} in row {}, which is of a wrong type.").format(name_, py::object(items_[row]), row).cast<std::string>());
    }
  }
  template <typename T>
  T at_or(size_t row, T otherwise) const {
    return has(row) ? at<T>(row) : otherwise;
  }
  std::string text(size_t row) const { return has(row) ? at<Text>(row).utf8 : std::string(); }

 private:
  std::string name_;
  py::list items_;
  bool is_there_ = false;
};

// The columns of some rows.
class RowsIn {
 public:
  explicit RowsIn(const Columns& columns)
      : size_(columns.contains("key") ? columns["key"].cast<py::list>().size() : 0),
        key_(columns, "key", size_),
        identity_(columns, "identity", size_),
        run_(columns, "run", size_),
        document_(columns, "document", size_),
        label_(columns, "label", size_),
        score_(columns, "score", size_),
        answer_(columns, "answer", size_),
        time_(columns, "time", size_),
        prompt_tokens_(columns, "prompt_tokens", size_, true),
        cached_tokens_(columns, "cached_tokens", size_, true),
        completion_tokens_(columns, "completion_tokens", size_, true),
        cost_(columns, "cost", size_, true),
        seconds_(columns, "seconds", size_, true),
        raw_(columns, "raw", size_, true) {}

  size_t size() const { return size_; }
  int64_t number(size_t row) const { return answer_.at<int64_t>(row); }

  StoredAnswer answer(size_t row) const {
    return {.identity = identity_.at<Text>(row).utf8,
            .run = run_.text(row),
            .document = document_.at<Text>(row).utf8,
            .time = time_.at<int64_t>(row),
            .usage = {.prompt_tokens = prompt_tokens_.at_or<int64_t>(row, 0),
                      .cached_tokens = cached_tokens_.at_or<int64_t>(row, 0),
                      .completion_tokens = completion_tokens_.at_or<int64_t>(row, 0),
                      .cost = cost_.at_or<double>(row, 0),
                      .seconds = seconds_.at_or<double>(row, 0)},
            .raw = raw_.text(row),
            .judgments = {}};
  }

  // None in a row that stands for an answer alone.
  bool has_judgment(size_t row) const { return key_.has(row); }

  StoredJudgment judgment(size_t row) const {
    const std::string bytes = key_.at<py::bytes>(row);
    StoredJudgment judgment{.key = {}, .label = label_.at<Text>(row).utf8, .verdict = Verdict::abstain()};
    if (bytes.size() != judgment.key.size()) {
      throw py::value_error("column `key` has " + std::to_string(bytes.size()) + " bytes in row " + std::to_string(row) + ", but must have 16.");
    }
    std::copy(bytes.begin(), bytes.end(), judgment.key.begin());
    if (score_.has(row)) judgment.verdict = Verdict::score(score_.at<double>(row));
    return judgment;
  }

 private:
  size_t size_;
  Column key_, identity_, run_, document_, label_, score_, answer_, time_, prompt_tokens_, cached_tokens_, completion_tokens_, cost_, seconds_, raw_;
};

void add_rows(JudgmentImport& import, const Columns& columns) {
  const RowsIn rows(columns);
  for (size_t row = 0; row < rows.size();) {
    const int64_t number = rows.number(row);
    StoredAnswer answer = rows.answer(row);
    for (; row < rows.size() && rows.number(row) == number; ++row) {
      if (rows.has_judgment(row)) answer.judgments.push_back(rows.judgment(row));
    }
    import.add(number, answer);
  }
}

MergeCounts finish(JudgmentImport& import) {
  return run_long(py::none(), [&](const EventCallback&, const std::stop_token& stop) { return import.finish(stop); });
}

}  // namespace

void register_judgment_rows(py::module_& m) {
  py::class_<JudgmentRows>(m, "JudgmentRows", R"(A store as columns, some rows at a time: an iterator of dicts of lists.

A row for each judgment, and one with key, label and score None for an answer none of whose verdicts was kept. Rows with the same `answer` were put at one go, and
have the same usage: sum it once an answer. Columns: key (bytes), identity, run, document, label (str), score (float, None: abstained), answer, time,
prompt_tokens, cached_tokens, completion_tokens (int), cost, seconds (float), raw (str, or None).

Example:
    >>> store = lmtx.JudgmentStore.open('rows.db')
    >>> store.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
    >>> for columns in lmtx.JudgmentRows(store):
    ...     print(columns['document'], columns['label'], columns['score'])
    ['7'] ['l-tax'] [0.9])")
      .def(py::init([](const JudgmentStore& store, const std::optional<Text>& identity, int64_t at_once) {
             if (at_once < 1) throw py::value_error("`at_once` must be at least 1, but is " + std::to_string(at_once) + " instead.");
             return std::make_unique<JudgmentRows>(store, identity, at_once);
           }),
           py::arg("store"), py::arg("identity") = py::none(), py::kw_only(), py::arg("at_once") = 65536,
           "Of one teacher, or of all; at least `at_once` rows at a time. ValueError where the store has nothing of this identity.")
      .def("__iter__", [](py::object self) { return self; })
      .def("__next__", &JudgmentRows::next)
      .def("__repr__", [](const JudgmentRows&) { return "JudgmentRows()"; });
  py::class_<JudgmentImport>(m, "JudgmentImport",
                             R"(Puts rows, as JudgmentRows gives them, into a store: any number, in any order, in memory that does not grow with them.

Nothing is in the store before finish(). SQLite keeps the rows in temporary files meanwhile; the variable SQLITE_TMPDIR says where.

Example:
    >>> from_store, into = lmtx.JudgmentStore.open('original.db'), lmtx.JudgmentStore.open('copy.db')
    >>> from_store.put('my-llm/1', lmtx.Question(lmtx.Document('7', content='income tax'), [lmtx.Label('l-tax', 'tax')]), [0.9])
    >>> rows = lmtx.JudgmentImport(into)
    >>> for columns in lmtx.JudgmentRows(from_store):
    ...     rows.add(columns)
    >>> rows.finish()
    MergeCounts(judgments=1, answers=1, same=0, conflicts=0))")
      .def(py::init<const JudgmentStore&>(), py::arg("store"), "For this store, which may be used meanwhile.")
      .def("add", &add_rows, py::arg("columns"), R"(Takes rows: a dict of lists of one length. Columns of usage and `raw` may be missing.

Rows with the same `answer` make one answer, also of several calls. ValueError naming column and row for what is wrong.

Example:
    >>> rows = lmtx.JudgmentImport(lmtx.JudgmentStore.open('imported.db'))
    >>> rows.add({'key': [bytes(16)], 'identity': ['a/1'], 'run': [''], 'document': ['7'], 'label': ['l-tax'], 'score': [0.9], 'answer': [1], 'time': [0]})
    >>> rows.finish().judgments
    1)")
      .def("finish", &finish,
           R"(Puts all that was added into the store, to be called once. What is there already stays as it was. Ctrl-C ends it; the same again does the rest.

Example:
    >>> lmtx.JudgmentImport(lmtx.JudgmentStore.open('imported.db')).finish()
    MergeCounts(judgments=0, answers=0, same=0, conflicts=0))")
      .def("__repr__", [](const JudgmentImport&) { return "JudgmentImport()"; });
}

}  // namespace lmtx::python

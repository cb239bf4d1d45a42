#include "lmtx/search/label_filter.h"

#include <memory>

#include "register.h"
#include "text.h"

namespace lmtx::python {

void register_label_filter(py::module_& m) {
  py::class_<LabelFilter, std::shared_ptr<LabelFilter>>(m, "LabelFilter", R"(Which labels may come: made by `Tagger.filter`, for any number of calls. Immutable.

Example:
    >>> tagger = lmtx.Tagger.load('tagger')
    >>> tagger.filter(allow=['l-tax', 'l-army'], deny=['l-tax'])
    LabelFilter(2 allowed, 1 denied))")
      .def("__repr__", [](const LabelFilter& filter) {
        const std::string allowed = filter.allow.empty() ? "all" : with_commas(filter.allow.front() < 0 ? 0 : static_cast<int64_t>(filter.allow.size()));
        return "LabelFilter(" + allowed + " allowed, " + with_commas(static_cast<int64_t>(filter.deny.size())) + " denied)";
      });
}

}  // namespace lmtx::python

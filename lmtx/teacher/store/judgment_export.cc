#include "lmtx/teacher/judgment_export.h"

#include "lmtx/teacher/store/answer_cursor.h"

namespace lmtx {

struct JudgmentExport::Impl {
  detail::AnswerCursor answers;
};

JudgmentExport::JudgmentExport(const JudgmentStore& store, const std::optional<std::string>& identity)
    : impl_(new Impl{detail::AnswerCursor({store.file(), store.read_only()}, identity)}) {}
JudgmentExport::JudgmentExport(JudgmentExport&&) noexcept = default;
JudgmentExport& JudgmentExport::operator=(JudgmentExport&&) noexcept = default;
JudgmentExport::~JudgmentExport() = default;

bool JudgmentExport::next(StoredAnswer& answer) { return impl_->answers.next(answer); }
int64_t JudgmentExport::number() const { return impl_->answers.id(); }

}  // namespace lmtx

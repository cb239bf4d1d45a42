#include "lmtx/teacher/store/recording.h"

#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

// The lines of a recording: documents one by one, each with its labels.
class RecordingLines {
 public:
  // Pairs come by rising document and label. Of one that comes again the first counts.
  void add(std::string document, std::string label, const Verdict& verdict) {
    if (document != document_) end_document();
    if (!labels_.empty() && labels_.back() == label) return;
    document_ = std::move(document);
    labels_.push_back(std::move(label));
    scores_.push_back(verdict.scored() ? Json(verdict.score()) : Json());
    ++num_pairs_;
  }

  bool empty() const { return num_pairs_ == 0; }

  std::string finish(const std::string& identity) {
    end_document();
    return Json{{"format", 1}, {"identity", identity}, {"pairs", num_pairs_}}.dump() + "\n" + text_;
  }

 private:
  void end_document() {
    if (labels_.empty()) return;
    text_ += Json{{"uid", document_}, {"labels", std::move(labels_)}, {"scores", std::move(scores_)}}.dump() + "\n";
    labels_.clear();
    scores_.clear();
  }

  std::string document_;
  std::vector<std::string> labels_;
  std::vector<Json> scores_;
  std::string text_;
  int64_t num_pairs_ = 0;
};

}  // namespace

std::string recording_of(StoreReader& reader, const std::string& identity, const std::filesystem::path& file) {
  // A row that belongs to nothing would be left out unseen.
  if (Statement(reader.database, "PRAGMA foreign_key_check").step()) reader.database.fail(SQLITE_CORRUPT);
  Statement select(reader.database,
                   "SELECT key, score, judgments.teacher, answer, label, judgments.sum FROM judgments JOIN answers ON answers.id = answer "
                   "WHERE judgments.teacher = (SELECT id FROM teachers WHERE identity = ?1) ORDER BY document, label, answer DESC");
  select.bind(1, identity);
  RecordingLines lines;
  try {
    for (JudgmentRow row; select.step();) {
      reader.read(select, row);
      const AnswerSource& source = reader.source_of(row.answer);
      reader.check(row, identity, source);
      lines.add(source.document, row.label, verdict_of(row.score));
    }
    if (lines.empty()) throw std::invalid_argument(reader.file.string() + ": no judgments by " + quote(identity) + ".");
    return lines.finish(identity);
  } catch (const Json::type_error&) {
    throw std::runtime_error("Cannot write " + file.string() + ": an identity or uid in " + reader.file.string() + " is not UTF-8.");
  }
}

}  // namespace lmtx::detail

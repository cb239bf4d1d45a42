// Reports as files: of a cycle, and that of a finished run. Internal.
#pragma once

#include "lmtx/detail/files.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/train/report.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

inline bool is_finished(const WorkFolder& folder) { return std::filesystem::exists(folder.report()); }

inline void write_report(const std::filesystem::path& file, const TrainingReport& report) {
  detail::write_json(file, detail::sealed(detail::parse_json(report.to_json(), file.string())));
}

inline TrainingReport read_report(const std::filesystem::path& file) { return report_from_json(detail::read_file(file, int64_t{64} << 20), file.string()); }

// Paths are kept relative to the folder, so that it may move.
inline TrainingReport read_finished_run(const WorkFolder& folder) {
  TrainingReport report = read_report(folder.report());
  for (std::string& student : report.student_folders) student = (folder.path() / student).string();
  report.tagger_folder = (folder.path() / report.tagger_folder).string();
  return report;
}

}  // namespace lmtx

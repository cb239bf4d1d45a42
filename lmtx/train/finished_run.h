// The report that a finished run left in its folder. Internal.
#pragma once

#include "lmtx/detail/files.h"
#include "lmtx/train/report.h"
#include "lmtx/train/work_folder.h"

namespace lmtx {

inline bool is_finished(const WorkFolder& folder) { return std::filesystem::exists(folder.report()); }

// Paths are kept relative to the folder, so that it may move.
inline TrainingReport read_finished_run(const WorkFolder& folder) {
  TrainingReport report = report_from_json(detail::read_file(folder.report()));
  for (std::string& student : report.student_folders) student = (folder.path() / student).string();
  report.tagger_folder = (folder.path() / report.tagger_folder).string();
  return report;
}

}  // namespace lmtx

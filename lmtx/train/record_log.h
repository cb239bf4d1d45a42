// A file that grows record by record: what a stage has so far. Internal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "lmtx/export.h"

namespace lmtx {

// Starts with a mark and a format number; each record carries its size and checksum. A kill can only cut the last one short; it is dropped when the log is
// opened again. So is, with all after it, one that is damaged otherwise: its stage does it again.
class LMTX_API RecordLog {
 public:
  // Reads the records there are (none where there is no file) and cuts off what is damaged.
  // Throws std::runtime_error naming the file and the cause; also for a log of a newer format.
  explicit RecordLog(std::filesystem::path file);
  ~RecordLog();
  RecordLog(const RecordLog&) = delete;
  RecordLog& operator=(const RecordLog&) = delete;

  // The records found on opening; taken by whoever reads them.
  std::vector<std::string> take_records() { return std::move(records_); }
  // When it returns the record survives the end of the process. Where it throws (disk full) the next record takes the place of what was written of this one.
  void append(std::string_view record);

 private:
  // At the end of the whole records.
  void write(std::string_view bytes);

  std::filesystem::path file_;
  std::vector<std::string> records_;
  int descriptor_ = -1;
  // Of the start and the whole records, in bytes.
  int64_t end_ = 0;
};

}  // namespace lmtx

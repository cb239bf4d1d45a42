// A NumPy file of vectors that grows, and outlives whatever ends the process. Internal: no public header includes it; format: docs/formats/vectors.md.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lmtx/detail/digest.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/growing_file.h"
#include "lmtx/detail/json.h"
#include "lmtx/export.h"

namespace lmtx::detail {

struct VectorFileShape {
  int64_t rows = 0;
  int64_t dim = 0;
  // NumPy's name of the numbers' type.
  std::string descr = "<f4";
  int64_t bytes_per_number = 4;

  int64_t row_bytes() const { return dim * bytes_per_number; }
};

// Writes FILE.partial, with FILE.partial.json beside it, which says what it will hold and how far it is; at the end the former becomes FILE and the latter
// goes. Belongs to one thread.
class LMTX_API VectorFile {
 public:
  // Begins, or goes on with what is there. `content` is an object that decides the rows, each member a setting by its name. Throws std::invalid_argument where
  // there is a FILE already (unless `overwrite`), where FILE.partial is of another content, and where nothing can be written; std::runtime_error naming the
  // path for one that is damaged or that another process is writing, and for a disk that has no room for all rows.
  VectorFile(const std::filesystem::path& file, VectorFileShape shape, const Json& content, bool overwrite);

  // Rows that are there.
  int64_t rows_done() const { return rows_done_; }
  // FILE was finished by a process that ended right then: there is nothing left to do.
  bool was_finished() const { return was_finished_; }
  const std::filesystem::path& partial() const { return partial_; }

  // The next rows, row_bytes() each.
  void append(std::string_view rows);
  // Those that are there are kept from here on, whatever happens.
  void checkpoint() { write_state(/*finished=*/false); }
  // After the last row.
  void finish();

 private:
  struct State;
  void check_place(bool overwrite) const;
  std::optional<State> read_state() const;
  void open(const std::optional<State>& state);
  void begin();
  void go_on(const State& state);
  void check_same(const State& state) const;
  void write_state(bool finished);
  int64_t end_of(int64_t rows) const { return static_cast<int64_t>(header_.size()) + rows * shape_.row_bytes(); }

  const std::filesystem::path file_, partial_, sidecar_;
  const VectorFileShape shape_;
  const Json content_;
  const std::string header_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<GrowingFile> out_;
  // Of the header and the rows that are there.
  std::unique_ptr<Hasher> written_;
  int64_t rows_done_ = 0;
  bool was_finished_ = false;
};

}  // namespace lmtx::detail

// A store of judgments that several teachers use, opened when it is needed.
#pragma once

#include <filesystem>
#include <memory>

#include "lmtx/export.h"
#include "lmtx/teacher/judgment_store.h"

namespace lmtx {

// A value; copies are the same store. May be used from several threads.
class LMTX_API SharedStore {
 public:
  // No store.
  SharedStore(std::nullptr_t = nullptr) {}
  // Null: no store.
  SharedStore(std::shared_ptr<JudgmentStore> store);
  // Opened, or made, when a judgment is to be kept; so the folder of a run that has not begun stays as it is.
  static SharedStore in_file(std::filesystem::path file);

  // Null where there is none. Throws what JudgmentStore::open() does.
  JudgmentStore* open() const;
  // The same, but null also where the file is not there yet.
  JudgmentStore* find() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace lmtx

#include "lmtx/teacher/shared_store.h"

#include <mutex>
#include <utility>

namespace lmtx {

struct SharedStore::Shared {
  std::filesystem::path file;
  std::shared_ptr<JudgmentStore> store;
  std::mutex mutex;
};

SharedStore::SharedStore(std::shared_ptr<JudgmentStore> store) {
  if (!store) return;
  shared_ = std::make_shared<Shared>();
  shared_->store = std::move(store);
}

SharedStore SharedStore::in_file(std::filesystem::path file) {
  SharedStore made;
  made.shared_ = std::make_shared<Shared>();
  made.shared_->file = std::move(file);
  return made;
}

JudgmentStore* SharedStore::open() const {
  if (!shared_) return nullptr;
  const std::lock_guard lock(shared_->mutex);
  if (!shared_->store) shared_->store = std::make_shared<JudgmentStore>(JudgmentStore::open(shared_->file));
  return shared_->store.get();
}

JudgmentStore* SharedStore::find() const {
  if (!shared_) return nullptr;
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->store && !std::filesystem::exists(shared_->file)) return nullptr;
  }
  return open();
}

}  // namespace lmtx

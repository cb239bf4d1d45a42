// A long list in parts that values share: a copy copies pointers, a change copies the parts that it touches.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace lmtx::detail {

// A value; const methods may be called from several threads.
template <typename Part>
class SharedParts {
 public:
  size_t size() const { return parts_.size(); }
  const Part& operator[](size_t i) const { return *parts_[i]; }

  // Changes a SharedParts, which must outlive it and which nobody else may use meanwhile.
  class Writer {
   public:
    explicit Writer(SharedParts& parts) : parts_(parts), own_(parts.size(), nullptr) {}

    // The part, which is copied at its first use here.
    Part& operator[](size_t i) {
      if (own_[i] == nullptr) put(i, std::make_shared<Part>(*parts_.parts_[i]));
      return *own_[i];
    }

    // A new, empty part at the end.
    Part& add() {
      parts_.parts_.emplace_back();
      own_.push_back(nullptr);
      put(own_.size() - 1, std::make_shared<Part>());
      return *own_.back();
    }

   private:
    void put(size_t i, std::shared_ptr<Part> part) {
      own_[i] = part.get();
      parts_.parts_[i] = std::move(part);
    }

    SharedParts& parts_;
    // Those that are ours alone so far.
    std::vector<Part*> own_;
  };

 private:
  std::vector<std::shared_ptr<const Part>> parts_;
};

}  // namespace lmtx::detail

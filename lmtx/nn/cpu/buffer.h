// Memory for kernels: aligned, not initialized.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

namespace lmtx::cpu {

template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t size) { reserve(size); }

  // Room for `size` elements; what was in it is gone where it was smaller.
  T* reserve(size_t size) {
    if (size > size_) {
      constexpr size_t line = 64;
      data_.reset();
      data_.reset(static_cast<T*>(std::aligned_alloc(line, (size * sizeof(T) + line - 1) / line * line)));
      if (!data_) throw std::bad_alloc();
      size_ = size;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  size_t size() const { return size_; }

 private:
  struct Free {
    void operator()(T* data) const { std::free(data); }
  };
  std::unique_ptr<T, Free> data_;
  size_t size_ = 0;
};

}  // namespace lmtx::cpu

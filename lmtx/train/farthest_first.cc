#include "lmtx/train/farthest_first.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>

#include <algorithm>

namespace lmtx {

namespace {

constexpr int64_t block_size = 2048;

at::Tensor rows_of(const at::Tensor& vectors, std::span<const int64_t> rows) {
  const at::Tensor numbers = at::from_blob(const_cast<int64_t*>(rows.data()), {static_cast<int64_t>(rows.size())}, at::TensorOptions().dtype(at::kLong));
  return vectors.index_select(0, numbers);
}

// Some candidates, with how near each is to the nearest that was taken.
class Block {
 public:
  Block(const at::Tensor& vectors, std::span<const int64_t> candidates, std::span<const int64_t> known)
      : candidates_(candidates), rows_(rows_of(vectors, candidates)), nearest_(at::full({static_cast<int64_t>(candidates.size())}, -2, rows_.options())) {
    for (size_t begin = 0; begin < known.size(); begin += block_size) {
      const auto part = known.subspan(begin, std::min<size_t>(block_size, known.size() - begin));
      nearest_ = at::maximum(nearest_, rows_.mm(rows_of(vectors, part).t()).amax(1));
    }
  }

  bool empty() const { return taken_ == candidates_.size(); }

  int64_t take() {
    const float* nearest = nearest_.const_data_ptr<float>();
    const auto place = std::min_element(nearest, nearest + candidates_.size()) - nearest;
    nearest_ = at::maximum(nearest_, rows_.mv(rows_[place]));
    nearest_[place] = gone;
    ++taken_;
    return candidates_[static_cast<size_t>(place)];
  }

 private:
  // Farther up than any cosine.
  static constexpr float gone = 9;

  std::span<const int64_t> candidates_;
  at::Tensor rows_, nearest_;
  size_t taken_ = 0;
};

}  // namespace

std::vector<int64_t> farthest_first(const at::Tensor& vectors, std::span<const int64_t> candidates, std::span<const int64_t> known, int64_t count) {
  const at::NoGradGuard no_grad;
  const at::Tensor on_host = vectors.detach().cpu().to(at::kFloat).contiguous();
  const auto wanted = std::min(candidates.size(), static_cast<size_t>(std::max<int64_t>(count, 0)));
  // As large as each other, so that equal shares of all give the count.
  const size_t blocks = (candidates.size() + block_size - 1) / block_size;
  std::vector<std::vector<int64_t>> taken(blocks);
  for (size_t b = 0; b < blocks; ++b) {
    const size_t begin = b * candidates.size() / blocks, end = (b + 1) * candidates.size() / blocks;
    Block block(on_host, candidates.subspan(begin, end - begin), known);
    while (!block.empty() && taken[b].size() < (wanted + blocks - 1) / blocks) taken[b].push_back(block.take());
  }
  std::vector<int64_t> chosen;
  for (size_t turn = 0; chosen.size() < wanted; ++turn) {
    for (const std::vector<int64_t>& of_block : taken) {
      if (turn < of_block.size() && chosen.size() < wanted) chosen.push_back(of_block[turn]);
    }
  }
  return chosen;
}

}  // namespace lmtx

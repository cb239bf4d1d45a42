#include "lmtx/train/unsupervised/kmeans.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/max.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <limits>
#include <tuple>
#include <vector>

#include "lmtx/detail/random.h"
#include "lmtx/nn/ops.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace {

// Cosines computed at once.
constexpr int64_t block_cosines = 1 << 24;

struct Assignment {
  // int64 [n], on the CPU.
  at::Tensor clusters;
  // Sum over all rows of the cosine with their centre.
  double cosines = -std::numeric_limits<double>::infinity();
};

class KMeans {
 public:
  KMeans(const at::Tensor& rows, const KMeansOptions& options, const std::stop_token& stop)
      : rows_(rows), on_host_(rows.cpu()), options_(options), stop_(stop) {}

  Assignment run(int64_t start) const {
    at::Tensor centres = draw_centres(start);
    Assignment now = assign(centres);
    for (int64_t i = 1; i < options_.iterations; ++i) {
      centres = move(centres, now.clusters);
      Assignment next = assign(centres);
      const bool same = next.clusters.equal(now.clusters);
      now = std::move(next);
      if (same) break;
    }
    return now;
  }

 private:
  at::Tensor draw_centres(int64_t start) const {
    std::vector<int64_t> order = detail::permutation(rows_.size(0), detail::random_key(options_.key, "centres", {start}));
    order.resize(static_cast<size_t>(options_.clusters));
    return rows_.index_select(0, at::tensor(order, at::kLong).to(rows_.device()));
  }

  Assignment assign(const at::Tensor& centres) const {
    const int64_t block = std::max<int64_t>(1, block_cosines / centres.size(0));
    const at::Tensor columns = centres.t().contiguous();
    std::vector<at::Tensor> clusters, cosines;
    for (int64_t begin = 0; begin < rows_.size(0); begin += block) {
      check_stop(stop_);
      const at::Tensor some = rows_.narrow(0, begin, std::min(block, rows_.size(0) - begin));
      auto [best, column] = at::max(at::mm(some, columns), /*dim=*/1);
      clusters.push_back(std::move(column));
      cosines.push_back(std::move(best));
    }
    return {at::cat(clusters).cpu(), at::cat(cosines).cpu().to(at::kDouble).sum().item<double>()};
  }

  // The mean direction of each cluster, summed on the CPU, where the order of the sums is that of the rows.
  at::Tensor move(const at::Tensor& centres, const at::Tensor& clusters) const {
    const at::Tensor before = centres.cpu();
    const at::Tensor sums = at::zeros_like(before).index_add_(0, clusters, on_host_);
    const at::Tensor has_direction = sums.abs().amax(/*dim=*/1, /*keepdim=*/true).gt(0);
    return at::where(has_direction, ops::normalize(sums), before).to(rows_.device());
  }

  const at::Tensor rows_, on_host_;
  const KMeansOptions options_;
  const std::stop_token& stop_;
};

}  // namespace

at::Tensor cluster_unit_rows(const at::Tensor& rows, const KMeansOptions& options, const std::stop_token& stop) {
  const at::NoGradGuard no_grad;
  if (options.clusters >= rows.size(0)) return at::arange(rows.size(0), at::kLong);
  const KMeans kmeans(rows, options, stop);
  Assignment best;
  for (int64_t start = 0; start < options.starts; ++start) {
    Assignment found = kmeans.run(start);
    if (found.cosines > best.cosines || !best.clusters.defined()) best = std::move(found);
  }
  return best.clusters;
}

}  // namespace lmtx

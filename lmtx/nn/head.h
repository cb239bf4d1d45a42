// What makes one vector of a text out of its tokens' hidden states: pooling, then the Dense modules of the folder.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "lmtx/nn/dense.h"
#include "lmtx/nn/linear.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/text/token_batch.h"

namespace lmtx {

class Head {
 public:
  Head() = default;
  // For hidden states of `dim` numbers. The weights of a Dense module have the name of its folder before theirs (see dense_folder).
  Head(const ModelFolder& folder, int64_t dim, Weights& weights);

  // Hidden states [T, hidden] to vectors [n, dim()].
  at::Tensor operator()(const at::Tensor& hidden, const TokenBatch& batch) const;
  // The Dense modules alone, of pooled hidden states.
  at::Tensor finish(const at::Tensor& pooled) const;
  int64_t dim() const { return dim_; }

  struct Dense {
    DenseSettings settings;
    Linear linear;
    // Undefined where the module has none.
    Linear residual;
  };
  const std::vector<PoolingMode>& modes() const { return modes_; }
  const std::vector<Dense>& dense() const { return dense_; }

 private:
  static at::Tensor apply(const Dense& dense, const at::Tensor& vectors);

  std::vector<PoolingMode> modes_;
  std::vector<Dense> dense_;
  int64_t dim_ = 0;
};

}  // namespace lmtx

// Groups vectors by direction. Internal.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <stop_token>

#include "lmtx/export.h"

namespace lmtx {

struct KMeansOptions {
  int64_t clusters = 8;
  int64_t iterations = 20;
  // Of these, each from other random rows, the one with the largest sum of cosines is kept.
  int64_t starts = 1;
  uint64_t key = 0;
};

// Spherical k-means (Dhillon and Modha 2001) on unit rows [n, dim], float32 on any device: int64 [n] on the CPU, the cluster of each row, in [0, clusters); a
// row that is as near to several belongs to the first. It ends before the last iteration where nothing changes. A cluster that loses all rows stays where it
// is. With as many clusters as rows, or more, each row is one by itself. The same bits on the same machine. Memory: the rows and centres twice, and 64 MB.
LMTX_API at::Tensor cluster_unit_rows(const at::Tensor& rows, const KMeansOptions& options, const std::stop_token& stop = {});

}  // namespace lmtx

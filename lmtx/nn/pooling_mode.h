// The ways in which tokens' vectors become one.
#pragma once

namespace lmtx {

// Of the hidden states of a sequence: the first, the largest of each dimension, the mean, the sum over the root of their number, the mean with weights
// 1, 2, 3, … (of a prompt's tokens, too, where they are left out), the last. In the order in which the classic dialect joins them.
enum class PoolingMode { cls, max, mean, mean_sqrt_len, weighted_mean, last_token };

}  // namespace lmtx

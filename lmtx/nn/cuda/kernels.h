// The kernels of a transformer on a card, by raw pointers: no header of torch, so that nvcc has little to read. Each launcher returns at once; the work is done
// in the order of `stream`. Throw std::runtime_error naming the kernel where a launch fails. T is __half or __nv_bfloat16; all sums are float32. Widths are
// multiples of 8, rows lie one after the other and begin at multiples of 16 bytes. Internal.
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_runtime_api.h>

#include <cstdint>

#include "lmtx/nn/activation.h"
#include "lmtx/nn/pooling_mode.h"

namespace lmtx::cuda {

// Which numbers are dropped: the mask of lmtx/nn/dropout.cc. threshold 0: none.
struct DropoutMask {
  uint64_t stream = 0;
  uint32_t threshold = 0;
  float scale = 1;
};

// Float32 vectors of a layer norm; bias null: none.
struct NormPointers {
  const float* weight = nullptr;
  const float* bias = nullptr;
  float eps = 0;
};

// A token's place in its sequence, or where padding_id >= 0 RoBERTa's number of it (ops::Embeddings): positions [tokens].
void token_positions(const int32_t* ids, const int32_t* offsets, int64_t sequences, int64_t padding_id, int32_t* positions, cudaStream_t stream);

// Float32 tables of embeddings; position and type null: none.
struct EmbeddingPointers {
  const float* words = nullptr;
  const float* positions = nullptr;
  const float* type = nullptr;
};

// out [tokens, dim] = dropout(norm(sum of a token's embeddings)).
template <typename T>
void embed_norm(const int32_t* ids, const int32_t* positions, EmbeddingPointers tables, NormPointers norm, DropoutMask mask, T* out, int64_t tokens,
                int64_t dim, cudaStream_t stream);

// The way back: from gradient [tokens, dim] that of the sum, in place; partial [partial_rows(tokens), 3, dim] becomes sums of those of the norm's weight, its
// bias, and of the sum itself (which is that of the token type).
template <typename T>
void embed_norm_backward(const int32_t* ids, const int32_t* positions, EmbeddingPointers tables, NormPointers norm, DropoutMask mask, T* gradient,
                         float* partial, int64_t tokens, int64_t dim, cudaStream_t stream);

// Rows of `gradient` [tokens, dim] that have one key are added up, and the sum is added to row `key` of `table`, always in the same order. `keys` are sorted;
// the i-th belongs to row order[i]. partial: [gather_chunks(tokens), 2, dim].
constexpr int64_t gather_chunk = 64;
inline int64_t gather_chunks(int64_t tokens) { return (tokens + gather_chunk - 1) / gather_chunk; }
template <typename T>
void add_rows_by_key(const T* gradient, const int32_t* keys, const int64_t* order, float* table, float* partial, int64_t tokens, int64_t dim,
                     cudaStream_t stream);

// sum = residual + dropout(branch + bias), out = norm(sum). `bias` may be null; `sum` may be `branch` or null, where nobody needs it; so may moments [rows, 2],
// a row's mean and the inverse of its deviation.
template <typename T>
void add_norm(const T* residual, const T* branch, const float* bias, NormPointers norm, DropoutMask mask, T* sum, T* out, float* moments, int64_t rows,
              int64_t dim, cudaStream_t stream);

// Rows of partial sums that the kernels of the way back write for this many rows: a function of the card and of `rows`.
int64_t partial_rows(int64_t rows);

// The way back: `gradient` of out and, where not null, `direct` that comes to the sum past the norm; sum_gradient is that of the sum (and so of residual),
// branch_gradient that of branch (may be sum_gradient where nothing is dropped). partial [partial_rows(rows), 3, dim]: of the norm's weight, its bias, and the
// branch's bias.
template <typename T>
void add_norm_backward(const T* sum, const T* gradient, const T* direct, const float* moments, const float* weight, DropoutMask mask, T* sum_gradient,
                       T* branch_gradient, float* partial, int64_t rows, int64_t dim, cudaStream_t stream);

// out [columns] = the sum of partial's rows [rows, columns].
void sum_rows(const float* partial, float* out, int64_t rows, int64_t columns, cudaStream_t stream);

// out [rows, width] = activation(x + bias), or where `gated` dropout(activation(a) * b), a and b being the halves of x + bias, x [rows, 2 * width]. bias null:
// none.
template <typename T>
void activate(const T* x, const float* bias, Activation activation, bool gated, DropoutMask mask, T* out, int64_t rows, int64_t width, cudaStream_t stream);

// The way back: from gradient [rows, width] to x_gradient [rows, width or 2 * width] (may be `gradient` where not gated); partial
// [activation_partial_rows(rows, columns), columns] of the bias, with as many columns as x.
template <typename T>
void activate_backward(const T* x, const float* bias, Activation activation, bool gated, DropoutMask mask, const T* gradient, T* x_gradient, float* partial,
                       int64_t rows, int64_t width, cudaStream_t stream);
int64_t activation_partial_rows(int64_t rows, int64_t columns);

// Rotary positions, in place: in each head of the first `columns` of x [tokens, stride], numbers i and i + head_dim / 2 are turned by position *
// frequencies[i], or `back` by as much. frequencies: float32 [head_dim / 2].
template <typename T>
void rotate(T* x, const int32_t* positions, const float* frequencies, bool back, int64_t tokens, int64_t columns, int64_t stride, int64_t head_dim,
            cudaStream_t stream);

// out [tokens, 3 * dim] = query, key and value [tokens, dim] side by side; partial [activation_partial_rows(tokens, 3 * dim), 3 * dim] becomes sums of its
// columns.
template <typename T>
void join_heads(const T* query, const T* key, const T* value, T* out, float* partial, int64_t tokens, int64_t dim, cudaStream_t stream);

// Sequences of at most short_attention_length tokens; heads of 8, 16, 32 or 64 numbers.
constexpr int64_t short_attention_length = 32;
struct ShortAttention {
  // Of the whole batch; the sequences are those from `first` on, of at most max_length tokens.
  const int32_t* offsets = nullptr;
  int64_t first = 0;
  int64_t sequences = 0;
  int64_t max_length = 0;
  int64_t heads = 1;
  int64_t head_dim = 0;
  float scale = 1;
  // Tokens to either side that a token attends to; below 0: all.
  int64_t window = -1;
  // What is added to scores, [heads, bias_length, bias_length]; null: nothing.
  const float* bias = nullptr;
  int64_t bias_length = 0;
  // Of attention weights.
  DropoutMask mask = {};
};

// Their attention: out [tokens, dim] from qkv [tokens, 3 * dim].
template <typename T>
void short_attention(const ShortAttention& attention, const T* qkv, T* out, cudaStream_t stream);

// The way back, where there is no bias: gradients [tokens, dim] of query, key and value from that of `out`.
template <typename T>
void short_attention_backward(const ShortAttention& attention, const T* qkv, const T* out, const T* gradient, T* query_gradient, T* key_gradient,
                              T* value_gradient, cudaStream_t stream);

// Vectors of sequences: one mode's, into columns of out [sequences, stride]. `skipped` as TokenBatch::unpooled.
template <typename T>
void pool(const T* hidden, const int32_t* offsets, PoolingMode mode, int64_t skipped, float* out, int64_t sequences, int64_t dim, int64_t stride,
          cudaStream_t stream);
// The way back, added to hidden_gradient [tokens, dim] (its first mode sets it).
template <typename T>
void pool_backward(const T* hidden, const int32_t* offsets, PoolingMode mode, int64_t skipped, const float* gradient, bool add, T* hidden_gradient,
                   int64_t sequences, int64_t dim, int64_t stride, cudaStream_t stream);

}  // namespace lmtx::cuda

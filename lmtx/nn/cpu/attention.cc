#include "lmtx/nn/cpu/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace lmtx::cpu {
namespace {

constexpr auto number_bytes = static_cast<int64_t>(sizeof(float));
// Queries whose scores are computed together.
constexpr int64_t most_queries = 48;

// Some queries, and the keys that they may see, from a whole panel on.
struct Block {
  int64_t first_query, queries;
  int64_t first_key, keys;
};

bool is_windowed(const HeadInput& head) { return head.window && head.length > *head.window + 1; }

Block block_at(const HeadInput& head, int64_t first_query, int64_t panel) {
  const int64_t queries = std::min(most_queries, head.length - first_query);
  if (!is_windowed(head)) return {first_query, queries, 0, head.length};
  const int64_t first_key = std::max<int64_t>(first_query - *head.window, 0) / panel * panel;
  return {first_query, queries, first_key, std::min(first_query + queries + *head.window, head.length) - first_key};
}

int64_t padded_length(const HeadInput& head, int64_t panel) { return (head.length + panel - 1) / panel * panel; }

// Keys in the order of packed weights. Whatever is in the columns behind the last key goes into columns that are not written.
const float* pack_keys(const HeadInput& head, int64_t panel, Scratch& scratch) {
  float* packed = scratch.keys.reserve(padded_length(head, panel) * head.dim);
  for (int64_t j = 0; j < head.length; ++j) {
    float* to = packed + j / panel * panel * head.dim + j % panel;
    for (int64_t k = 0; k < head.dim; ++k) to[k * panel] = head.keys[j * head.stride + k];
  }
  return packed;
}

// Keys out of the query's reach get no weight.
void mask(const HeadInput& head, const Block& block, int64_t query, float* scores) {
  constexpr float nothing = -std::numeric_limits<float>::infinity();
  const int64_t from = std::max<int64_t>(query - *head.window - block.first_key, 0);
  const int64_t to = std::min(query + *head.window + 1 - block.first_key, block.keys);
  std::fill(scores, scores + from, nothing);
  std::fill(scores + to, scores + block.keys, nothing);
}

void attend_block(const HeadInput& head, const Block& block, const float* packed_keys, const Kernels& kernels, float* out, int64_t out_stride,
                  Scratch& scratch) {
  const int64_t panel = kernels.panel, stride = padded_length(head, panel);
  float* scores = scratch.scores.reserve(most_queries * stride);
  kernels.product_float32({.a = reinterpret_cast<const std::byte*>(head.queries + block.first_query * head.stride),
                           .a_stride = head.stride * number_bytes,
                           .rows = block.queries,
                           .b = reinterpret_cast<const std::byte*>(packed_keys + block.first_key * head.dim),
                           .b_group_stride = panel * number_bytes,
                           .b_panel_stride = panel * head.dim * number_bytes,
                           .columns = block.keys,
                           .groups = head.dim,
                           .c = scores,
                           .c_stride = stride});
  const float scale = 1 / std::sqrt(static_cast<float>(head.dim));
  for (int64_t row = 0; row < block.queries; ++row) {
    const int64_t query = block.first_query + row;
    if (is_windowed(head)) mask(head, block, query, scores + row * stride);
    const float* bias = head.positions.bias_of(head.number, query);
    kernels.softmax(scores + row * stride, block.keys, scale, bias == nullptr ? nullptr : bias + block.first_key);
  }
  kernels.product_float32({.a = reinterpret_cast<const std::byte*>(scores),
                           .a_stride = stride * number_bytes,
                           .rows = block.queries,
                           .b = reinterpret_cast<const std::byte*>(head.values + block.first_key * head.stride),
                           .b_group_stride = head.stride * number_bytes,
                           .b_panel_stride = panel * number_bytes,
                           .columns = head.dim,
                           .groups = block.keys,
                           .c = out + block.first_query * out_stride,
                           .c_stride = out_stride});
}

}  // namespace

void attend(const HeadInput& head, const Kernels& kernels, float* out, int64_t out_stride, Scratch& scratch) {
  const float* keys = pack_keys(head, kernels.panel, scratch);
  for (int64_t query = 0; query < head.length; query += most_queries) {
    attend_block(head, block_at(head, query, kernels.panel), keys, kernels, out, out_stride, scratch);
  }
}

}  // namespace lmtx::cpu

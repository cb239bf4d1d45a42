#include "lmtx/nn/cpu/inference.h"

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/pow.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "lmtx/nn/cpu/pooling.h"
#include "lmtx/stopped.h"

namespace lmtx::cpu {
namespace {

// Tokens that go through the products behind attention together: what lies between these stays in the cache.
constexpr int64_t tile_rows = 96;
// Queries whose scores are computed together.
constexpr int64_t query_rows = 48;
// Tokens a batch: enough that a thread reads its weights seldom, few enough that all threads have work until the end.
constexpr int64_t batch_tokens = 384;
constexpr int64_t fewest_batch_tokens = 96;

at::Tensor plain(const at::Tensor& tensor) { return tensor.defined() ? tensor.detach().to(at::kCPU, at::kFloat).contiguous() : at::Tensor(); }

const float* numbers(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr; }

int64_t size_of(const Sequence& sequence) { return static_cast<int64_t>(sequence.size()); }

int64_t total_tokens(std::span<const Sequence> sequences) {
  int64_t tokens = 0;
  for (const Sequence& sequence : sequences) tokens += size_of(sequence);
  return tokens;
}

// Where each of the batches that `sequences` are cut into ends.
std::vector<size_t> batch_ends(std::span<const Sequence> sequences, int64_t tokens_a_batch) {
  std::vector<size_t> ends;
  int64_t tokens = 0;
  for (size_t i = 0; i < sequences.size(); ++i) {
    if (tokens > 0 && tokens + size_of(sequences[i]) > tokens_a_batch) {
      ends.push_back(i);
      tokens = 0;
    }
    tokens += size_of(sequences[i]);
  }
  ends.push_back(sequences.size());
  return ends;
}

}  // namespace

struct Inference::Norm {
  explicit Norm(const ops::LayerNorm& norm) : weight(plain(norm.weight)), bias(plain(norm.bias)), eps(static_cast<float>(norm.eps)) {}
  bool defined() const { return weight.defined(); }

  at::Tensor weight, bias;
  float eps;
};

struct Inference::Layer {
  PackedLinear attention_inputs, attention_output, up, down;
  Norm attention_norm, output_norm;
  LayerAttention attention;
};

struct Inference::Dense {
  DenseSettings settings;
  PackedLinear linear;
  std::optional<PackedLinear> residual;
};

// What all sequences of a call share: angles of rotary positions by their base, and what relative positions add to scores.
struct Inference::Positions {
  int64_t max_length = 0;
  struct Angles {
    // [max_length, head_dim / 2]
    std::vector<float> cosines, sines;
  };
  std::map<double, Angles> angles;
  // [heads, bias_stride]: by the key's position minus the query's, from 1 - max_length on; readable beyond by a panel.
  std::vector<float> bias;
  int64_t bias_stride = 0;
};

struct Inference::Batch {
  std::span<const Sequence> sequences;
  int64_t unpooled;
  const Positions& positions;
  // Sequence i has the tokens from offsets[i] to offsets[i + 1].
  std::vector<int64_t> offsets;

  Batch(std::span<const Sequence> sequences, int64_t unpooled, const Positions& positions) : sequences(sequences), unpooled(unpooled), positions(positions) {
    offsets.push_back(0);
    for (const Sequence& sequence : sequences) offsets.push_back(offsets.back() + size_of(sequence));
  }
  int64_t size() const { return static_cast<int64_t>(sequences.size()); }
  int64_t tokens() const { return offsets.back(); }
  int64_t length(int64_t i) const { return offsets[i + 1] - offsets[i]; }
};

// One head of one sequence.
struct Inference::Stretch {
  int64_t length;
  std::optional<int64_t> window;
  // Of this head, for max_length; nullptr: none.
  const float* bias;
  int64_t max_length;
};

// Who computes a batch: the calling thread, or all of torch's.
class Inference::Team {
 public:
  explicit Team(bool all) : all_(all) {}

  template <class Each>  // (number, scratch)
  void for_each(int64_t count, Workspace& workspace, const Each& each) const {
    if (!all_) {
      for (int64_t i = 0; i < count; ++i) each(i, workspace.scratch[0]);
      return;
    }
    at::parallel_for(0, count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) each(i, workspace.scratch[at::get_thread_num()]);
    });
  }
  // The rows [begin, begin + size) of each tile.
  template <class Each>  // (begin, size, scratch)
  void for_each_tile(int64_t rows, Workspace& workspace, const Each& each) const {
    // Smaller ones where all threads are to have some.
    const int64_t tile = all_ ? std::clamp((rows / at::get_num_threads() + 23) / 24 * 24, int64_t{24}, tile_rows) : tile_rows;
    for_each((rows + tile - 1) / tile, workspace, [&](int64_t i, Scratch& scratch) { each(i * tile, std::min(tile, rows - i * tile), scratch); });
  }
  size_t size() const { return all_ ? at::get_num_threads() : 1; }

 private:
  bool all_;
};

Inference::Inference(const TransformerSettings& settings, const TransformerWeights& weights, ComputeDtype dtype, const Kernels& kernels)
    : settings_(settings), kernels_(kernels), embeddings_(weights.embeddings), embedding_norm_(std::make_unique<Norm>(weights.embedding_norm)),
      final_norm_(std::make_unique<Norm>(weights.final_norm)), modes_(weights.head.modes()), dim_(weights.head.dim()),
      relative_positions_(plain(weights.relative_positions)) {
  for (at::Tensor* table : {&embeddings_.words, &embeddings_.positions, &embeddings_.token_type}) *table = plain(*table);
  const auto pack = [&](const Linear& linear) { return PackedLinear(std::span(&linear, 1), dtype, kernels); };
  for (const TransformerLayer& layer : weights.layers) {
    layers_.push_back({.attention_inputs = PackedLinear(layer.attention_inputs, dtype, kernels),
                       .attention_output = pack(layer.attention_output),
                       .up = pack(layer.up),
                       .down = pack(layer.down),
                       .attention_norm = Norm(layer.attention_norm),
                       .output_norm = Norm(layer.output_norm),
                       .attention = layer.attention});
  }
  for (const Head::Dense& dense : weights.head.dense()) {
    Dense packed{.settings = dense.settings, .linear = PackedLinear(std::span(&dense.linear, 1), ComputeDtype::float32, kernels), .residual = {}};
    if (dense.residual.weight.defined()) packed.residual.emplace(std::span(&dense.residual, 1), ComputeDtype::float32, kernels);
    dense_.push_back(std::move(packed));
  }
}

Inference::~Inference() = default;

int64_t Inference::bytes() const {
  int64_t bytes = 0;
  for (const Layer& layer : layers_) bytes += layer.attention_inputs.bytes() + layer.attention_output.bytes() + layer.up.bytes() + layer.down.bytes();
  for (const Dense& dense : dense_) bytes += dense.linear.bytes() + (dense.residual ? dense.residual->bytes() : 0);
  return bytes;
}

Inference::Positions Inference::positions_of(int64_t max_length) const {
  Positions positions{.max_length = max_length, .angles = {}, .bias = {}, .bias_stride = 0};
  for (const LayerAttention& attention : settings_.attention) {
    if (!attention.rope_theta || positions.angles.contains(*attention.rope_theta)) continue;
    Positions::Angles& angles = positions.angles[*attention.rope_theta];
    const at::Tensor frequencies = ops::rotary_frequencies(settings_.dim / settings_.num_heads, *attention.rope_theta);
    for (int64_t place = 0; place < max_length; ++place) {
      for (int64_t i = 0; i < frequencies.size(0); ++i) {
        const float angle = static_cast<float>(place) * frequencies.const_data_ptr<float>()[i];
        angles.cosines.push_back(std::cos(angle));
        angles.sines.push_back(std::sin(angle));
      }
    }
  }
  if (relative_positions_.defined()) {
    const at::Tensor of_pairs = ops::relative_bias(relative_positions_, max_length);
    // Of the last query to all keys, then of the first one to those behind it.
    const at::Tensor of_last = of_pairs.select(1, max_length - 1).contiguous(), of_first = of_pairs.select(1, 0).contiguous();
    positions.bias_stride = 2 * max_length - 1 + kernels_.panel;
    positions.bias.assign(settings_.num_heads * positions.bias_stride, 0.0f);
    for (int64_t head = 0; head < settings_.num_heads; ++head) {
      float* to = positions.bias.data() + head * positions.bias_stride;
      std::copy_n(of_last.const_data_ptr<float>() + head * max_length, max_length, to);
      std::copy_n(of_first.const_data_ptr<float>() + head * max_length, max_length, to + max_length - 1);
    }
  }
  return positions;
}

void Inference::compute(std::span<const Sequence> sequences, int64_t unpooled, float* out, Workspaces& workspaces, const std::stop_token& stop) const {
  if (sequences.empty()) return;
  int64_t max_length = 0;
  for (const Sequence& sequence : sequences) {
    ops::check_ids(sequence, embeddings_.words.size(0));
    max_length = std::max(max_length, size_of(sequence));
  }
  if (embeddings_.positions.defined()) ops::check_length(max_length, embeddings_.max_length());
  const Positions positions = positions_of(max_length);
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  const Team alone(false), all(true);
  const auto prepare = [](Workspace& workspace, size_t threads) { if (workspace.scratch.size() < threads) workspace.scratch.resize(threads); };
  if (threads > 1 && static_cast<int64_t>(sequences.size()) < threads) {
    if (workspaces.of_batch.empty()) workspaces.of_batch.resize(1);
    prepare(workspaces.of_batch[0], all.size());
    return compute_batch(Batch(sequences, unpooled, positions), out, workspaces.of_batch[0], all, stop);
  }
  const int64_t tokens_a_batch = std::clamp(total_tokens(sequences) / (2 * threads), fewest_batch_tokens, batch_tokens);
  const std::vector<size_t> ends = batch_ends(sequences, tokens_a_batch);
  const int64_t workers = std::min<int64_t>(threads, static_cast<int64_t>(ends.size()));
  if (static_cast<int64_t>(workspaces.of_batch.size()) < workers) workspaces.of_batch.resize(workers);
  std::atomic<size_t> next{0};
  const auto work = [&](Workspace& workspace) {
    prepare(workspace, 1);
    for (size_t i = next++; i < ends.size(); i = next++) {
      const size_t begin = i == 0 ? 0 : ends[i - 1];
      compute_batch(Batch(sequences.subspan(begin, ends[i] - begin), unpooled, positions), out + static_cast<int64_t>(begin) * dim_, workspace, alone, stop);
    }
  };
  if (workers == 1) return work(workspaces.of_batch[0]);
  at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) work(workspaces.of_batch[worker]);
  });
}

void Inference::compute_batch(const Batch& batch, float* out, Workspace& workspace, const Team& team, const std::stop_token& stop) const {
  const int64_t tokens = batch.tokens(), dim = settings_.dim;
  float* hidden = workspace.hidden.reserve(tokens * dim);
  // Kernels read whole panels of values.
  workspace.qkv.reserve(tokens * 3 * dim + kernels_.panel);
  workspace.mixed.reserve(tokens * dim);
  embed(batch, hidden, team);
  for (const Layer& layer : layers_) {
    check_stop(stop);
    project(layer, batch, workspace, team);
    attend(layer, batch, workspace, team);
    finish_layer(layer, batch, workspace, team);
  }
  if (final_norm_->defined()) normalize_rows(*final_norm_, hidden, tokens, hidden);
  pool(batch, hidden, out, workspace.scratch[0]);
}

void Inference::normalize_rows(const Norm& norm, const float* from, int64_t rows, float* to) const {
  const int64_t dim = settings_.dim;
  for (int64_t row = 0; row < rows; ++row) kernels_.layer_norm(from + row * dim, dim, numbers(norm.weight), numbers(norm.bias), norm.eps, to + row * dim);
}

void Inference::embed(const Batch& batch, float* hidden, const Team&) const {
  for (int64_t i = 0; i < batch.size(); ++i) embed_sequence(batch.sequences[i], hidden + batch.offsets[i] * settings_.dim);
}

void Inference::embed_sequence(Sequence tokens, float* hidden) const {
  const int64_t dim = settings_.dim;
  const float *words = numbers(embeddings_.words), *positions = numbers(embeddings_.positions), *type = numbers(embeddings_.token_type);
  int64_t counted = 0;
  for (size_t t = 0; t < tokens.size(); ++t) {
    float* row = hidden + static_cast<int64_t>(t) * dim;
    std::copy_n(words + tokens[t] * dim, dim, row);
    if (positions) {
      int64_t place = static_cast<int64_t>(t);
      if (embeddings_.padding_id) place = *embeddings_.padding_id + (tokens[t] == *embeddings_.padding_id ? 0 : ++counted);
      for (int64_t i = 0; i < dim; ++i) row[i] += positions[place * dim + i];
    }
    if (type) {
      for (int64_t i = 0; i < dim; ++i) row[i] += type[i];
    }
  }
  normalize_rows(*embedding_norm_, hidden, size_of(tokens), hidden);
}

// Queries, keys and values of all tokens.
void Inference::project(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const {
  const int64_t dim = settings_.dim;
  team.for_each_tile(batch.tokens(), workspace, [&](int64_t begin, int64_t rows, Scratch& scratch) {
    const float* input = workspace.hidden.data() + begin * dim;
    if (settings_.norm_first && layer.attention_norm.defined()) {
      normalize_rows(layer.attention_norm, input, rows, scratch.input.reserve(rows * dim));
      input = scratch.input.data();
    }
    layer.attention_inputs.multiply({input, dim}, rows, {}, workspace.qkv.data() + begin * 3 * dim, 3 * dim, scratch.converted);
  });
  if (!layer.attention.rope_theta) return;
  const Positions::Angles& angles = batch.positions.angles.at(*layer.attention.rope_theta);
  const int64_t head_dim = dim / settings_.num_heads;
  team.for_each(batch.size(), workspace, [&](int64_t i, Scratch&) {
    for (int64_t place = 0; place < batch.length(i); ++place) {
      float* row = workspace.qkv.data() + (batch.offsets[i] + place) * 3 * dim;
      const int64_t at = place * (head_dim / 2);
      // Those of queries and keys.
      for (int64_t head = 0; head < 2 * settings_.num_heads; ++head) {
        kernels_.rotate(row + head * head_dim, head_dim, angles.cosines.data() + at, angles.sines.data() + at);
      }
    }
  });
}

void Inference::attend(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const {
  const int64_t dim = settings_.dim, heads = settings_.num_heads, head_dim = dim / heads;
  const Positions& positions = batch.positions;
  team.for_each(batch.size() * heads, workspace, [&](int64_t task, Scratch& scratch) {
    const int64_t i = task / heads, head = task % heads;
    const Stretch stretch{.length = batch.length(i),
                          .window = layer.attention.window,
                          .bias = positions.bias.empty() ? nullptr : positions.bias.data() + head * positions.bias_stride,
                          .max_length = positions.max_length};
    attend_head(stretch, workspace.qkv.data() + batch.offsets[i] * 3 * dim + head * head_dim,
                workspace.mixed.data() + batch.offsets[i] * dim + head * head_dim, scratch);
  });
}

void Inference::attend_head(const Stretch& stretch, const float* qkv, float* out, Scratch& scratch) const {
  const int64_t dim = settings_.dim, head_dim = dim / settings_.num_heads, length = stretch.length, panel = kernels_.panel;
  constexpr auto number = static_cast<int64_t>(sizeof(float));
  const int64_t num_panels = (length + panel - 1) / panel, stride = num_panels * panel;
  const float *keys = qkv + dim, *values = qkv + 2 * dim;
  const float scale = 1 / std::sqrt(static_cast<float>(head_dim));
  float* packed = reinterpret_cast<float*>(scratch.keys.reserve(stride * head_dim * number));
  // Whatever is in the columns behind the last key goes into columns that are not written.
  for (int64_t j = 0; j < length; ++j) {
    float* to = packed + j / panel * panel * head_dim + j % panel;
    for (int64_t k = 0; k < head_dim; ++k) to[k * panel] = keys[j * 3 * dim + k];
  }
  float* scores = scratch.scores.reserve(query_rows * stride);
  const bool windowed = stretch.window && length > *stretch.window + 1;
  for (int64_t begin = 0; begin < length; begin += query_rows) {
    const int64_t rows = std::min(query_rows, length - begin);
    const int64_t first = windowed ? std::max<int64_t>(begin - *stretch.window, 0) / panel * panel : 0;
    const int64_t last = windowed ? std::min(begin + rows + *stretch.window, length) : length;
    kernels_.product_float32({.a = reinterpret_cast<const std::byte*>(qkv + begin * 3 * dim),
                              .a_stride = 3 * dim * number,
                              .rows = rows,
                              .b = reinterpret_cast<const std::byte*>(packed + first * head_dim),
                              .b_group_stride = panel * number,
                              .b_panel_stride = panel * head_dim * number,
                              .columns = last - first,
                              .groups = head_dim,
                              .c = scores,
                              .c_stride = stride});
    for (int64_t row = 0; row < rows; ++row) {
      const int64_t query = begin + row;
      float* of_query = scores + row * stride;
      if (windowed) {
        for (int64_t j = first; j < query - *stretch.window; ++j) of_query[j - first] = -std::numeric_limits<float>::infinity();
        for (int64_t j = query + *stretch.window + 1; j < last; ++j) of_query[j - first] = -std::numeric_limits<float>::infinity();
      }
      kernels_.softmax(of_query, last - first, scale, stretch.bias ? stretch.bias + stretch.max_length - 1 - query + first : nullptr);
    }
    kernels_.product_float32({.a = reinterpret_cast<const std::byte*>(scores),
                              .a_stride = stride * number,
                              .rows = rows,
                              .b = reinterpret_cast<const std::byte*>(values + first * 3 * dim),
                              .b_group_stride = 3 * dim * number,
                              .b_panel_stride = panel * number,
                              .columns = head_dim,
                              .groups = last - first,
                              .c = out + begin * dim,
                              .c_stride = dim});
  }
}

// What is behind attention, tile by tile: its output product and the feed-forward part.
void Inference::finish_layer(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const {
  const int64_t dim = settings_.dim, inner = settings_.inner_dim, up = layer.up.out();
  const bool norm_first = settings_.norm_first;
  team.for_each_tile(batch.tokens(), workspace, [&](int64_t begin, int64_t rows, Scratch& scratch) {
    float* hidden = workspace.hidden.data() + begin * dim;
    float* sum = norm_first ? hidden : scratch.sum.reserve(rows * dim);
    layer.attention_output.multiply({workspace.mixed.data() + begin * dim, dim}, rows, {hidden, dim}, sum, dim, scratch.converted);
    const float* input = hidden;
    if (norm_first) {
      normalize_rows(layer.output_norm, hidden, rows, scratch.input.reserve(rows * dim));
      input = scratch.input.data();
    } else {
      normalize_rows(layer.attention_norm, sum, rows, hidden);
    }
    float* between = scratch.inner.reserve(rows * up);
    layer.up.multiply({input, dim}, rows, {}, between, up, scratch.converted);
    if (settings_.gated) {
      float* gated = scratch.gated.reserve(rows * inner);
      for (int64_t row = 0; row < rows; ++row) kernels_.gate(between + row * up, inner, settings_.activation, gated + row * inner);
      between = gated;
    } else {
      for (int64_t row = 0; row < rows; ++row) kernels_.activate(between + row * inner, inner, settings_.activation);
    }
    layer.down.multiply({between, inner}, rows, {hidden, dim}, sum, dim, scratch.converted);
    if (!norm_first) normalize_rows(layer.output_norm, sum, rows, hidden);
  });
}

void Inference::pool(const Batch& batch, const float* hidden, float* out, Scratch& scratch) const {
  const int64_t width = static_cast<int64_t>(modes_.size()) * settings_.dim;
  float* vectors = dense_.empty() ? out : scratch.vectors.reserve(batch.size() * width);
  for (int64_t i = 0; i < batch.size(); ++i) {
    const int64_t length = batch.length(i), skipped = std::min(batch.unpooled, length - 1);
    float* to = vectors + i * width;
    for (const PoolingMode mode : modes_) {
      pool_rows(mode, hidden + (batch.offsets[i] + skipped) * settings_.dim, length - skipped, settings_.dim, skipped, to);
      to += settings_.dim;
    }
  }
  for (size_t d = 0; d < dense_.size(); ++d) {
    const Dense& dense = dense_[d];
    const int64_t in = dense.settings.in, size = dense.settings.out;
    float* next = d + 1 == dense_.size() ? out : scratch.next.reserve(batch.size() * size);
    dense.linear.multiply({vectors, in}, batch.size(), {}, next, size, scratch.converted);
    for (int64_t i = 0; i < batch.size(); ++i) kernels_.activate(next + i * size, size, dense.settings.activation);
    if (dense.residual) {
      dense.residual->multiply({vectors, in}, batch.size(), {next, size}, next, size, scratch.converted);
    } else if (dense.settings.residual) {
      for (int64_t i = 0; i < batch.size() * size; ++i) next[i] += vectors[i];
    }
    std::swap(scratch.vectors, scratch.next);
    vectors = next;
  }
}

}  // namespace lmtx::cpu

#include "lmtx/nn/cpu/inference.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "lmtx/nn/cpu/attention.h"
#include "lmtx/nn/cpu/pooling.h"
#include "lmtx/nn/cpu/positions.h"
#include "lmtx/stopped.h"

namespace lmtx::cpu {
namespace {

// Tokens that go through the products behind attention together: what lies between these stays in the cache.
constexpr int64_t tile_rows = 96;
// Tokens a batch: enough that a thread reads its weights seldom, few enough that all threads have work until the end.
constexpr int64_t batch_tokens = 384;
constexpr int64_t fewest_batch_tokens = 96;

at::Tensor plain(const at::Tensor& tensor) { return tensor.defined() ? tensor.detach().to(at::kCPU, at::kFloat).contiguous() : at::Tensor(); }

const float* numbers(const at::Tensor& tensor) { return tensor.defined() ? tensor.const_data_ptr<float>() : nullptr; }

int64_t size_of(const Sequence& sequence) { return static_cast<int64_t>(sequence.size()); }

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

void Inference::compute(std::span<const Sequence> sequences, int64_t unpooled, float* out, Workspaces& workspaces, const std::stop_token& stop) const {
  if (sequences.empty()) return;
  int64_t max_length = 0;
  for (const Sequence& sequence : sequences) {
    ops::check_ids(sequence, embeddings_.words.size(0));
    max_length = std::max(max_length, size_of(sequence));
  }
  if (embeddings_.positions.defined()) ops::check_length(max_length, embeddings_.max_length());
  const Positions positions = positions_up_to(max_length, settings_, relative_positions_, /*slack=*/kernels_.panel);
  const Batch batch(sequences, unpooled, positions);
  const int64_t threads = at::in_parallel_region() ? 1 : at::get_num_threads();
  if (batch.size() < threads) return compute_together(batch, out, workspaces, stop);
  compute_apart(batch, threads, out, workspaces, stop);
}

void Inference::compute_together(const Batch& batch, float* out, Workspaces& workspaces, const std::stop_token& stop) const {
  if (workspaces.of_batch.empty()) workspaces.of_batch.resize(1);
  compute_batch(batch, out, workspaces.of_batch[0], Team(/*all=*/true), stop);
}

// Each thread takes the next of smaller batches until there is none.
void Inference::compute_apart(const Batch& batch, int64_t threads, float* out, Workspaces& workspaces, const std::stop_token& stop) const {
  const std::vector<size_t> ends = batch_ends(batch.sequences, std::clamp(batch.tokens() / (2 * threads), fewest_batch_tokens, batch_tokens));
  const int64_t workers = std::min<int64_t>(threads, static_cast<int64_t>(ends.size()));
  if (static_cast<int64_t>(workspaces.of_batch.size()) < workers) workspaces.of_batch.resize(workers);
  std::atomic<size_t> next{0};
  const auto work = [&](Workspace& workspace) {
    for (size_t i = next++; i < ends.size(); i = next++) {
      const size_t begin = i == 0 ? 0 : ends[i - 1];
      const Batch part(batch.sequences.subspan(begin, ends[i] - begin), batch.unpooled, batch.positions);
      compute_batch(part, out + static_cast<int64_t>(begin) * dim_, workspace, Team(/*all=*/false), stop);
    }
  };
  if (workers == 1) return work(workspaces.of_batch[0]);
  at::parallel_for(0, workers, 1, [&](int64_t begin, int64_t end) {
    for (int64_t worker = begin; worker < end; ++worker) work(workspaces.of_batch[worker]);
  });
}

void Inference::compute_batch(const Batch& batch, float* out, Workspace& workspace, const Team& team, const std::stop_token& stop) const {
  const int64_t tokens = batch.tokens(), dim = settings_.dim;
  if (workspace.scratch.size() < team.size()) workspace.scratch.resize(team.size());
  float* hidden = workspace.hidden.reserve(tokens * dim);
  // Kernels read whole panels of values.
  workspace.qkv.reserve(tokens * 3 * dim + kernels_.panel);
  workspace.mixed.reserve(tokens * dim);
  for (int64_t i = 0; i < batch.size(); ++i) embed_sequence(batch.sequences[i], hidden + batch.offsets[i] * dim);
  for (const Layer& layer : layers_) {
    check_stop(stop);
    project(layer, batch, workspace, team);
    if (layer.attention.rope_theta) rotate(layer, batch, workspace, team);
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
}

void Inference::rotate(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const {
  const Angles& angles = batch.positions.angles.at(*layer.attention.rope_theta);
  const int64_t dim = settings_.dim, head_dim = dim / settings_.num_heads;
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
  team.for_each(batch.size() * heads, workspace, [&](int64_t task, Scratch& scratch) {
    const int64_t i = task / heads, number = task % heads;
    const float* qkv = workspace.qkv.data() + batch.offsets[i] * 3 * dim + number * head_dim;
    const HeadInput head{.length = batch.length(i),
                         .dim = head_dim,
                         .stride = 3 * dim,
                         .queries = qkv,
                         .keys = qkv + dim,
                         .values = qkv + 2 * dim,
                         .window = layer.attention.window,
                         .positions = batch.positions,
                         .number = number};
    cpu::attend(head, kernels_, workspace.mixed.data() + batch.offsets[i] * dim + number * head_dim, dim, scratch);
  });
}

// What is behind attention, tile by tile: its output product and the feed-forward part.
void Inference::finish_layer(const Layer& layer, const Batch& batch, Workspace& workspace, const Team& team) const {
  const int64_t dim = settings_.dim;
  team.for_each_tile(batch.tokens(), workspace, [&](int64_t begin, int64_t rows, Scratch& scratch) {
    float* hidden = workspace.hidden.data() + begin * dim;
    // Where the norm comes first, the sum with the residual is the new state.
    float* sum = settings_.norm_first ? hidden : scratch.sum.reserve(rows * dim);
    layer.attention_output.multiply({workspace.mixed.data() + begin * dim, dim}, rows, {hidden, dim}, sum, dim, scratch.converted);
    if (!settings_.norm_first) normalize_rows(layer.attention_norm, sum, rows, hidden);
    feed_forward(layer, rows, hidden, sum, scratch);
    if (!settings_.norm_first) normalize_rows(layer.output_norm, sum, rows, hidden);
  });
}

// sum = hidden + the feed-forward part of it.
void Inference::feed_forward(const Layer& layer, int64_t rows, float* hidden, float* sum, Scratch& scratch) const {
  const int64_t dim = settings_.dim, inner = settings_.inner_dim, up = layer.up.out();
  const float* input = hidden;
  if (settings_.norm_first) {
    normalize_rows(layer.output_norm, hidden, rows, scratch.input.reserve(rows * dim));
    input = scratch.input.data();
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
    float* next = d + 1 == dense_.size() ? out : scratch.next.reserve(batch.size() * dense_[d].settings.out);
    apply(dense_[d], batch.size(), vectors, next, scratch);
    std::swap(scratch.vectors, scratch.next);
    vectors = next;
  }
}

void Inference::apply(const Dense& dense, int64_t rows, const float* from, float* to, Scratch& scratch) const {
  const int64_t in = dense.settings.in, out = dense.settings.out;
  dense.linear.multiply({from, in}, rows, {}, to, out, scratch.converted);
  for (int64_t i = 0; i < rows; ++i) kernels_.activate(to + i * out, out, dense.settings.activation);
  if (dense.residual) {
    dense.residual->multiply({from, in}, rows, {to, out}, to, out, scratch.converted);
  } else if (dense.settings.residual) {
    for (int64_t i = 0; i < rows * out; ++i) to[i] += from[i];
  }
}

}  // namespace lmtx::cpu

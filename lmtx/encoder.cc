#include "lmtx/encoder.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_map>
#include <utility>
#include <vector>

#include "lmtx/detail/computation.h"
#include "lmtx/detail/device.h"
#include "lmtx/detail/digest.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/nn/cpu/inference.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/ops.h"
#include "lmtx/nn/prompts.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/text/token_batch.h"

namespace lmtx {
namespace {

namespace fs = std::filesystem;
using Sequence = std::span<const int32_t>;

// Texts that are tokenized at once: enough to find many of one length, few enough for any memory.
constexpr size_t block_texts = 1 << 15;
constexpr size_t block_bytes = size_t{32} << 20;

// All that texts go through beside the network. Shared by the encoders that with_model() makes.
struct Settings {
  Tokenizer tokenizer;
  // By name, as they were when the folder was loaded.
  std::map<std::string, std::string> tokenizer_files;
  detail::Json config;
  bool lower_case = false;
};

std::map<std::string, std::string> read_tokenizer_files(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const std::string& name : tokenizer_file_names()) {
    if (fs::exists(folder / name)) files.emplace(name, detail::read_file(folder / name));
  }
  return files;
}

void check_vocabulary(const ModelFolder& model, const Settings& settings) {
  const Tokenizer& tokenizer = settings.tokenizer;
  const std::string place = (model.path / "config.json").string();
  const int64_t rows = detail::json_integer(model.config, "vocab_size", place);
  if (tokenizer.vocabulary_size() <= rows) return;
  std::string files;
  for (const auto& [name, bytes] : settings.tokenizer_files) files += (files.empty() ? "" : ", ") + name;
  throw std::runtime_error(place + ": `vocab_size` must be at least " + std::to_string(tokenizer.vocabulary_size()) + ", the tokenizer's vocabulary (" + files + "), but is " +
                           std::to_string(rows) + " instead.");
}

// For each of `items` the first that equals it, and those first ones in order.
struct Distinct {
  // Into the items.
  std::vector<int64_t> first;
  // For each item its place in `first`.
  std::vector<int64_t> place;
};

Distinct find_distinct(std::span<const std::string_view> items) {
  Distinct distinct;
  std::unordered_map<std::string_view, int64_t> seen;
  for (size_t i = 0; i < items.size(); ++i) {
    const auto [entry, is_new] = seen.emplace(items[i], static_cast<int64_t>(distinct.first.size()));
    if (is_new) distinct.first.push_back(static_cast<int64_t>(i));
    distinct.place.push_back(entry->second);
  }
  return distinct;
}

std::string_view bytes_of(Sequence tokens) { return {reinterpret_cast<const char*>(tokens.data()), tokens.size_bytes()}; }

// A model, and what inference makes of it once it is asked for.
class Network {
 public:
  explicit Network(std::shared_ptr<const SentenceModel> model) : model_(std::move(model)) {}

  const SentenceModel& model() const { return *model_; }
  // Made once; others wait for it.
  const cpu::Inference& inference(ComputeDtype dtype) const {
    const std::lock_guard lock(mutex_);
    std::unique_ptr<const cpu::Inference>& inference = inference_[dtype];
    if (!inference) inference = model_->prepare(dtype);
    return *inference;
  }

 private:
  const std::shared_ptr<const SentenceModel> model_;
  mutable std::mutex mutex_;
  mutable std::map<ComputeDtype, std::unique_ptr<const cpu::Inference>> inference_;
};

void check_options(const EncodeOptions& options, at::Device device) {
  if (options.token_budget < 1) throw std::invalid_argument("`token_budget` must be at least 1, but is " + std::to_string(options.token_budget) + " instead.");
  if (!device.is_cpu() && options.dtype != ComputeDtype::float32) {
    throw std::invalid_argument("`dtype` is \"" + std::string(name_of(options.dtype)) + "\", which is computed on the CPU only, but the encoder is on " +
                                device.str() + "; use \"float32\", or load it with device \"cpu\".");
  }
}

// Scaled to unit length; the sum is in the order of the numbers, so that nothing else decides it.
void normalize_row(float* row, int64_t dim) {
  double squares = 0;
  for (int64_t i = 0; i < dim; ++i) squares += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
  for (int64_t i = 0; i < dim; ++i) row[i] /= length;
}

// Computes vectors of token sequences into the rows of a matrix, and tells how far it is.
class Embedder {
 public:
  // `unpooled` as in TokenBatch.
  Embedder(const Network& network, const EncodeOptions& options, int64_t unpooled, int64_t num_rows, const EventCallback& on_event, std::stop_token stop)
      : network_(network), options_(options), unpooled_(unpooled), on_event_(on_event), stop_(std::move(stop)),
        normalize_(options.normalize.value_or(network.model().normalizes())), dim_(network.model().dim()) {
    check_options(options, network.model().device());
    rows_ = at::empty({num_rows, dim_}, at::TensorOptions().dtype(at::kFloat));
    report();
  }

  // The vectors of `sequences` become the rows after those that are there.
  void add(std::span<const Sequence> sequences) {
    std::vector<int64_t> lengths;
    for (const Sequence& sequence : sequences) lengths.push_back(static_cast<int64_t>(sequence.size()));
    const int64_t first_row = done_;
    const bool alone = options_.deterministic && !on_cpu();
    for (const std::vector<int64_t>& positions : plan_batches(lengths, options_.token_budget, /*max_sequences=*/alone ? 1 : 0)) {
      check_stop(stop_);
      std::vector<Sequence> batch;
      for (int64_t position : positions) batch.push_back(sequences[position]);
      const at::Tensor vectors = on_cpu() ? infer(batch) : forward(batch);
      for (size_t i = 0; i < positions.size(); ++i) {
        float* row = rows_.mutable_data_ptr<float>() + (first_row + positions[i]) * dim_;
        std::copy_n(vectors.const_data_ptr<float>() + static_cast<int64_t>(i) * dim_, dim_, row);
      }
      done_ += static_cast<int64_t>(positions.size());
      report();
    }
  }

  const at::Tensor& rows() const { return rows_; }

 private:
  bool on_cpu() const { return network_.model().device().is_cpu(); }

  at::Tensor infer(std::span<const Sequence> batch) {
    const at::Tensor vectors = at::empty({static_cast<int64_t>(batch.size()), dim_}, at::kFloat);
    auto* out = vectors.mutable_data_ptr<float>();
    network_.inference(options_.dtype).compute(batch, unpooled_, out, workspaces_, stop_);
    for (size_t i = 0; normalize_ && i < batch.size(); ++i) normalize_row(out + static_cast<int64_t>(i) * dim_, dim_);
    return vectors;
  }

  at::Tensor forward(std::span<const Sequence> batch) const {
    TokenBatch tokens = pack(batch, network_.model().device());
    tokens.unpooled = unpooled_;
    const at::Tensor vectors = network_.model().forward(tokens, nullptr, stop_);
    return (normalize_ ? ops::normalize(vectors) : vectors).to(at::kCPU, at::kFloat).contiguous();
  }

  void report() const {
    if (on_event_) on_event_({.kind = Event::Kind::progress, .stage = "embed", .cycle = -1, .done = done_, .total = rows_.size(0), .message = ""});
  }

  const Network& network_;
  const EncodeOptions& options_;
  const int64_t unpooled_;
  const EventCallback& on_event_;
  std::stop_token stop_;
  const bool normalize_;
  const int64_t dim_;
  cpu::Workspaces workspaces_;
  at::Tensor rows_;  // float32 [num_rows, dim] on the CPU
  int64_t done_ = 0;
};

// Where the block ends that starts at `begin`.
size_t block_end(std::span<const std::string_view> texts, const std::vector<int64_t>& order, size_t begin) {
  size_t end = begin, bytes = 0;
  while (end < order.size() && end - begin < block_texts && (end == begin || bytes + texts[order[end]].size() <= block_bytes)) bytes += texts[order[end++]].size();
  return end;
}

// Those texts with the prompt before each; `storage` keeps the copies that needs.
std::vector<std::string_view> with_prompt(std::span<const std::string_view> texts, std::span<const int64_t> order, const std::string& prompt,
                                          std::vector<std::string>& storage) {
  std::vector<std::string_view> block;
  storage.clear();
  storage.reserve(order.size());
  for (int64_t i : order) block.push_back(prompt.empty() ? texts[i] : storage.emplace_back(prompt + std::string(texts[i])));
  return block;
}

at::Tensor repeat_rows(const at::Tensor& rows, const std::vector<int64_t>& place) {
  return rows.size(0) == static_cast<int64_t>(place.size()) ? rows : rows.index_select(0, at::tensor(place, at::kLong));
}

}  // namespace

struct Encoder::Impl {
  Impl(std::shared_ptr<const Settings> settings, Prompts prompts, std::shared_ptr<const Network> network)
      : settings(std::move(settings)), prompts(std::move(prompts)), network(std::move(network)) {}

  static std::shared_ptr<const Impl> read(const fs::path& folder, at::Device device);

  const std::shared_ptr<const Settings> settings;
  const Prompts prompts;
  const std::shared_ptr<const Network> network;
  mutable std::once_flag fingerprint_once;
  mutable std::string fingerprint;
};

Encoder::Encoder(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

Encoder Encoder::load(const fs::path& folder, const EncoderOptions& options) {
  const detail::Computation computation;
  const at::Device device = detail::parse_device(options.device);
  return detail::with_one_line_faults(folder, [&] { return Encoder(Impl::read(folder, device)); });
}

std::shared_ptr<const Encoder::Impl> Encoder::Impl::read(const fs::path& folder, at::Device device) {
  const ModelFolder model = read_model_folder(folder);
  auto settings = std::make_shared<Settings>(Settings{.tokenizer = Tokenizer::load(model.path, model.lower_case),
                                                      .tokenizer_files = read_tokenizer_files(model.path),
                                                      .config = model.config,
                                                      .lower_case = model.lower_case});
  check_vocabulary(model, *settings);
  return std::make_shared<Impl>(std::move(settings), Prompts::read(folder), std::make_shared<Network>(SentenceModel::load(folder, device)));
}

at::Tensor Encoder::encode(std::span<const std::string_view> texts, const EncodeOptions& options, const EventCallback& on_event, std::stop_token stop) const {
  const detail::Computation computation;
  const c10::NoGradGuard no_grad;
  const int64_t length = options.max_length == 0 ? max_length() : options.max_length;
  const int64_t special = static_cast<int64_t>(tokenizer().prefix().size() + tokenizer().suffix().size());
  if (length < std::max<int64_t>(special, 1) || length > max_positions()) {
    throw std::invalid_argument("`max_length` must be from " + std::to_string(special) + ", the special tokens, to " + std::to_string(max_positions()) +
                                ", the positions of the model, but is " + std::to_string(length) + " instead.");
  }
  const std::string prompt = options.prompt.value_or(default_prompt());
  const Distinct distinct = find_distinct(texts);
  Embedder embedder(*impl_->network, options, unpooled_tokens(prompt), static_cast<int64_t>(distinct.first.size()), on_event, stop);
  std::vector<std::string> storage;
  for (size_t begin = 0; begin < distinct.first.size();) {
    const size_t end = block_end(texts, distinct.first, begin);
    check_stop(stop);
    const RaggedTokens tokens = tokenizer().encode(with_prompt(texts, std::span(distinct.first).subspan(begin, end - begin), prompt, storage), length, stop);
    std::vector<Sequence> sequences;
    for (int64_t i = 0; i < tokens.size(); ++i) sequences.push_back(tokens[i]);
    embedder.add(sequences);
    begin = end;
  }
  return repeat_rows(embedder.rows(), distinct.place);
}

at::Tensor Encoder::encode_tokens(const RaggedTokens& tokens, const EncodeOptions& options, const EventCallback& on_event, std::stop_token stop) const {
  const detail::Computation computation;
  const c10::NoGradGuard no_grad;
  if (options.max_length != 0) throw std::invalid_argument("`max_length` must be 0 for tokens, which are cut before, but is " + std::to_string(options.max_length) + " instead.");
  std::vector<std::string_view> keys;
  for (int64_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].empty()) throw std::invalid_argument("Sequence " + std::to_string(i) + " must have at least one token, but is empty.");
    keys.push_back(bytes_of(tokens[i]));
  }
  const Distinct distinct = find_distinct(keys);
  Embedder embedder(*impl_->network, options, unpooled_tokens(options.prompt.value_or("")), static_cast<int64_t>(distinct.first.size()), on_event, stop);
  std::vector<Sequence> sequences;
  for (int64_t i : distinct.first) sequences.push_back(tokens[i]);
  embedder.add(sequences);
  return repeat_rows(embedder.rows(), distinct.place);
}

void Encoder::save(const fs::path& folder, int64_t max_length, bool normalize) const {
  if (max_length < 0 || max_length > max_positions()) {
    throw std::invalid_argument("`max_length` must be from 0 to " + std::to_string(max_positions()) + ", the positions of the model, but is " +
                                std::to_string(max_length) + " instead.");
  }
  detail::write_folder_atomically(folder, [&](const fs::path& made) {
    model().save(made, max_length == 0 ? this->max_length() : max_length, normalize || model().normalizes());
    impl_->prompts.write(made);
    for (const auto& [name, bytes] : impl_->settings->tokenizer_files) detail::write_file_atomically(made / name, bytes);
  });
}

int64_t Encoder::dim() const { return model().dim(); }

int64_t Encoder::max_length() const {
  const int64_t length = model().max_length() > 0 ? model().max_length() : tokenizer().model_max_length();
  return length > 0 ? std::min(length, max_positions()) : max_positions();
}

int64_t Encoder::max_positions() const { return model().max_positions(); }
const Tokenizer& Encoder::tokenizer() const { return impl_->settings->tokenizer; }
const SentenceModel& Encoder::model() const { return impl_->network->model(); }
const std::map<std::string, std::string>& Encoder::prompts() const { return impl_->prompts.by_name(); }
const std::string& Encoder::prompt(const std::string& name) const { return impl_->prompts.find(name); }
std::string Encoder::default_prompt() const { return impl_->prompts.default_prompt(); }
const std::string& Encoder::default_prompt_name() const { return impl_->prompts.default_name(); }

// Counted as sentence-transformers does: the prompt by itself, without the special token that ends it.
int64_t Encoder::unpooled_tokens(const std::string& prompt) const {
  if (prompt.empty() || model().pooling().include_prompt) return 0;
  const std::string_view text = prompt;
  const auto tokens = static_cast<int64_t>(tokenizer().encode(std::span(&text, 1), std::numeric_limits<int64_t>::max()).ids.size());
  return tokenizer().suffix().empty() ? tokens : tokens - 1;
}

Encoder Encoder::with_prompts(const std::map<std::string, std::string>& prompts, const std::string& default_name) const {
  return Encoder(std::make_shared<Impl>(impl_->settings, impl_->prompts.with(prompts, default_name), impl_->network));
}

Encoder Encoder::with_model(std::shared_ptr<const SentenceModel> model) const {
  if (!model || model->dim() != dim() || model->max_positions() != max_positions()) {
    throw std::invalid_argument("`model` must have the shape of the one it replaces: dimension " + std::to_string(dim()) + " and " + std::to_string(max_positions()) +
                                " positions.");
  }
  return Encoder(std::make_shared<Impl>(impl_->settings, impl_->prompts, std::make_shared<Network>(std::move(model))));
}

std::string Encoder::fingerprint() const {
  std::call_once(impl_->fingerprint_once, [&] {
    detail::Hasher hasher;
    const Settings& settings = *impl_->settings;
    hasher.add("encoder 1").add(settings.config.dump()).add(default_prompt()).add(max_length()).add(int64_t{model().normalizes()});
    // What is usual adds nothing, so that encoders keep the fingerprint they had when there was nothing else.
    if (model().pooling() != Pooling{}) hasher.add(pooling_json(model().pooling(), dim()).dump());
    for (const DenseSettings& dense : model().dense()) hasher.add("dense").add(dense_json(dense).dump());
    if (settings.lower_case) hasher.add("lower case");
    for (const auto& [name, bytes] : settings.tokenizer_files) hasher.add(name).add(bytes);
    for (const auto& [name, tensor] : model().parameters()) {
      const at::Tensor values = tensor.detach().to(at::kCPU, at::kFloat).contiguous();
      hasher.add(name).add(static_cast<int64_t>(values.nbytes())).add_raw(values.const_data_ptr(), values.nbytes());
    }
    impl_->fingerprint = detail::hex(hasher.finish());
  });
  return impl_->fingerprint;
}

}  // namespace lmtx

#include "lmtx/encoder.h"

#include <c10/core/GradMode.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

#include "lmtx/detail/ahead.h"
#include "lmtx/detail/computation.h"
#include "lmtx/detail/device.h"
#include "lmtx/detail/digest.h"
#include "lmtx/detail/distinct.h"
#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/large_tensor.h"
#include "lmtx/detail/row_pipeline.h"
#include "lmtx/detail/text_blocks.h"
#include "lmtx/detail/token_budget.h"
#include "lmtx/nn/cpu/inference.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/prompts.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"
#include "lmtx/text/token_batch.h"
#ifdef LMTX_CUDA
#include "lmtx/nn/cuda/batch_device.h"
#include "lmtx/nn/cuda/describe_card.h"
#include "lmtx/nn/cuda/network.h"
#endif

namespace lmtx {
namespace {

namespace fs = std::filesystem;
using detail::Sequence;
using detail::TokenBlock;

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
#ifdef LMTX_CUDA
  // The same where the model is on a card.
  cuda::Forward on_card(ComputeDtype dtype) const {
    if (dtype == ComputeDtype::float32) return [model = model_](const TokenBatch& batch, const std::stop_token& stop) { return model->forward(batch, nullptr, stop); };
    const std::lock_guard lock(mutex_);
    std::shared_ptr<const cuda::Network>& network = on_card_[dtype];
    if (!network) {
      try {
        network = model_->prepare_on_card(dtype);
      } catch (const c10::OutOfMemoryError&) {
        throw std::runtime_error(cuda::describe_card(model_->device()) + " has too little memory for the network in " + std::string(name_of(dtype)) +
                                 ". Free some of it, or use another device.");
      }
      // Others may use it on other streams.
      cuda::wait_for_current_stream(model_->device());
    }
    return [network](const TokenBatch& batch, const std::stop_token& stop) { return network->forward(batch, stop); };
  }
#endif

 private:
  const std::shared_ptr<const SentenceModel> model_;
  mutable std::mutex mutex_;
  mutable std::map<ComputeDtype, std::unique_ptr<const cpu::Inference>> inference_;
#ifdef LMTX_CUDA
  mutable std::map<ComputeDtype, std::shared_ptr<const cuda::Network>> on_card_;
#endif
};

void check_options(const EncodeOptions& options, at::Device device) {
  if (options.token_budget < 0) {
    throw std::invalid_argument("`token_budget` must be at least 1, or 0 for what suits the device, but is " + std::to_string(options.token_budget) + " instead.");
  }
  if (device.is_cpu() && options.dtype == ComputeDtype::float16) {
    throw std::invalid_argument("`dtype` is \"float16\", which is computed on cards only; use \"bfloat16\", \"int8\" or \"float32\", or load the encoder with device \"cuda\".");
  }
  if (!device.is_cpu() && options.dtype == ComputeDtype::int8) {
    throw std::invalid_argument("`dtype` is \"int8\", which is computed on the CPU only, but the encoder is on " + device.str() +
                                "; use \"float16\", \"bfloat16\" or \"float32\", or load it with device \"cpu\".");
  }
}

// Scaled to unit length; the sum is in the order of the numbers, so that nothing else decides it.
void normalize_row(float* row, int64_t dim) {
  double squares = 0;
  for (int64_t i = 0; i < dim; ++i) squares += static_cast<double>(row[i]) * static_cast<double>(row[i]);
  const auto length = static_cast<float>(std::max(std::sqrt(squares), 1e-12));
  for (int64_t i = 0; i < dim; ++i) row[i] /= length;
}

// What is to be embedded, and how.
struct Task {
  const Network& network;
  const EncodeOptions& options;
  // As in TokenBatch.
  int64_t unpooled = 0;
  const detail::Distinct& distinct;
  const EventCallback& on_event;
  const std::stop_token& stop;

  bool on_cpu() const { return network.model().device().is_cpu(); }
  bool normalizes() const { return options.normalize.value_or(network.model().normalizes()); }
  int64_t token_budget() const { return detail::token_budget_of(options, on_cpu()); }
  int64_t total() const { return static_cast<int64_t>(distinct.first.size()); }
  // Of blocks of texts.
  detail::BlockSize first_block() const { return on_cpu() ? detail::large_block : detail::first_block; }
};

// Gives the next of the blocks whose rows are to be filled; none at the end.
using NextBlock = std::function<std::optional<TokenBlock>(const std::stop_token&)>;

// On the CPU, into rows of a matrix; tells how far it is.
class CpuEmbedder {
 public:
  CpuEmbedder(const Task& task, float* rows)
      : task_(task), inference_(task.network.inference(task.options.dtype)), normalize_(task.normalizes()), dim_(task.network.model().dim()), rows_(rows) {
    report();
  }

  void add(const TokenBlock& block) {
    std::vector<int64_t> lengths;
    for (const Sequence sequence : block.sequences) lengths.push_back(static_cast<int64_t>(sequence.size()));
    for (const std::vector<int64_t>& positions : plan_batches(lengths, task_.token_budget())) {
      check_stop(task_.stop);
      compute(block, positions);
      done_ += static_cast<int64_t>(positions.size());
      report();
    }
  }

 private:
  void compute(const TokenBlock& block, const std::vector<int64_t>& positions) {
    std::vector<Sequence> batch;
    for (const int64_t position : positions) batch.push_back(block.sequences[position]);
    vectors_.resize(std::max(vectors_.size(), batch.size() * static_cast<size_t>(dim_)));
    inference_.compute(batch, task_.unpooled, vectors_.data(), workspaces_, task_.stop);
    for (size_t i = 0; i < batch.size(); ++i) {
      float* vector = vectors_.data() + static_cast<int64_t>(i) * dim_;
      if (normalize_) normalize_row(vector, dim_);
      std::copy_n(vector, dim_, rows_ + block.rows[positions[i]] * dim_);
    }
  }

  void report() const {
    if (task_.on_event) task_.on_event({.kind = Event::Kind::progress, .stage = "embed", .cycle = -1, .done = done_, .total = task_.total(), .message = ""});
  }

  const Task& task_;
  const cpu::Inference& inference_;
  const bool normalize_;
  const int64_t dim_;
  float* const rows_;
  std::vector<float> vectors_;
  cpu::Workspaces workspaces_;
  int64_t done_ = 0;
};

std::unique_ptr<detail::BatchDevice> open_card(const Task& task) {
#ifdef LMTX_CUDA
  return std::make_unique<cuda::BatchDevice>(task.network.on_card(task.options.dtype), task.network.model().device(),
                                             cuda::BatchDeviceOptions{.unpooled = task.unpooled, .normalize = task.normalizes()});
#else
  throw std::logic_error("an encoder is on " + task.network.model().device().str() + " without CUDA: this is a bug in LMTX");
#endif
}

void embed_on_card(const Task& task, const NextBlock& next, float* rows) {
  const std::unique_ptr<detail::BatchDevice> card = open_card(task);
  const detail::RowPipelineOptions options{.token_budget = task.token_budget(), .max_sequences = task.options.deterministic ? 1 : 0, .total = task.total()};
  detail::RowPipeline pipeline(*card, rows, task.network.model().dim(), options, task.on_event);
  while (const std::optional<TokenBlock> block = next(task.stop)) pipeline.add(*block, task.stop);
  pipeline.finish();
}

// float32 [num_rows, dim] on the CPU: the rows of the blocks, and those that equal them.
at::Tensor embed(const Task& task, const NextBlock& next, int64_t num_rows) {
  const int64_t dim = task.network.model().dim();
  at::Tensor matrix = detail::empty_rows(num_rows, dim);
  auto* rows = matrix.mutable_data_ptr<float>();
  if (task.on_cpu()) {
    CpuEmbedder embedder(task, rows);
    while (const std::optional<TokenBlock> block = next(task.stop)) embedder.add(*block);
  } else {
    embed_on_card(task, next, rows);
  }
  detail::copy_rows(task.distinct, rows, dim);
  return matrix;
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
  check_options(options, model().device());
  const std::string prompt = options.prompt.value_or(default_prompt());
  const detail::Distinct distinct = detail::find_distinct(texts);
  const Task task{*impl_->network, options, unpooled_tokens(prompt), distinct, on_event, stop};
  detail::TextBlocks blocks(texts, distinct.first, tokenizer(), {.prompt = prompt, .max_length = length, .first = task.first_block()});
  const auto num_texts = static_cast<int64_t>(texts.size());
  // The CPU has enough to do with the network, and a single block is not worth a thread.
  if (task.on_cpu() || blocks.is_last()) return embed(task, [&](const std::stop_token& token) { return blocks.next(token); }, num_texts);
  detail::Ahead<TokenBlock> ahead([&](const std::stop_token& token) { return blocks.next(token); });
  return embed(task, [&](const std::stop_token& token) { return ahead.next(token); }, num_texts);
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
  check_options(options, model().device());
  const detail::Distinct distinct = detail::find_distinct(keys);
  const Task task{*impl_->network, options, unpooled_tokens(options.prompt.value_or("")), distinct, on_event, stop};
  detail::SequenceBlocks blocks(tokens, distinct.first, task.on_cpu() ? distinct.first.size() : detail::first_block.texts);
  return embed(task, [&](const std::stop_token& token) { return blocks.next(token); }, tokens.size());
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

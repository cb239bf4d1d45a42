#include "lmtx/encode_to_file.h"

#include <ATen/Parallel.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "lmtx/detail/ahead.h"
#include "lmtx/detail/computation.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"
#include "lmtx/detail/token_budget.h"
#include "lmtx/detail/vector_file.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/text/token_windows.h"

namespace lmtx {

namespace {

// What is encoded.
struct Texts {
  const char* kind;
  std::string fingerprint;
  int64_t size = 0;
  std::function<detail::NextText()> read;
};

Texts texts_of(const Corpus& documents) {
  const auto read = [&documents] {
    return [reader = std::shared_ptr(documents.read()), document = Document()](std::string& text) mutable {
      if (!reader->next(document)) return false;
      text = document_text(document);
      return true;
    };
  };
  return {.kind = "documents", .fingerprint = documents.fingerprint(), .size = documents.size(), .read = read};
}

Texts texts_of(const LabelSet& labels) {
  const auto read = [&labels] {
    return [&labels, next = labels.begin()](std::string& text) mutable {
      if (next == labels.end()) return false;
      text = (next++)->name;
      return true;
    };
  };
  return {.kind = "labels", .fingerprint = labels.fingerprint(), .size = labels.num_living(), .read = read};
}

// With all that they leave to the encoder.
EncodeToFileOptions resolve(EncodeToFileOptions options, const Encoder& encoder) {
  encoder.encode({}, options.encode);  // Checks them.
  EncodeOptions& encode = options.encode;
  encode.token_budget = detail::token_budget_of(encode, encoder.model().device().is_cpu());
  if (encode.max_length == 0) encode.max_length = encoder.max_length();
  if (!encode.prompt) encode.prompt = encoder.default_prompt();
  if (!encode.normalize) encode.normalize = encoder.model().normalizes();
  if (detail::find_invalid_utf8(*encode.prompt) != std::string::npos)
    throw std::invalid_argument("`prompt` must be UTF-8, but is " + detail::quote(*encode.prompt) + " instead.");
  if (options.window_tokens < 1)
    throw std::invalid_argument("`window_tokens` must be at least 1, but is " + std::to_string(options.window_tokens) + " instead.");
  if (!(options.checkpoint_seconds >= 0))
    throw std::invalid_argument("`checkpoint_seconds` must not be negative, but is " + std::to_string(options.checkpoint_seconds) + " instead.");
  return options;
}

// All that decides the rows, by name: what a resumed call must have in common with the one before. An option that comes later is listed only where it is not at
// its default, so that what was begun before goes on.
detail::Json content_of(const Encoder& encoder, const Texts& texts, const EncodeToFileOptions& options) {
  detail::Json content;
  content["encoder"] = encoder.fingerprint();
  content[texts.kind] = texts.fingerprint;
  content["max_length"] = options.encode.max_length;
  content["prompt"] = *options.encode.prompt;
  content["normalize"] = *options.encode.normalize;
  content["token_budget"] = options.encode.token_budget;
  if (options.encode.dtype != ComputeDtype::float32) content["dtype"] = name_of(options.encode.dtype);
  if (options.encode.deterministic) content["deterministic"] = true;
  content["window_tokens"] = options.window_tokens;
  return content;
}

detail::VectorFileShape shape_of(int64_t rows, int64_t dim, VectorDtype dtype) {
  if (dtype == VectorDtype::float16) return {.rows = rows, .dim = dim, .descr = "<f2", .bytes_per_number = 2};
  return {.rows = rows, .dim = dim, .descr = "<f4", .bytes_per_number = 4};
}

// float32 [n, dim], the rows from `first` on, as they are in the file.
at::Tensor in_file(const at::Tensor& vectors, VectorDtype dtype, int64_t first) {
  if (dtype == VectorDtype::float32) return vectors.contiguous();
  at::Tensor rounded = vectors.to(at::kHalf).contiguous();
  if (!at::isfinite(rounded).all().item<bool>()) {
    throw std::runtime_error("The vectors of texts " + std::to_string(first) + " to " + std::to_string(first + vectors.size(0) - 1) +
                             " have numbers that float16 cannot hold (above 65,504); write float32, or `normalize`.");
  }
  return rounded;
}

std::string_view bytes_of(const at::Tensor& tensor) { return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()}; }

// One is read and tokenized while the one before is computed, but for where there is one thread to do all.
class WindowSource {
 public:
  WindowSource(const Encoder& encoder, const Texts& texts, const EncodeToFileOptions& options, int64_t rows_done)
      : windows_(texts.read(), encoder.tokenizer(),
                 {.prompt = *options.encode.prompt,
                  .max_length = options.encode.max_length,
                  .window_tokens = std::max(options.window_tokens, (encoder.model().device().is_cpu() ? 16 : 64) * options.encode.token_budget),
                  // The threads of the CPU compute, unless there is a card.
                  .max_threads = encoder.model().device().is_cpu() ? 1 : 0}),
        rows_done_(rows_done) {
    if (at::get_num_threads() > 1) ahead_.emplace([this](const std::stop_token& stop) { return make(stop); });
  }

  std::optional<RaggedTokens> next(const std::stop_token& stop) { return ahead_ ? ahead_->next(stop) : make(stop); }

 private:
  std::optional<RaggedTokens> make(const std::stop_token& stop) {
    windows_.skip(std::exchange(rows_done_, 0), stop);
    return windows_.next(stop);
  }

  detail::TokenWindows windows_;
  int64_t rows_done_;
  // Last, so that its thread ends before what it uses.
  std::optional<detail::Ahead<RaggedTokens>> ahead_;
};

class FileEncoder {
 public:
  FileEncoder(const Encoder& encoder, const Texts& texts, const EncodeToFileOptions& options, detail::VectorFile& file, const EventCallback& on_event)
      : encoder_(encoder), texts_(texts), options_(options), file_(file), on_event_(on_event) {
    encode_ = options.encode;
    encode_.max_length = 0;  // The tokens are cut already.
    rows_done_ = file_.rows_done();
  }

  void run(const std::stop_token& stop) {
    report_start();
    if (file_.rows_done() < texts_.size) compute(stop);
    file_.finish();
  }

 private:
  void compute(const std::stop_token& stop) {
    WindowSource windows(encoder_, texts_, options_, file_.rows_done());
    try {
      while (const std::optional<RaggedTokens> window = windows.next(stop)) add(*window, stop);
      finish_writing();
    } catch (...) {
      if (writing_.valid()) writing_.wait();
      keep_what_is_there();
      throw;
    }
    if (file_.rows_done() != texts_.size)
      throw std::runtime_error("The " + std::string(texts_.kind) + " were " + std::to_string(texts_.size) + " when they were opened, but now are " +
                               std::to_string(file_.rows_done()) + ".");
  }

  void add(const RaggedTokens& window, const std::stop_token& stop) {
    const at::Tensor vectors =
        encoder_.encode_tokens(window, encode_, on_event_ ? EventCallback([&](const Event& event) { report(event, window.size()); }) : nullptr, stop);
    finish_writing();
    rows_done_ += window.size();
    // A card goes on with the next window meanwhile.
    if (encoder_.model().device().is_cpu()) write(vectors);
    else writing_ = std::async(std::launch::async, [this, vectors] { write(vectors); });
  }

  void finish_writing() {
    if (writing_.valid()) writing_.get();
  }

  void write(const at::Tensor& vectors) {
    file_.append(bytes_of(in_file(vectors, options_.file_dtype, file_.rows_done())));
    const auto now = std::chrono::steady_clock::now();
    if (now - checkpoint_ < std::chrono::duration<double>(options_.checkpoint_seconds)) return;
    file_.checkpoint();
    checkpoint_ = now;
  }

  // Where not even that can be written there is what was secured before.
  void keep_what_is_there() const {
    try {
      file_.checkpoint();
    } catch (const std::exception&) {
      return;
    }
  }

  void report_start() const {
    if (!on_event_) return;
    if (file_.rows_done() > 0) {
      on_event_({.kind = Event::Kind::notice,
                 .message = file_.partial().string() + " has " + std::to_string(file_.rows_done()) + " of " + std::to_string(texts_.size) +
                            " vectors; going on from there."});
    }
    on_event_({.stage = stage, .done = file_.rows_done(), .total = texts_.size});
  }

  // Of a window, as a part of all; its distinct texts stand for all of its texts.
  void report(const Event& event, int64_t window_size) const {
    if (event.kind != Event::Kind::progress || event.total == 0) return on_event_(event);
    if (event.done > 0) on_event_({.stage = stage, .done = rows_done_ + window_size * event.done / event.total, .total = texts_.size});
  }

  static constexpr const char* stage = "embed";

  const Encoder& encoder_;
  const Texts& texts_;
  const EncodeToFileOptions& options_;
  detail::VectorFile& file_;
  const EventCallback& on_event_;
  EncodeOptions encode_;
  std::chrono::steady_clock::time_point checkpoint_ = std::chrono::steady_clock::now();
  // In the file, or on their way to it.
  int64_t rows_done_ = 0;
  // Last, so that it ends before what it uses.
  std::future<void> writing_;
};

void encode(const Encoder& encoder, const Texts& texts, const std::filesystem::path& path, const EncodeToFileOptions& given, const EventCallback& on_event,
            const std::stop_token& stop) {
  const detail::Computation computation;
  const EncodeToFileOptions options = resolve(given, encoder);
  detail::VectorFile file(path, shape_of(texts.size, encoder.dim(), options.file_dtype), content_of(encoder, texts, options), options.overwrite);
  if (!file.was_finished()) FileEncoder(encoder, texts, options, file, on_event).run(stop);
}

}  // namespace

void encode_to_file(const Encoder& encoder, const Corpus& documents, const std::filesystem::path& file, const EncodeToFileOptions& options,
                    const EventCallback& on_event, std::stop_token stop) {
  encode(encoder, texts_of(documents), file, options, on_event, stop);
}

void encode_to_file(const Encoder& encoder, const LabelSet& labels, const std::filesystem::path& file, const EncodeToFileOptions& options,
                    const EventCallback& on_event, std::stop_token stop) {
  encode(encoder, texts_of(labels), file, options, on_event, stop);
}

}  // namespace lmtx

#include "lmtx/train/checkpoint.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <string_view>

#include "lmtx/detail/framed_file.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace {

// Content: key (16 bytes), step int64, losses float64 [step], then the bytes of the tensors; behind them int64 the token budget where it was lowered.
constexpr detail::FileKind kind{"LMTXCKPT", 1, "training checkpoint"};

std::filesystem::path file_in(const std::filesystem::path& folder) { return folder / "training.checkpoint"; }

// Takes values off the front of a span.
class Reader {
 public:
  explicit Reader(std::span<const char> bytes) : bytes_(bytes) {}

  const char* take(size_t size) {
    const char* taken = bytes_.data();
    bytes_ = bytes_.subspan(size);
    return taken;
  }

  void read(void* target, size_t size) {
    const char* source = take(size);
    if (size != 0) std::memcpy(target, source, size);
  }

  size_t left() const { return bytes_.size(); }

 private:
  std::span<const char> bytes_;
};

size_t num_bytes(const std::vector<at::Tensor>& tensors) {
  size_t bytes = 0;
  for (const at::Tensor& tensor : tensors) bytes += tensor.nbytes();
  return bytes;
}

void read_tensor(Reader& reader, const at::Tensor& target) {
  // copy_ only reads the source, which from_blob wants as mutable.
  void* bytes = const_cast<char*>(reader.take(target.nbytes()));
  target.copy_(at::from_blob(bytes, target.sizes(), at::TensorOptions().dtype(target.scalar_type())));
}

}  // namespace

void save_checkpoint(const std::filesystem::path& folder, const TrainingState& state, const std::stop_token& stop) {
  detail::make_folder(folder);
  detail::write_framed_file(file_in(folder), kind, [&](const detail::AppendBytes& append) {
    const auto append_raw = [&](const void* bytes, size_t size) { append(std::string_view(static_cast<const char*>(bytes), size)); };
    append_raw(state.key.data(), state.key.size());
    append_raw(&state.step, sizeof state.step);
    append_raw(state.losses.data(), state.losses.size() * sizeof(double));
    for (const at::Tensor& tensor : state.tensors) {
      check_stop(stop);
      const at::Tensor on_host = tensor.detach().cpu().contiguous();
      append_raw(on_host.const_data_ptr(), on_host.nbytes());
    }
    if (state.token_budget != 0) append_raw(&state.token_budget, sizeof state.token_budget);
  });
}

bool load_checkpoint(const std::filesystem::path& folder, TrainingState& state) {
  const std::filesystem::path path = file_in(folder);
  detail::remove_leftovers(path);
  if (!std::filesystem::exists(path)) return false;
  const detail::FramedFile file(path, kind);
  Reader reader(file.content());
  detail::Digest key;
  int64_t step = 0;
  if (reader.left() < key.size() + sizeof step) return false;
  reader.read(key.data(), key.size());
  reader.read(&step, sizeof step);
  // The key covers the plan, the tensors' sizes among it; another key is that of another training.
  const bool step_fits = step >= 0 && static_cast<uint64_t>(step) <= reader.left() / sizeof(double);
  if (key != state.key || !step_fits) return false;
  const size_t needed = static_cast<size_t>(step) * sizeof(double) + num_bytes(state.tensors), left = reader.left();
  if (left != needed && left != needed + sizeof state.token_budget) return false;
  const at::NoGradGuard no_grad;
  state.step = step;
  state.losses.resize(static_cast<size_t>(step));
  reader.read(state.losses.data(), state.losses.size() * sizeof(double));
  for (const at::Tensor& tensor : state.tensors) read_tensor(reader, tensor);
  if (left != needed) reader.read(&state.token_budget, sizeof state.token_budget);
  return true;
}

}  // namespace lmtx

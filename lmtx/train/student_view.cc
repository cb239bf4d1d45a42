#include "lmtx/train/student_view.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/sealed_json.h"
#include "lmtx/detail/vector_file.h"
#include "lmtx/stopped.h"

namespace lmtx {

namespace fs = std::filesystem;
using detail::Json;

namespace {

constexpr int64_t view_format = 1;

// What is in a view, besides view.json.
constexpr const char *training_file = "training.npy", *held_out_file = "held-out.npy", *labels_file = "labels.npy";

constexpr const char* files[] = {training_file, held_out_file, labels_file};

fs::path manifest_of(const fs::path& folder) { return folder / "view.json"; }

std::string_view bytes_of(const at::Tensor& rows) { return {static_cast<const char*>(rows.const_data_ptr()), rows.nbytes()}; }

class ViewWriter {
 public:
  ViewWriter(const fs::path& folder, const Encoder& encoder, const ViewTexts& texts, const EmbeddingOptions& options, const EventCallback& on_event,
             const std::stop_token& stop)
      : folder_(folder), encoder_(encoder), texts_(texts), options_(options), on_event_(on_event), stop_(stop) {}

  void write() {
    fs::create_directories(folder_);
    write_labels();
    write_documents(training_file, texts_.training, 0);
    write_documents(held_out_file, texts_.held_out, static_cast<int64_t>(texts_.training.size()));
  }

 private:
  void write_labels() const {
    if (is_done(labels_file)) return;
    detail::VectorFile file(folder_ / labels_file, {.rows = texts_.labels.size(), .dim = encoder_.dim()}, Json::object(), /*overwrite=*/false);
    if (file.was_finished()) return;
    RaggedTokens tokens;
    for (int64_t i = 0; i < texts_.labels.size(); ++i) append_sequence(tokens, texts_.labels[i]);
    const at::Tensor rows = encoder_.encode_tokens(tokens, embedding_options(options_, options_.prompts.label), {}, stop_);
    file.append(bytes_of(rows).substr(static_cast<size_t>(file.rows_done() * rows.size(1)) * sizeof(float)));
    file.finish();
  }

  // `before`: documents of the view that come earlier.
  void write_documents(const char* name, std::span<const int64_t> numbers, int64_t before) const {
    if (is_done(name)) return;
    const auto size = static_cast<int64_t>(numbers.size()), total = static_cast<int64_t>(texts_.training.size() + texts_.held_out.size());
    detail::VectorFile file(folder_ / name, {.rows = size, .dim = encoder_.dim()}, Json::object(), /*overwrite=*/false);
    if (file.was_finished()) return;
    while (file.rows_done() < size) {
      check_stop(stop_);
      const int64_t done = file.rows_done();
      const auto block = numbers.subspan(static_cast<size_t>(done), static_cast<size_t>(std::min(documents_at_once, size - done)));
      const auto on_event = detail::within(on_event_, before + done, total);
      file.append(bytes_of(
          encoder_.encode_tokens(cut_documents(texts_.documents, block, options_), embedding_options(options_, options_.prompts.document), on_event, stop_)));
      file.checkpoint();
    }
    file.finish();
  }

  // Without what VectorFile leaves where it is interrupted between its last steps.
  bool is_done(const std::string& name) const { return fs::exists(folder_ / name) && !fs::exists(folder_ / (name + ".partial.json")); }

  const fs::path& folder_;
  const Encoder& encoder_;
  const ViewTexts& texts_;
  const EmbeddingOptions& options_;
  const EventCallback& on_event_;
  const std::stop_token& stop_;
};

at::Tensor map_rows(const fs::path& file, int64_t rows, int64_t dim) {
  const auto mapped = std::make_shared<const detail::MappedFile>(file);
  // A header of the version that is written: its length is in bytes 8 and 9.
  const int64_t bytes = rows * dim * static_cast<int64_t>(sizeof(float));
  const auto byte = [&](int64_t i) { return static_cast<int64_t>(static_cast<unsigned char>(mapped->data()[i])); };
  const int64_t header = mapped->size() < 10 ? 0 : 10 + byte(8) + 256 * byte(9);
  if (header == 0 || mapped->size() != header + bytes)
    detail::fail(file,
                 "must have " + std::to_string(rows) + " rows of " + std::to_string(dim) + " numbers, but has " + std::to_string(mapped->size()) + " bytes.");
  // Nobody writes there.
  auto* data = const_cast<char*>(mapped->data() + header);
  return at::from_blob(data, {rows, dim}, [mapped](void*) {}, at::TensorOptions().dtype(at::kFloat));
}

}  // namespace

bool is_view(const fs::path& folder) { return fs::exists(manifest_of(folder)); }

void write_view(const fs::path& folder, const Encoder& encoder, const ViewTexts& texts, const EmbeddingOptions& options, const EventCallback& on_event,
                std::stop_token stop) {
  if (is_view(folder)) return;
  ViewWriter(folder, encoder, texts, options, on_event, stop).write();
  Json checksums = Json::object();
  for (const char* name : files) checksums[name] = detail::file_checksum(folder / name);
  detail::write_json(manifest_of(folder), detail::sealed({{"format", view_format}, {"files", std::move(checksums)}}));
}

StudentView open_view(const fs::path& folder, const ViewTexts& texts, int64_t dim) {
  const std::string place = manifest_of(folder).string();
  const Json manifest = detail::read_json(place);
  if (detail::json_integer(manifest, "format", place) > view_format) detail::fail(place, "is of a newer LMTX.");
  detail::check_seal(manifest, place);
  detail::check_folder(folder, manifest.value("files", Json()), place);
  return {.training = map_rows(folder / training_file, static_cast<int64_t>(texts.training.size()), dim),
          .held_out = map_rows(folder / held_out_file, static_cast<int64_t>(texts.held_out.size()), dim),
          .labels = map_rows(folder / labels_file, texts.labels.size(), dim)};
}

}  // namespace lmtx

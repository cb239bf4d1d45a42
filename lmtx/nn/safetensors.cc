#include "lmtx/nn/safetensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/json.h"
#include "lmtx/detail/quote.h"

namespace lmtx {
namespace {

using detail::Json;

static_assert(std::endian::native == std::endian::little, "safetensors files are little endian");

// As in the format's own reader, so that a broken length cannot make us parse a whole model as text.
constexpr uint64_t max_header_bytes = 100'000'000;
// More than any weight has; what a shape needs in memory must not be the file's to decide.
constexpr size_t max_dimensions = 16;

struct Dtype {
  const char* name;
  at::ScalarType type;
};
constexpr std::array<Dtype, 5> dtypes = {{{"F32", at::kFloat}, {"F64", at::kDouble}, {"F16", at::kHalf}, {"BF16", at::kBFloat16}, {"I64", at::kLong}}};

struct Entry {
  std::string name;
  at::ScalarType dtype = at::kFloat;
  std::vector<int64_t> shape;
  // Of the bytes, from the end of the header.
  uint64_t begin = 0;
  uint64_t end = 0;
};

using detail::fail;

at::ScalarType dtype_of(const Json& tensor, const std::string& place) {
  const std::string name = detail::json_string(tensor, "dtype", place);
  for (const Dtype& dtype : dtypes) {
    if (name == dtype.name) return dtype.type;
  }
  fail(place, "`dtype` must be one of F32, F64, F16, BF16 and I64, but is " + name + " instead.");
}

std::string dtype_name(at::ScalarType type, const std::string& place) {
  for (const Dtype& dtype : dtypes) {
    if (type == dtype.type) return dtype.name;
  }
  fail(place, std::string("tensors of dtype ") + c10::toString(type) + " cannot be written.");
}

// A JSON number that is a whole one from 0 up.
uint64_t natural(const Json& number, const char* what, const std::string& place) {
  if (!number.is_number_unsigned()) fail(place, std::string("`") + what + "` must hold whole numbers from 0 up, but has " + number.dump() + ".");
  return number.get<uint64_t>();
}

std::vector<int64_t> shape_of(const Json& tensor, const std::string& place) {
  if (!tensor.contains("shape") || !tensor["shape"].is_array()) fail(place, "`shape` must be a list.");
  if (tensor["shape"].size() > max_dimensions) {
    fail(place, "`shape` must have at most " + std::to_string(max_dimensions) + " dimensions, but has " + std::to_string(tensor["shape"].size()) + ".");
  }
  std::vector<int64_t> shape;
  for (const Json& size : tensor["shape"]) {
    const uint64_t n = natural(size, "shape", place);
    if (n > (uint64_t{1} << 40)) fail(place, "`shape` has a size of " + std::to_string(n) + ", more than a file can hold.");
    shape.push_back(static_cast<int64_t>(n));
  }
  return shape;
}

// The most there is where the product does not fit, which no file has. Sizes of 0 are checked with the others: strides are products, too.
uint64_t num_bytes(const Entry& entry) {
  uint64_t bytes = c10::elementSize(entry.dtype);
  bool empty = false;
  for (int64_t size : entry.shape) {
    empty = empty || size == 0;
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(std::max<int64_t>(size, 1)), &bytes) || bytes > INT64_MAX) return UINT64_MAX;
  }
  return empty ? 0 : bytes;
}

Entry parse_entry(const std::string& name, const Json& tensor, uint64_t data_bytes, const std::string& file) {
  const std::string place = file + ": tensor " + detail::quote(name, 200);
  if (!tensor.is_object()) fail(place, "must be an object with dtype, shape and data_offsets.");
  Entry entry{.name = name, .dtype = dtype_of(tensor, place), .shape = shape_of(tensor, place)};
  if (!tensor.contains("data_offsets") || !tensor["data_offsets"].is_array() || tensor["data_offsets"].size() != 2) {
    fail(place, "`data_offsets` must be a list of two numbers.");
  }
  entry.begin = natural(tensor["data_offsets"][0], "data_offsets", place);
  entry.end = natural(tensor["data_offsets"][1], "data_offsets", place);
  const std::string range = std::to_string(entry.begin) + " to " + std::to_string(entry.end);
  if (entry.begin > entry.end || entry.end > data_bytes) {
    fail(place, "`data_offsets` must lie in the " + std::to_string(data_bytes) + " bytes after the header, but are " + range + " instead.");
  }
  if (entry.end - entry.begin != num_bytes(entry)) fail(place, "`data_offsets` (" + range + ") do not fit its dtype and shape.");
  return entry;
}

// Tensors must follow one another without gap or overlap up to the end of the file, as the format demands.
void check_layout(const std::vector<Entry>& entries, uint64_t data_bytes, const std::string& file) {
  uint64_t expected = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != expected) {
      fail(file, "tensor " + detail::quote(entry.name, 200) + " must begin at byte " + std::to_string(expected) + ", where the one before it ends, but begins at " +
                     std::to_string(entry.begin) + " instead.");
    }
    expected = entry.end;
  }
  if (expected != data_bytes) {
    fail(file, "the tensors must end at byte " + std::to_string(data_bytes) + ", the end of the file, but end at " + std::to_string(expected) + " instead.");
  }
}

std::vector<Entry> parse_header(std::string_view header, uint64_t data_bytes, const std::string& file) {
  const Json json = detail::parse_json(header, file + " (header)");
  if (!json.is_object()) fail(file, "the header must be a JSON object.");
  std::vector<Entry> entries;
  for (const auto& [name, tensor] : json.items()) {
    if (name != "__metadata__") entries.push_back(parse_entry(name, tensor, data_bytes, file));
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return std::pair(a.begin, a.end) < std::pair(b.begin, b.end); });
  check_layout(entries, data_bytes, file);
  return entries;
}

// Copied, so that training never writes into the mapping and odd offsets do no harm.
at::Tensor copy_tensor(const Entry& entry, const char* data) {
  at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.dtype));
  if (entry.end > entry.begin) std::memcpy(tensor.mutable_data_ptr(), data + entry.begin, entry.end - entry.begin);
  return tensor;
}

std::string make_header(const NamedTensors& tensors, const std::string& file) {
  Json header = Json::object();
  header["__metadata__"] = {{"format", "pt"}};
  uint64_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const uint64_t end = offset + tensor.nbytes();
    header[name] = {{"dtype", dtype_name(tensor.scalar_type(), file + ": tensor `" + name + "`")}, {"shape", tensor.sizes().vec()}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

NamedTensors read_safetensors(const std::filesystem::path& file) {
  const detail::MappedFile mapped(file);
  const uint64_t size = static_cast<uint64_t>(mapped.size());
  uint64_t header_bytes = 0;
  if (size < sizeof header_bytes) fail(file.string(), "has " + std::to_string(size) + " bytes, too few for a safetensors file.");
  std::memcpy(&header_bytes, mapped.data(), sizeof header_bytes);
  if (header_bytes > max_header_bytes || header_bytes > size - sizeof header_bytes) {
    fail(file.string(), "the header should have " + std::to_string(header_bytes) + " bytes, but the file has " + std::to_string(size) +
                            " (and a header at most 100,000,000); is it truncated, or no safetensors file?");
  }
  const char* header = mapped.data() + sizeof header_bytes;
  const auto data_begin = static_cast<int64_t>(sizeof header_bytes + header_bytes);
  NamedTensors tensors;
  for (const Entry& entry : parse_header({header, header_bytes}, size - sizeof header_bytes - header_bytes, file.string())) {
    tensors.emplace_back(entry.name, copy_tensor(entry, header + header_bytes));
    // So that a model is not in memory twice.
    mapped.forget(data_begin + static_cast<int64_t>(entry.begin), data_begin + static_cast<int64_t>(entry.end));
  }
  return tensors;
}

void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors) {
  NamedTensors ordered;
  for (const auto& [name, tensor] : tensors) ordered.emplace_back(name, tensor.detach().cpu().contiguous());
  std::stable_sort(ordered.begin(), ordered.end(), [](const auto& a, const auto& b) { return a.second.itemsize() > b.second.itemsize(); });
  const std::string header = make_header(ordered, file.string());
  const uint64_t header_bytes = header.size();
  detail::write_file_atomically(file, [&](const detail::AppendBytes& append) {
    append({reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes});
    append(header);
    for (const auto& [name, tensor] : ordered) append({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
  });
}

}  // namespace lmtx

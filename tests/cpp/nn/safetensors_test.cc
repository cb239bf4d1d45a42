#include "lmtx/nn/safetensors.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>

#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

#include "catch.h"
#include "fixtures.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t size = header.size();
  return std::string(reinterpret_cast<const char*>(&size), sizeof size) + header + data;
}

std::filesystem::path put(const TemporaryFolder& folder, const std::string& bytes) {
  const auto file = folder.path / "model.safetensors";
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return out.str();
}

// Of /proc/self/status, in MiB: VmRSS, memory that is held now, or VmHWM, the most since reset_peak().
double mebibytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) / 1024;
  }
  return 0;
}

// False where that is not possible, or where a sanitizer takes memory besides.
bool reset_peak() {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  return false;
#else
  return static_cast<bool>(std::ofstream("/proc/self/clear_refs") << "5" << std::flush);
#endif
}

}  // namespace

TEST_CASE("reading takes the memory of the tensors, and not that of the file besides") {
  const TemporaryFolder folder;
  const at::Tensor eight_mebibytes = at::arange(2 << 20, at::kFloat);
  NamedTensors tensors;
  for (int i = 0; i < 16; ++i) tensors.emplace_back("t" + std::to_string(i), eight_mebibytes);
  write_safetensors(folder.path / "model.safetensors", tensors);
  const bool can_measure = reset_peak();
  const double before = mebibytes("VmRSS");
  const NamedTensors read = read_safetensors(folder.path / "model.safetensors");
  CHECK(read.back().second.equal(eight_mebibytes));
  if (can_measure) {
    CHECK(mebibytes("VmHWM") - before < 16 * 8 + 2 * 8);
  } else {
    WARN("memory is not measured: a sanitizer takes some, too, or the kernel does not reset the peak");
  }
}

TEST_CASE("tensors of every dtype come back as they were written") {
  const TemporaryFolder folder;
  const auto file = folder.path / "all.safetensors";
  NamedTensors written = {{"half", at::arange(3, at::kHalf)},
                          {"a name with \"quotes\" and ü", at::arange(6, at::kFloat).view({2, 3})},
                          {"bfloat", at::arange(5, at::kBFloat16)},
                          {"scalar", at::tensor(2.5, at::kDouble)},
                          {"long", at::arange(4, at::kLong)},
                          {"empty", at::empty({0, 3}, at::kFloat)},
                          {"transposed", at::arange(6, at::kFloat).view({2, 3}).t()}};
  write_safetensors(file, written);
  const NamedTensors read = read_safetensors(file);
  REQUIRE(read.size() == written.size());
  for (const auto& [name, tensor] : written) {
    CHECK(find(read, name).scalar_type() == tensor.scalar_type());
    CHECK(find(read, name).equal(tensor));
  }
}

TEST_CASE("a file that safetensors' own library wrote is read and written alike") {
  const TemporaryFolder folder;
  const NamedTensors tensors = read_safetensors(models() / "bert" / "model.safetensors");
  CHECK(find(tensors, "embeddings.word_embeddings.weight").sizes() == at::IntArrayRef({50, 32}));
  write_safetensors(folder.path / "copy.safetensors", tensors);
  const NamedTensors copies = read_safetensors(folder.path / "copy.safetensors");
  REQUIRE(copies.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) CHECK(find(copies, name).equal(tensor));
}

TEST_CASE("hostile and damaged files are refused with the file and the fault") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& bytes, const std::string& fault) {
    CHECK_THROWS_WITH(read_safetensors(put(folder, bytes)), ContainsSubstring("model.safetensors") && ContainsSubstring(fault));
  };
  const std::string eight(8, '\0');
  const auto entry = [](const std::string& fields) { return "{\"x\":{" + fields + "}}"; };
  refused("", "has 0 bytes, too few");
  refused("1234567", "has 7 bytes, too few");
  refused(std::string(8, '\xff') + "{}", "is it truncated, or no safetensors file?");
  refused(file_of("{}", "").substr(0, 9), "is it truncated, or no safetensors file?");
  refused(file_of("{\"x\":", ""), "broken JSON");
  refused(file_of("[1]", ""), "the header must be a JSON object");
  refused(file_of(std::string(5000, '['), ""), "model.safetensors (header)");
  refused(file_of("{\"x\":3}", ""), "tensor `x`: must be an object");
  refused(file_of(entry(R"("shape":[2],"data_offsets":[0,8])"), eight), "`dtype` is missing");
  refused(file_of(entry(R"("dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8])"), eight), "but is F8_E4M3 instead");
  refused(file_of(entry(R"("dtype":"F32","shape":2,"data_offsets":[0,8])"), eight), "`shape` must be a list");
  refused(file_of(entry(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])"), eight), "`shape` must hold whole numbers from 0 up, but has -2");
  refused(file_of(entry(R"("dtype":"F32","shape":[2.0],"data_offsets":[0,8])"), eight), "whole numbers");
  refused(file_of(entry(R"("dtype":"F32","shape":[9223372036854775807],"data_offsets":[0,8])"), eight), "more than a file can hold");
  refused(file_of(entry(R"("dtype":"F32","shape":[1099511627776,1099511627776,2],"data_offsets":[0,8])"), eight), "do not fit its dtype and shape");
  refused(file_of(entry(R"("dtype":"F32","shape":[1099511627776,1099511627776,0],"data_offsets":[0,0])"), ""), "do not fit its dtype and shape");
  refused(file_of(entry(R"("dtype":"F32","shape":[2])"), eight), "`data_offsets` must be a list of two numbers");
  refused(file_of(entry(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,9])"), eight), "`data_offsets` must be a list of two numbers");
  refused(file_of(entry(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"), eight), "but are 8 to 0 instead");
  refused(file_of(entry(R"("dtype":"F32","shape":[4],"data_offsets":[0,16])"), eight), "must lie in the 8 bytes after the header, but are 0 to 16");
  refused(file_of(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615])"), eight), "must lie in the 8 bytes");
  refused(file_of(entry(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"), eight), "do not fit its dtype and shape");
  refused(file_of(entry(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"), eight), "the tensors must end at byte 8");
  refused(file_of(entry(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"), eight), "tensor `x` must begin at byte 0");
  refused(file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight),
          "tensor `y` must begin at byte 8, where the one before it ends, but begins at 4");
  CHECK_THROWS_WITH(read_safetensors(folder.path / "none.safetensors"), ContainsSubstring("none.safetensors"));
}

TEST_CASE("a model file cut anywhere is refused") {
  const TemporaryFolder folder;
  const std::string whole = bytes_of(models() / "distilbert" / "model.safetensors");
  for (size_t size = 0; size < whole.size(); size += size < 4000 ? 97 : 7919) {
    CHECK_THROWS_AS(read_safetensors(put(folder, whole.substr(0, size))), std::runtime_error);
  }
}

TEST_CASE("a file that cannot be written says so") {
  CHECK_THROWS_WITH(write_safetensors("/nowhere/at/all.safetensors", {}), "Cannot write /nowhere/at/all.safetensors: No such file or directory.");
  CHECK_THROWS_WITH(write_safetensors("/dev/full", {{"x", at::arange(100000, at::kFloat)}}), "Cannot write /dev/full: No space left on device.");
  const TemporaryFolder folder;
  CHECK_THROWS_WITH(write_safetensors(folder.path / "x.safetensors", {{"x", at::arange(3, at::kInt)}}), ContainsSubstring("tensors of dtype Int cannot be written"));
}

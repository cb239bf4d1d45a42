// The safetensors file format: a JSON header, then the bytes of the tensors.
#pragma once

#include <filesystem>

#include "lmtx/export.h"
#include "lmtx/nn/named_tensors.h"

namespace lmtx {

// All tensors of a file, on the CPU, in the order of their bytes. float32, float64, float16, bfloat16 and int64 are known. The header is checked
// before anything is read by it; throws std::runtime_error naming the file and the fault.
LMTX_API NamedTensors read_safetensors(const std::filesystem::path& file);

// Writes a file, in place (callers write into a folder that becomes visible as a whole). Wider types come first, so that each tensor is aligned; apart
// from that the order stays.
LMTX_API void write_safetensors(const std::filesystem::path& file, const NamedTensors& tensors);

}  // namespace lmtx

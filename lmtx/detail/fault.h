// What is wrong with a file, as an exception. Internal: no public header includes it.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

#include "lmtx/detail/quote.h"
#include "lmtx/export.h"

namespace lmtx::detail {

// Throws std::runtime_error: "`place`: `fault`". The fault becomes one line of at most 1,000 bytes, with '?' for control characters, since it may quote
// what a damaged file holds.
[[noreturn]] LMTX_API void fail(const std::string& place, const std::string& fault);

// What `read` returns. What it throws about a file in `folder` becomes one line, whatever it quotes; what it throws about its own limits names the folder.
template <typename Read>
auto with_one_line_faults(const std::filesystem::path& folder, const Read& read) {
  try {
    return read();
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(one_line(error.what(), 2000));
  } catch (const std::length_error& error) {
    fail(folder.string(), error.what());
  }
}

}  // namespace lmtx::detail

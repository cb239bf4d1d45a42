// Where the files that tests compare with lie.
#pragma once

#include <filesystem>

namespace lmtx::test {

// tests/data of the checkout that was built.
std::filesystem::path data_folder();
// tests/formats of the same.
std::filesystem::path formats_folder();

}  // namespace lmtx::test

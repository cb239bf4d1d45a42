// The files of a sentence-transformers folder around the weights: which modules there are and how they are set. A folder of transformers, which has no
// modules.json, is one with mean pooling.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "lmtx/detail/json.h"
#include "lmtx/export.h"
#include "lmtx/nn/dense.h"
#include "lmtx/nn/pooling.h"

namespace lmtx {

struct LMTX_API ModelFolder {
  // For messages; nothing is read from it later.
  std::filesystem::path path;
  // config.json as it was, but for float32 weights.
  detail::Json config;
  Pooling pooling = {};
  // The Dense modules behind pooling, and the folders that their weights are in.
  std::vector<DenseSettings> dense = {};
  std::vector<std::filesystem::path> dense_paths = {};
  // The longest text in tokens, special ones included; 0 where the folder says none.
  int64_t max_length = 0;
  // Whether texts are put in lower case before they are tokenized, whatever the tokenizer does.
  bool lower_case = false;
  // Whether there is a Normalize module.
  bool normalizes = false;
};

// Reads the classic dialect and that of sentence-transformers 6. Throws std::runtime_error naming the file and what is missing, broken or not
// supported: modules other than Transformer, Pooling, Dense and Normalize, or in another order.
LMTX_API ModelFolder read_model_folder(const std::filesystem::path& folder);

// Writes config.json and the modules into an existing folder, in the classic dialect, for float32 weights and hidden states of `dim` numbers.
LMTX_API void write_model_folder(const std::filesystem::path& folder, const ModelFolder& model, int64_t dim, int64_t max_length, bool normalize);

// The folder that Dense module `i`, from 0, is saved in: "2_Dense" for the first one.
LMTX_API std::string dense_folder(size_t i);

// Whether a configuration has an entry of that name which is not null, false or empty.
bool says_something(const detail::Json& config, const char* key);

// In sentence-transformers 6 a module can take and give other things than the text's vector. Throws std::runtime_error where the module of this configuration
// does.
void check_is_of_vectors(const detail::Json& config, const std::string& place);

// The files of a tokenizer, of those that folders may have; whichever of them are there make up the tokenizer.
LMTX_API const std::vector<std::string>& tokenizer_file_names();

}  // namespace lmtx

// SentencePiece's .model files.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lmtx::detail {

struct SentencePiece {
  enum Type { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };
  std::string text;
  float score = 0;
  int type = normal;
};

struct SentencePieceFile {
  enum Kind { unigram = 1, bpe = 2, word = 3, character = 4 };
  int kind = unigram;
  std::vector<SentencePiece> pieces;
  // See CharsmapNormalizer; empty if texts stay as they are.
  std::string charsmap;
};

// Reads what a tokenizer needs of a file (a protocol buffer, sentencepiece.ModelProto). The library of SentencePiece does not give out the map of characters,
// and brings a second protobuf into a process that has torch's. Throws std::runtime_error naming the file if it is broken.
SentencePieceFile read_sentencepiece_file(const std::filesystem::path& file);

}  // namespace lmtx::detail

#include "lmtx/text/sentencepiece_file.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/detail/files.h"
#include "lmtx/detail/little_endian.h"
#include "lmtx/detail/quote.h"

namespace lmtx::detail {

namespace {

// A piece takes at least two bytes in the file, and 48 once it is read.
constexpr size_t max_pieces = size_t{1} << 22;

// The fields of a message, one after the other. Throws std::invalid_argument where the bytes are none.
class Message {
 public:
  explicit Message(std::string_view bytes) : bytes_(bytes) {}

  // False at the end.
  bool next() {
    if (bytes_.empty()) return false;
    const uint64_t tag = varint();
    field_ = tag >> 3;
    switch (tag & 7) {
      case 0:
        number_ = varint();
        return true;
      case 1:
        take(8);
        return true;
      case 2:
        content_ = take(varint());
        return true;
      case 5:
        number_ = little_endian(take(4));
        return true;
      default:
        broken();
    }
  }

  uint64_t field() const { return field_; }
  uint64_t number() const { return number_; }
  float real() const { return std::bit_cast<float>(static_cast<uint32_t>(number_)); }
  std::string_view content() const { return content_; }

 private:
  [[noreturn]] static void broken() { throw std::invalid_argument("the file is broken, or no SentencePiece model"); }

  uint64_t varint() {
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      number |= static_cast<uint64_t>(byte & 0x7f) << shift;
      if (byte < 0x80) return number;
    }
    broken();
  }

  std::string_view take(uint64_t size) {
    if (size > bytes_.size()) broken();
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  uint64_t field_ = 0;
  uint64_t number_ = 0;
  std::string_view content_;
};

SentencePiece read_piece(Message message) {
  SentencePiece piece;
  while (message.next()) {
    if (message.field() == 1) piece.text = message.content();
    if (message.field() == 2) piece.score = message.real();
    if (message.field() == 3) piece.type = static_cast<int>(message.number());
  }
  return piece;
}

// Field 3 of the trainer's settings: the kind of model.
int read_kind(Message message) {
  int kind = SentencePieceFile::unigram;
  while (message.next()) {
    if (message.field() == 3) kind = static_cast<int>(message.number());
  }
  return kind;
}

// Field 2 of the normalizer's.
std::string read_charsmap(Message message) {
  std::string charsmap;
  while (message.next()) {
    if (message.field() == 2) charsmap = message.content();
  }
  return charsmap;
}

void add_piece(SentencePiece piece, SentencePieceFile& model) {
  if (!std::isfinite(piece.score)) throw std::invalid_argument("the score of the piece " + quote(piece.text) + " is not finite");
  if (model.pieces.size() >= max_pieces) throw std::invalid_argument("there are more than " + std::to_string(max_pieces) + " pieces in it");
  model.pieces.push_back(std::move(piece));
}

SentencePieceFile read_model(Message message) {
  SentencePieceFile model;
  while (message.next()) {
    if (message.field() == 1) add_piece(read_piece(Message(message.content())), model);
    if (message.field() == 2) model.kind = read_kind(Message(message.content()));
    if (message.field() == 3) model.charsmap = read_charsmap(Message(message.content()));
  }
  return model;
}

}  // namespace

SentencePieceFile read_sentencepiece_file(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, int64_t{1} << 30);
  try {
    SentencePieceFile model = read_model(Message(bytes));
    if (model.pieces.empty()) throw std::invalid_argument("there are no pieces in it");
    return model;
  } catch (const std::invalid_argument& error) {
    fail(file.string(), std::string(error.what()) + ".");
  }
}

}  // namespace lmtx::detail

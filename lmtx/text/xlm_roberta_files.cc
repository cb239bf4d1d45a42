// The files of XLM-RoBERTa's tokenizer without a tokenizer.json: sentencepiece.bpe.model (which is a unigram model) and tokenizer_config.json.
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "lmtx/detail/fault.h"
#include "lmtx/text/charsmap_normalizer.h"
#include "lmtx/text/lowercase_normalizer.h"
#include "lmtx/text/metaspace_splitter.h"
#include "lmtx/text/pipeline_model.h"
#include "lmtx/text/sentencepiece_file.h"
#include "lmtx/text/special_tokens.h"
#include "lmtx/text/tokenizer_files.h"
#include "lmtx/text/unigram_vocabulary.h"

namespace lmtx::detail {

namespace {

// The model's own first three pieces (<unk>, <s>, </s>) make room for four others, as in fairseq; so the ids of all others are one more than in the model.
constexpr size_t replaced_pieces = 3;
constexpr int32_t unknown = 3;

std::vector<std::pair<std::string, double>> tokens_of(const SentencePieceFile& model, const Json& config, const std::string& place) {
  const auto named = [&](const char* key, const char* otherwise) { return std::pair(config_token(config, key, otherwise, place), 0.0); };
  std::vector<std::pair<std::string, double>> tokens{named("bos_token", "<s>"), named("pad_token", "<pad>"), named("eos_token", "</s>"),
                                                     named("unk_token", "<unk>")};
  for (size_t i = replaced_pieces; i < model.pieces.size(); ++i) tokens.emplace_back(model.pieces[i].text, model.pieces[i].score);
  tokens.push_back(named("mask_token", "<mask>"));
  return tokens;
}

std::vector<AddedToken> added_tokens(const SentencePieceFile& model, const Json& config, const AddedTokenList::Vocabulary& vocabulary, size_t num_ids,
                                     const std::string& place) {
  AddedTokenList list(vocabulary, num_ids);
  add_config_tokens(config, roberta_tokens, list, place);
  for (const SentencePiece& piece : model.pieces) {
    const bool is_special = piece.type == SentencePiece::control || piece.type == SentencePiece::user_defined;
    if (is_special && !list.contains(piece.text)) list.add({.content = piece.text});
  }
  return list.tokens();
}

}  // namespace

TokenizerParts read_xlm_roberta_files(const std::filesystem::path& file, bool lower_case) {
  const auto [config, place] = read_settings_with_tokens(file.parent_path());
  const SentencePieceFile model = read_sentencepiece_file(file);
  if (model.kind != SentencePieceFile::unigram) fail(file.string(), "only unigram models are supported. A tokenizer.json may help.");
  std::vector<std::pair<std::string, double>> tokens = tokens_of(model, config, place);
  AddedTokenList::Vocabulary vocabulary;
  for (size_t id = 0; id < tokens.size(); ++id) vocabulary[tokens[id].first] = static_cast<int32_t>(id);
  NormalizerChain normalizers;
  if (lower_case) normalizers.add(std::make_unique<LowercaseNormalizer>());
  try {
    if (!model.charsmap.empty()) normalizers.add(std::make_unique<CharsmapNormalizer>(model.charsmap));
  } catch (const std::invalid_argument& error) {
    fail(file.string(), std::string(error.what()) + ".");
  }
  const MetaspaceOptions metaspace{.prepend = json_boolean_or(config, "add_prefix_space", true, place), .split_at_white_space = true};
  const std::vector<AddedToken> added = added_tokens(model, config, vocabulary, tokens.size(), place);
  TokenizerParts parts;
  parts.prefix = {vocabulary.at(config_token(config, "bos_token", "<s>", place))};
  parts.suffix = {vocabulary.at(config_token(config, "eos_token", "</s>", place))};
  parts.model = std::make_unique<PipelineModel>(std::move(normalizers), std::make_unique<MetaspaceSplitter>(metaspace),
                                                std::make_unique<UnigramVocabulary>(UnigramOptions{.tokens = std::move(tokens), .unknown = unknown}), added);
  return parts;
}

}  // namespace lmtx::detail

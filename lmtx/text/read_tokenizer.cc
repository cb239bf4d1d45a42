// Which files describe the tokenizer of a folder.
#include <string>
#include <string_view>

#include "lmtx/detail/fault.h"
#include "lmtx/text/tokenizer_config.h"
#include "lmtx/text/tokenizer_files.h"

namespace lmtx::detail {

namespace {

// Without a tokenizer.json the tokenizer's class says what the files mean. Where it is not named, its files stand for it.
void check_class(const std::filesystem::path& folder, std::string_view file, std::string_view supported) {
  const Json config = read_tokenizer_config(tokenizer_config_file(folder));
  const std::string name = tokenizer_class(config, folder);
  const bool is_named = config.contains("tokenizer_class") || !is_bert_class(name);
  if (!is_named || name == supported) return;
  fail(tokenizer_config_file(folder).string(), "`tokenizer_class` is \"" + name + "\", but beside a " + std::string(file) + " only \"" +
                                                   std::string(supported) + "\" is supported. A tokenizer.json may help.");
}

// What surrounds each text is given by number, apart from the vocabulary.
TokenizerParts with_checked_ids(TokenizerParts parts, const std::filesystem::path& file) {
  for (const auto* ids : {&parts.prefix, &parts.suffix}) {
    for (const int32_t id : *ids) {
      if (id >= 0 && id < parts.model->vocabulary_size()) continue;
      fail(file.string(), "the special tokens around a text must be in [0, " + std::to_string(parts.model->vocabulary_size()) +
                              "), the vocabulary, but one is " + std::to_string(id) + ".");
    }
  }
  return parts;
}

}  // namespace

TokenizerParts read_tokenizer(const std::filesystem::path& folder, bool lower_case) {
  const auto json = folder / "tokenizer.json", sentencepiece = folder / "sentencepiece.bpe.model", vocabulary = folder / "vocab.json",
             merges = folder / "merges.txt", list = folder / "vocab.txt";
  if (std::filesystem::exists(json)) return with_checked_ids(read_tokenizer_json(json, lower_case), json);
  if (std::filesystem::exists(sentencepiece)) {
    check_class(folder, "sentencepiece.bpe.model", "XLMRobertaTokenizer");
    return with_checked_ids(read_xlm_roberta_files(sentencepiece, lower_case), sentencepiece);
  }
  if (std::filesystem::exists(vocabulary) && std::filesystem::exists(merges)) {
    check_class(folder, "vocab.json", "RobertaTokenizer");
    return with_checked_ids(read_roberta_files(vocabulary, merges, lower_case), vocabulary);
  }
  if (std::filesystem::exists(list)) return with_checked_ids(read_vocab_txt(list, lower_case), list);
  fail(folder.string(), "expected a folder with tokenizer.json, vocab.txt, sentencepiece.bpe.model, or vocab.json and merges.txt, but found none of them.");
}

}  // namespace lmtx::detail

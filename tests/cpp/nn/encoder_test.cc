#include "lmtx/encoder.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/detail/files.h"
#include "lmtx/nn/sentence_model.h"
#include "lmtx/stopped.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string_view>;

RaggedTokens ragged(const Sequences& sequences) {
  RaggedTokens tokens;
  for (const auto& sequence : sequences) {
    tokens.ids.insert(tokens.ids.end(), sequence.begin(), sequence.end());
    tokens.offsets.push_back(static_cast<int64_t>(tokens.ids.size()));
  }
  return tokens;
}

at::Tensor expected_vectors(const std::string& name) { return find(read_safetensors(models() / (name + ".expected.safetensors")), "pooled"); }

at::Tensor unit(const at::Tensor& rows) { return rows.div(at::linalg_vector_norm(rows, 2, {-1}, /*keepdim=*/true)); }

void write(const fs::path& file, std::string_view text) { std::ofstream(file) << text; }

// A copy of the model "bert" whose files may be changed.
class OwnModel {
 public:
  explicit OwnModel(const std::string& name = "bert") : path(folder_.path / "model") { fs::copy(models() / name, path, fs::copy_options::recursive); }

 private:
  TemporaryFolder folder_;

 public:
  const fs::path path;
};

}  // namespace

TEST_CASE("vectors of tokens equal transformers', of unit length where the folder normalizes") {
  const RaggedTokens tokens = ragged(read_sequences("bert"));
  const Encoder normalizing = Encoder::load(models() / "bert");
  CHECK(largest_difference(normalizing.encode_tokens(tokens), unit(expected_vectors("bert"))) < 1e-5);
  CHECK(largest_difference(normalizing.encode_tokens(tokens, {.normalize = false}), expected_vectors("bert")) < 1e-5);
  const Encoder plain = Encoder::load(models() / "distilbert");
  CHECK(largest_difference(plain.encode_tokens(ragged(read_sequences("distilbert"))), expected_vectors("distilbert")) < 1e-5);
}

TEST_CASE("texts become the vectors of their tokens, in any batches") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Texts texts = {"a bad cab", "", "fed", "a bad cab", "Z", "feed a deaf bee"};
  const at::Tensor vectors = encoder.encode(texts);
  REQUIRE(vectors.sizes() == at::IntArrayRef({6, 32}));
  CHECK(vectors[0].equal(vectors[3]));
  CHECK(largest_difference(vectors, encoder.encode_tokens(encoder.tokenizer().encode(texts, encoder.max_length()))) == 0);
  CHECK(largest_difference(vectors, encoder.encode(texts, {.token_budget = 1})) < 1e-6);
  CHECK(largest_difference(vectors, encoder.encode(texts, {.token_budget = 9})) < 1e-6);
  CHECK(encoder.encode({}).sizes() == at::IntArrayRef({0, 32}));
}

TEST_CASE("each different text is computed once, and progress counts them") {
  const Encoder encoder = Encoder::load(models() / "bert");
  std::vector<int64_t> done;
  int64_t total = 0;
  const Texts texts = {"a", "b", "a", "c", "b", "a"};
  encoder.encode(texts, {.token_budget = 3}, [&](const Event& event) {
    CHECK(event.stage == "embed");
    done.push_back(event.done);
    total = event.total;
  });
  CHECK(done == std::vector<int64_t>{0, 1, 2, 3});
  CHECK(total == 3);
}

TEST_CASE("the length of texts is the folder's, the tokenizer's where it says none, at most the positions") {
  CHECK(Encoder::load(models() / "distilbert").max_length() == 12);
  CHECK(Encoder::load(models() / "bert").max_length() == 14);
  const OwnModel own;
  write(own.path / "sentence_bert_config.json", R"({"max_seq_length": 400})");
  const Encoder encoder = Encoder::load(own.path);
  CHECK(encoder.max_length() == 16);
  CHECK(encoder.max_positions() == 16);
  const Texts text = {"a b c d e f"}, cut = {"a b"};
  CHECK(largest_difference(encoder.encode(text, {.max_length = 4}), encoder.encode(cut)) < 1e-6);
}

TEST_CASE("the folder's default prompt is put before texts, unless another is given") {
  const OwnModel own;
  write(own.path / "config_sentence_transformers.json", R"({"prompts": {"query": "b c ", "document": "d "}, "default_prompt_name": "query"})");
  const Encoder encoder = Encoder::load(own.path), plain = Encoder::load(models() / "bert");
  const Texts text = {"a"}, with_query = {"b c a"}, with_other = {"e a"};
  CHECK(encoder.encode(text).equal(plain.encode(with_query)));
  CHECK(encoder.encode(text, {.prompt = "e "}).equal(plain.encode(with_other)));
  CHECK(encoder.encode(text, {.prompt = ""}).equal(plain.encode(text)));
  write(own.path / "config_sentence_transformers.json", R"({"prompts": {"query": "b c "}, "default_prompt_name": "passage"})");
  CHECK_THROWS_WITH(Encoder::load(own.path), ContainsSubstring("config_sentence_transformers.json: `default_prompt_name` is `passage`, but there are only the prompts "
                                                               "`document`, `query`."));
}

TEST_CASE("prompts are there by name, and those of sentence-transformers always") {
  const Encoder plain = Encoder::load(models() / "bert");
  CHECK(plain.prompts() == std::map<std::string, std::string>{{"query", ""}, {"document", ""}});
  CHECK(plain.default_prompt().empty());
  const OwnModel own;
  write(own.path / "config_sentence_transformers.json", R"({"prompts": {"query": "b c ", "passage": "d ", "none": null}, "default_prompt_name": null})");
  const Encoder encoder = Encoder::load(own.path);
  CHECK(encoder.prompt("query") == "b c ");
  CHECK(encoder.prompt("passage") == "d ");
  CHECK(encoder.prompt("none").empty());
  CHECK(encoder.default_prompt().empty());
  CHECK_THROWS_WITH(encoder.prompt("question"), "There is no prompt `question`; there are `document`, `none`, `passage`, `query`.");
}

TEST_CASE("an encoder with other prompts keeps the rest, and they are saved") {
  const OwnModel own;
  write(own.path / "config_sentence_transformers.json", R"({"prompts": {"query": "b c ", "passage": "d "}, "similarity_fn_name": "dot"})");
  const Encoder encoder = Encoder::load(own.path), changed = encoder.with_prompts({{"passage", "e "}, {"label", "f "}}, "label");
  CHECK(changed.default_prompt() == "f ");
  CHECK(changed.prompt("query") == "b c ");
  CHECK(changed.prompt("passage") == "e ");
  CHECK(encoder.prompt("passage") == "d ");
  CHECK(changed.fingerprint() != encoder.fingerprint());
  CHECK(encoder.with_prompts({{"label", "f "}}, "").fingerprint() == encoder.fingerprint());
  CHECK_THROWS_WITH(encoder.with_prompts({}, "label"), ContainsSubstring("There is no prompt `label`"));
  const TemporaryFolder folder;
  changed.save(folder.path / "saved");
  const Encoder saved = Encoder::load(folder.path / "saved");
  CHECK(saved.prompts() == changed.prompts());
  CHECK(saved.default_prompt() == "f ");
  CHECK(detail::read_file(folder.path / "saved" / "config_sentence_transformers.json").find("similarity_fn_name") != std::string::npos);
  encoder.with_prompts({}, "").save(folder.path / "none");
  CHECK(Encoder::load(folder.path / "none").default_prompt().empty());
}

TEST_CASE("prompts that are no prompts are refused") {
  const OwnModel own;
  write(own.path / "config_sentence_transformers.json", R"({"prompts": ["query: "]})");
  CHECK_THROWS_WITH(Encoder::load(own.path), ContainsSubstring("config_sentence_transformers.json: `prompts` must be an object, but is array instead."));
  write(own.path / "config_sentence_transformers.json", R"({"prompts": {"query": 3}})");
  CHECK_THROWS_WITH(Encoder::load(own.path), ContainsSubstring("`prompts`: `query` must be a string, but is number instead."));
  write(own.path / "config_sentence_transformers.json", R"([])");
  CHECK_THROWS_WITH(Encoder::load(own.path), ContainsSubstring("config_sentence_transformers.json: expected a JSON object, but found array instead."));
}

TEST_CASE("a folder that leaves prompts out of vectors pools the tokens behind them") {
  const OwnModel own;
  write(own.path / "1_Pooling" / "config.json", R"({"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": true, "include_prompt": false})");
  const Encoder encoder = Encoder::load(own.path);
  CHECK(encoder.dim() == 64);
  CHECK(encoder.unpooled_tokens("b c ") == 3);  // With [CLS].
  CHECK(encoder.unpooled_tokens("") == 0);
  CHECK(Encoder::load(models() / "bert").unpooled_tokens("b c ") == 0);
  const Texts text = {"a d"}, whole = {"b c a d"};
  const at::Tensor without = encoder.encode(text, {.prompt = "b c ", .normalize = false});
  CHECK_FALSE(without.equal(encoder.encode(whole, {.normalize = false})));
  // The hidden states of "a", "d" and [SEP] behind the prompt: the mean of the last three is what the mean over all but three gives.
  TokenBatch batch = batch_of({{2, 6, 7, 5, 8, 3}});
  batch.unpooled = 3;
  CHECK(largest_difference(without, encoder.model().forward(batch)) < 1e-6);
  const RaggedTokens tokens = encoder.tokenizer().encode(whole, 16);
  CHECK(encoder.encode_tokens(tokens, {.prompt = "b c ", .normalize = false}).equal(without));
  const at::Tensor cut = encoder.encode(text, {.max_length = 4, .prompt = "b c ", .normalize = false});
  CHECK(largest_difference(cut.narrow(1, 0, 32), cut.narrow(1, 32, 32)) < 1e-6);  // Only [SEP] is left.
}

TEST_CASE("the fingerprint knows pooling and lower case") {
  const OwnModel own;
  const std::string before = Encoder::load(own.path).fingerprint();
  write(own.path / "1_Pooling" / "config.json", R"({"pooling_mode_max_tokens": true})");
  const std::string pooled = Encoder::load(own.path).fingerprint();
  CHECK(pooled != before);
  write(own.path / "1_Pooling" / "config.json", R"({"pooling_mode": "mean"})");
  CHECK(Encoder::load(own.path).fingerprint() == before);
  write(own.path / "sentence_bert_config.json", R"({"do_lower_case": true})");
  CHECK(Encoder::load(own.path).fingerprint() != before);
}

TEST_CASE("a folder's do_lower_case lowers the texts of a tokenizer that keeps capitals, and is kept") {
  const OwnModel own;
  write(own.path / "tokenizer_config.json", R"({"tokenizer_class": "BertTokenizer", "do_lower_case": false})");
  const Texts capitals = {"A Bad CAB"}, small = {"a bad cab"};
  CHECK_FALSE(Encoder::load(own.path).encode(capitals).equal(Encoder::load(own.path).encode(small)));
  write(own.path / "sentence_bert_config.json", R"({"do_lower_case": true})");
  const Encoder encoder = Encoder::load(own.path);
  CHECK(encoder.encode(capitals).equal(encoder.encode(small)));
  const TemporaryFolder folder;
  encoder.save(folder.path / "saved");
  CHECK(Encoder::load(folder.path / "saved").encode(capitals).equal(encoder.encode(small)));
}

TEST_CASE("a folder without Normalize is saved without, unless asked for") {
  const TemporaryFolder folder;
  const Encoder plain = Encoder::load(models() / "distilbert");
  const Texts texts = {"a bad cab"};
  plain.save(folder.path / "same");
  CHECK(Encoder::load(folder.path / "same").encode(texts).equal(plain.encode(texts)));
  plain.save(folder.path / "unit", 0, /*normalize=*/true);
  CHECK(Encoder::load(folder.path / "unit").encode(texts).equal(plain.encode(texts, {.normalize = true})));
}

TEST_CASE("a saved folder gives the same vectors and has the same fingerprint") {
  const std::string name = GENERATE("bert", "distilbert-prefixed-relu");
  const TemporaryFolder folder;
  const Encoder encoder = Encoder::load(models() / name);
  encoder.save(folder.path / "saved");
  const Encoder saved = Encoder::load(folder.path / "saved");
  const Texts texts = {"a bad cab", "fed"};
  CHECK(saved.encode(texts).equal(encoder.encode(texts)));
  CHECK(saved.max_length() == encoder.max_length());
  CHECK(saved.fingerprint() == encoder.fingerprint());
  CHECK(saved.fingerprint().size() == 32);

  SECTION("saving over it replaces it, also by its own encoder") {
    saved.save(folder.path / "saved", 5);
    const Encoder again = Encoder::load(folder.path / "saved");
    CHECK(again.max_length() == 5);
    CHECK(again.fingerprint() != encoder.fingerprint());
    CHECK(again.encode(texts, {.max_length = saved.max_length()}).equal(encoder.encode(texts)));
  }
}

TEST_CASE("an encoder around other weights keeps tokenizer and settings") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const auto model = encoder.model().clone();
  for (auto [name, tensor] : model->parameters()) tensor.add_(0.01);
  const Encoder other = encoder.with_model(model);
  const Texts texts = {"a bad cab"};
  CHECK_FALSE(other.encode(texts).equal(encoder.encode(texts)));
  CHECK(other.fingerprint() != encoder.fingerprint());
  CHECK(encoder.with_model(encoder.model().clone()).fingerprint() == encoder.fingerprint());
  CHECK(other.max_length() == encoder.max_length());
  CHECK_THROWS_WITH(encoder.with_model(nullptr), ContainsSubstring("dimension 32 and 16 positions"));
}

TEST_CASE("encoding records nothing for backward") {
  const Encoder encoder = Encoder::load(models() / "bert");
  for (auto [name, tensor] : encoder.model().parameters()) tensor.requires_grad_();
  const Texts texts = {"a", "b", "b"};
  CHECK_FALSE(encoder.encode(texts).requires_grad());
}

TEST_CASE("several threads may encode at once") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Texts texts = {"a bad cab", "", "fed", "Z", "feed a deaf bee"};
  const at::Tensor expected = encoder.encode(texts);
  std::vector<at::Tensor> found(4);
  {
    std::vector<std::jthread> threads;
    for (at::Tensor& vectors : found) threads.emplace_back([&] { vectors = encoder.encode(texts); });
  }
  for (const at::Tensor& vectors : found) CHECK(largest_difference(vectors, expected) < 1e-6);
}

TEST_CASE("a stop request ends encoding") {
  const Encoder encoder = Encoder::load(models() / "bert");
  std::stop_source stop;
  const Texts texts = {"a", "b"};
  CHECK_THROWS_AS(encoder.encode(texts, {.token_budget = 1}, [&](const Event& event) { if (event.done == 1) stop.request_stop(); }, stop.get_token()), Stopped);
}

TEST_CASE("wrong arguments are refused") {
  const Encoder encoder = Encoder::load(models() / "bert");
  const Texts texts = {"a"};
  CHECK_THROWS_WITH(encoder.encode(texts, {.max_length = 17}), ContainsSubstring("`max_length` must be from 2, the special tokens, to 16, the positions of the model, but is 17"));
  CHECK_THROWS_AS(encoder.encode(texts, {.max_length = 1}), std::invalid_argument);
  CHECK_THROWS_AS(encoder.encode(texts, {.max_length = -3}), std::invalid_argument);
  CHECK_THROWS_WITH(encoder.encode(texts, {.token_budget = -1}), ContainsSubstring("`token_budget` must be at least 1, or 0 for what suits the device, but is -1 instead."));
  CHECK_THROWS_WITH(encoder.encode(texts, {.dtype = ComputeDtype::float16}), ContainsSubstring("`dtype` is \"float16\", which is computed on cards only; use \"bfloat16\""));
  CHECK_THROWS_WITH(encoder.encode_tokens(ragged({{1}, {}})), ContainsSubstring("Sequence 1 must have at least one token, but is empty."));
  CHECK_THROWS_WITH(encoder.encode_tokens(ragged({{1}}), {.max_length = 5}), ContainsSubstring("`max_length` must be 0 for tokens"));
  CHECK_THROWS_WITH(encoder.encode_tokens(ragged({std::vector<int32_t>(17, 1)})), ContainsSubstring("at most 16 tokens"));
  CHECK_THROWS_WITH(encoder.encode_tokens(ragged({{50}})), ContainsSubstring("Token ids must be in [0, 50)"));
  CHECK_THROWS_WITH(encoder.save("/tmp/never-made", 17), ContainsSubstring("`max_length` must be from 0 to 16"));
  CHECK_THROWS_WITH(Encoder::load(models() / "bert", {.device = "tpu"}), ContainsSubstring("`device` must be \"cpu\", \"cuda\" or \"cuda:N\", but is \"tpu\" instead."));
#ifndef LMTX_CUDA
  CHECK_THROWS_WITH(Encoder::load(models() / "bert", {.device = "cuda"}), ContainsSubstring("this LMTX was built without CUDA; build it with LMTX_CUDA=ON, or use \"cpu\"."));
#endif
}

TEST_CASE("a tokenizer with more tokens than the model has rows is refused") {
  const OwnModel own;
  std::ofstream(own.path / "vocab.txt", std::ios::app) << "one\nmore\n";
  CHECK_THROWS_WITH(Encoder::load(own.path), ContainsSubstring("config.json: `vocab_size` must be at least 52, the tokenizer's vocabulary (") && ContainsSubstring("), but is 50 instead."));
}

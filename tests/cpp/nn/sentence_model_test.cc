// Whole models against transformers (fixtures), finite differences, and themselves in other batches.
#include "lmtx/nn/sentence_model.h"

#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <stop_token>
#include <string>
#include <vector>

#include "catch.h"
#include "fixtures.h"
#include "lmtx/nn/model_folder.h"
#include "lmtx/nn/ops.h"
#include "lmtx/stopped.h"

using namespace lmtx;
using namespace lmtx::test;

namespace {

namespace fs = std::filesystem;

constexpr double float_tolerance = 1e-5;
const std::vector<std::string> model_names = {
    "bert",  "bert-joined", "bert-prefixed-tanh", "distilbert",       "distilbert-prefixed-relu", "roberta", "xlm-roberta-prefixed",
    "mpnet", "mpnet-dense", "modernbert",         "modernbert-biased"};
// Finite differences mean nothing where a step crosses the kink of a relu; its gradients are compared with transformers'.
const std::vector<std::string> smooth_model_names = {"bert",        "bert-joined",      "bert-prefixed-tanh", "distilbert", "xlm-roberta-prefixed",
                                                     "mpnet-dense", "modernbert-biased"};

void copy_model(const std::string& name, const fs::path& to) { fs::copy(models() / name, to, fs::copy_options::recursive); }

void replace_in(const fs::path& file, const std::string& from, const std::string& to) {
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  std::ofstream(file) << text.replace(at, from.size(), to);
}

void track(const SentenceModel& model) {
  for (auto [name, tensor] : model.parameters()) tensor.requires_grad_();
}

}  // namespace

TEST_CASE("pooled vectors and every gradient equal transformers'") {
  const std::string name = GENERATE(from_range(model_names));
  INFO(name);
  const auto model = SentenceModel::load(models() / name);
  const NamedTensors expected = read_safetensors(models() / (name + ".expected.safetensors"));
  track(*model);
  const at::Tensor pooled = model->forward(batch_of(read_sequences(name)));
  CHECK(largest_difference(pooled, find(expected, "pooled")) < float_tolerance);

  pooled.mul(find(expected, "weights")).sum().backward();
  size_t gradients = 0;
  for (const auto& [key, tensor] : model->parameters()) {
    INFO(key);
    const at::Tensor gradient = find(expected, "gradient:" + key);
    REQUIRE(tensor.grad().defined());
    CHECK(largest_difference(tensor.grad(), gradient) < float_tolerance * std::max(1.0, gradient.abs().max().item<double>()));
    ++gradients;
  }
  CHECK(gradients == expected.size() - 2);
}

TEST_CASE("finite differences through a whole model agree with its gradients") {
  const std::string name = GENERATE(from_range(smooth_model_names));
  const bool drop = GENERATE(false, true);
  INFO(name << (drop ? " with dropout" : ""));
  const auto model = SentenceModel::load(models() / name)->clone(at::kDouble);
  const TokenBatch batch = batch_of(read_sequences(name));
  const at::Tensor weights = find(read_safetensors(models() / (name + ".expected.safetensors")), "weights").to(at::kDouble);
  const auto loss = [&] {
    Dropout dropout(5);
    return model->forward(batch, drop ? &dropout : nullptr).mul(weights).sum();
  };
  track(*model);
  loss().backward();
  const c10::NoGradGuard no_grad;
  for (const auto& [key, tensor] : model->parameters()) {
    INFO(key);
    double* values = tensor.data_ptr<double>();
    const at::Tensor gradient = tensor.grad().contiguous();
    for (int64_t i = 0; i < tensor.numel(); i += tensor.numel() / 3 + 1) {
      constexpr double step = 1e-6;
      const double value = values[i];
      values[i] = value + step;
      const double above = loss().item<double>();
      values[i] = value - step;
      const double below = loss().item<double>();
      values[i] = value;
      CHECK(gradient.data_ptr<double>()[i] == Approx((above - below) / (2 * step)).epsilon(1e-5).margin(1e-6));
    }
  }
}

TEST_CASE("a text's vector does not depend on its batch") {
  const std::string name = GENERATE(from_range(model_names));
  const auto model = SentenceModel::load(models() / name);
  const Sequences sequences = read_sequences(name);
  const int64_t unpooled = GENERATE(0, 2);
  const auto vectors_of = [&](const Sequences& sequences) {
    TokenBatch batch = batch_of(sequences);
    batch.unpooled = unpooled;
    return ops::normalize(model->forward(batch));
  };
  const at::Tensor together = vectors_of(sequences);
  SECTION("alone") {
    for (size_t i = 0; i < sequences.size(); ++i) CHECK(largest_difference(vectors_of({sequences[i]})[0], together[i]) < 1e-6);
  }
  SECTION("in any order") {
    std::vector<int64_t> order = {0, 1, 2, 3, 4, 5, 6};
    do {
      Sequences permuted;
      for (int64_t i : order) permuted.push_back(sequences[i]);
      const at::Tensor vectors = vectors_of(permuted);
      for (size_t i = 0; i < order.size(); ++i) REQUIRE(largest_difference(vectors[i], together[order[i]]) < 1e-6);
      std::rotate(order.begin(), order.begin() + 3, order.end());
      std::swap(order[0], order[4]);
    } while (!std::is_sorted(order.begin(), order.end()));
  }
}

TEST_CASE("dropout in a model is keyed") {
  const auto model = SentenceModel::load(models() / "distilbert");
  const TokenBatch batch = batch_of(read_sequences("distilbert"));
  const auto vectors = [&](uint64_t key) {
    Dropout dropout(key);
    return model->forward(batch, &dropout);
  };
  CHECK(vectors(1).equal(vectors(1)));
  CHECK_FALSE(vectors(1).equal(vectors(2)));
  CHECK_FALSE(vectors(1).equal(model->forward(batch)));
}

TEST_CASE("the parameters are the model's own tensors, and a clone has its own") {
  const auto model = SentenceModel::load(models() / "bert");
  const auto clone = model->clone();
  const TokenBatch batch = batch_of({{1, 2, 3}});
  const at::Tensor before = model->forward(batch);
  CHECK(clone->forward(batch).equal(before));
  model->parameters().front().second.mul_(2);
  CHECK_FALSE(model->forward(batch).equal(before));
  CHECK(clone->forward(batch).equal(before));
  CHECK(clone->clone(at::kDouble)->forward(batch).scalar_type() == at::kDouble);
  CHECK_THROWS_WITH(model->clone(at::kHalf), ContainsSubstring("float32 or float64, not to Half"));
}

TEST_CASE("a stop request ends forward and backward") {
  const auto model = SentenceModel::load(models() / "bert");
  track(*model);
  std::stop_source stop;
  const at::Tensor pooled = model->forward(batch_of({{1, 2, 3}}), nullptr, stop.get_token());
  stop.request_stop();
  CHECK_THROWS_AS(pooled.sum().backward(), Stopped);
  CHECK_THROWS_AS(model->forward(batch_of({{1, 2, 3}}), nullptr, stop.get_token()), Stopped);
}

TEST_CASE("a saved model is the loaded one") {
  const std::string name = GENERATE(from_range(model_names));
  const TemporaryFolder folder;
  const auto model = SentenceModel::load(models() / name);
  model->save(folder.path, 0, model->normalizes());
  const auto again = SentenceModel::load(folder.path);
  CHECK(again->max_length() == model->max_length());
  CHECK(again->normalizes() == model->normalizes());
  CHECK(again->pooling() == model->pooling());
  CHECK(again->dim() == model->dim());
  const TokenBatch batch = batch_of(read_sequences(name));
  CHECK(again->forward(batch).equal(model->forward(batch)));
  CHECK((again->dense() == model->dense()));  // They cannot be printed.
  for (const fs::path file : {"model.safetensors", "2_Dense/model.safetensors", "3_Dense/model.safetensors"}) {
    REQUIRE(fs::exists(models() / name / file) == fs::exists(folder.path / file));
    if (!fs::exists(folder.path / file)) continue;
    const NamedTensors before = read_safetensors(models() / name / file), after = read_safetensors(folder.path / file);
    REQUIRE(after.size() == before.size());
    for (const auto& [key, tensor] : before) CHECK(find(after, key).equal(tensor));
  }
}

TEST_CASE("saving sets the length and the Normalize module") {
  const TemporaryFolder folder;
  SentenceModel::load(models() / "distilbert")->save(folder.path, 9, /*normalize=*/true);
  const auto model = SentenceModel::load(folder.path);
  CHECK(model->max_length() == 9);
  CHECK(model->normalizes());
  CHECK(model->max_positions() == 16);
  CHECK(model->dim() == 32);
}

TEST_CASE("folders that are no supported model are refused by name") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model";
  copy_model("bert", model);
  const auto refused = [&](const std::string& fault) { CHECK_THROWS_WITH(SentenceModel::load(model), ContainsSubstring(fault)); };
  SECTION("nothing there") {
    CHECK_THROWS_WITH(SentenceModel::load(folder.path / "none"), ContainsSubstring("none: is no folder."));
    CHECK_THROWS_WITH(SentenceModel::load(folder.path),
                      ContainsSubstring("is no folder of sentence-transformers or transformers: it has neither modules.json nor config.json."));
  }
  SECTION("a module") {
    replace_in(model / "modules.json", "sentence_transformers.models.Normalize", "sentence_transformers.models.LayerNorm");
    refused(
        "modules.json: module 2 is LayerNorm, which is not supported there; supported are Transformer, Pooling, any number of Dense, then perhaps Normalize.");
  }
  SECTION("a module of other code") {
    replace_in(model / "modules.json", "sentence_transformers.models.Transformer", "custom_st.Transformer");
    refused("modules.json: modules of class custom_st.Transformer are not supported; supported are those of sentence_transformers.");
  }
  SECTION("a module outside of the folder") {
    replace_in(model / "modules.json", "1_Pooling", "../1_Pooling");
    refused("`path` must stay in the folder");
  }
  SECTION("a pooling") {
    std::ofstream(model / "1_Pooling" / "config.json") << R"({"word_embedding_dimension": 32, "pooling_mode_cls_token": true, "pooling_mode_median": true})";
    refused("pooling by `median` is not supported; supported are cls, max, mean, mean_sqrt_len_tokens, weightedmean and lasttoken.");
  }
  SECTION("a pooling among several") {
    std::ofstream(model / "1_Pooling" / "config.json") << R"({"pooling_mode": ["mean", "median"]})";
    refused("pooling by `median` is not supported");
  }
  SECTION("no pooling") {
    std::ofstream(model / "1_Pooling" / "config.json") << R"({"pooling_mode": []})";
    refused("`pooling_mode` must name at least one mode, but is an empty list.");
    std::ofstream(model / "1_Pooling" / "config.json") << R"({"pooling_mode": 3})";
    refused("`pooling_mode` must be the name of a mode or a list of such names, but is or has number instead.");
  }
  SECTION("what sentence-transformers 6 can do besides") {
    const auto say = [&](const char* file, const char* config) { std::ofstream(model / file) << config; };
    say("sentence_bert_config.json", R"({"transformer_task": "fill-mask"})");
    refused("sentence_bert_config.json: `transformer_task` `fill-mask` is not supported; supported is `feature-extraction`.");
    say("sentence_bert_config.json", R"({"modality_config": {"text": {"method": "forward", "method_output_name": "pooler_output"}}})");
    refused("`modality_config`: `method_output_name` `pooler_output` is not supported; supported is `last_hidden_state`.");
    say("sentence_bert_config.json", R"({"modality_config": []})");
    refused("`modality_config`: expected a JSON object, but found array instead.");
    say("sentence_bert_config.json", R"({"processing_kwargs": {"text": {"max_length": 5}}})");
    refused("sentence_bert_config.json: `processing_kwargs` is not supported.");
    say("sentence_bert_config.json", R"({"query_length": 32})");
    refused("sentence_bert_config.json: `query_length` is not supported.");
    say("sentence_bert_config.json", R"({"config_args": {"num_hidden_layers": 1}})");
    refused("sentence_bert_config.json: `config_args`: `num_hidden_layers` is not supported.");
    say("sentence_bert_config.json", R"({"model_kwargs": {"attn_implementation": "eager", "trust_remote_code": true}, "query_expansion": null})");
    CHECK_NOTHROW(SentenceModel::load(model));
    say("sentence_bert_config.json", "{}");
    fs::create_directory(model / "2_Normalize");
    say("2_Normalize/config.json", R"({"module_input_name": "token_embeddings"})");
    refused("config.json: `module_input_name` `token_embeddings` is not supported; supported is `sentence_embedding`.");
  }
  SECTION("an architecture") {
    replace_in(model / "config.json", "\"model_type\": \"bert\"", "\"model_type\": \"t5\"");
    refused("config.json: architecture t5 is not supported; supported are bert, camembert, distilbert, modernbert, mpnet, roberta, xlm-roberta.");
  }
  SECTION("an activation") {
    replace_in(model / "config.json", "\"hidden_act\": \"gelu\"", "\"hidden_act\": \"quick_gelu\"");
    refused("activation quick_gelu is not supported; supported are gelu, gelu_new, gelu_pytorch_tanh, relu, silu, swish and tanh.");
  }
  SECTION("a shape") {
    replace_in(model / "config.json", "\"intermediate_size\": 48", "\"intermediate_size\": 40");
    refused("tensor `encoder.layer.0.intermediate.dense.weight` must have shape [40, 32], as config.json says, but has shape [48, 32] instead.");
  }
  SECTION("a number of heads") {
    replace_in(model / "config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 5");
    refused("the hidden size, 32, must be a multiple of the number of attention heads, 5.");
  }
  SECTION("what a configuration can say besides") {
    const std::string type = "\"model_type\": \"bert\"";
    const auto says = [&](const std::string& entry, const std::string& fault) {
      replace_in(model / "config.json", type, type + ", " + entry);
      refused("config.json: " + fault);
      replace_in(model / "config.json", type + ", " + entry, type);
    };
    says(R"("position_embedding_type": "relative_key")", "position embeddings of type relative_key are not supported; supported is absolute.");
    says(R"("pruned_heads": {"0": [1]})", "`pruned_heads` are not supported.");
    says(R"("quantization_config": {"bits": 4})", "quantized weights (`quantization_config`) are not supported.");
    says(R"("auto_map": {"AutoModel": "modeling.Own"})", "a network of the folder's own code (`auto_map`) is not supported.");
    replace_in(model / "config.json", "\"is_decoder\": false", "\"is_decoder\": true");
    refused("config.json: a decoder (`is_decoder`) is not supported.");
    replace_in(model / "config.json", "\"is_decoder\": true", "\"is_decoder\": false");
    replace_in(model / "config.json", "\"add_cross_attention\": false", "\"add_cross_attention\": true");
    refused("config.json: attention to another text (`add_cross_attention`) is not supported.");
  }
  SECTION("an adapter") {
    std::ofstream(model / "adapter_config.json") << "{}";
    refused("adapter_config.json: adapters of weights (PEFT) are not supported; merge them into the model.");
  }
  SECTION("a missing layer") {
    replace_in(model / "config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    refused("tensor `encoder.layer.2.attention.self.query.weight` is missing.");
  }
  SECTION("other weights") {
    fs::rename(model / "model.safetensors", model / "pytorch_model.bin");
    refused(
        "model.safetensors, are needed, but there is only pytorch_model.bin; sentence-transformers makes one: `SentenceTransformer(FOLDER, device=\"cpu\")"
        ".save(NEW_FOLDER)`.");
    fs::remove(model / "pytorch_model.bin");
    refused("model.safetensors is missing.");
  }
}

TEST_CASE("what an architecture's configuration can say that is not supported is refused by name") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model";
  const auto refused = [&](const std::string& name, const std::string& from, const std::string& to, const std::string& fault) {
    fs::remove_all(model);
    copy_model(name, model);
    replace_in(model / "config.json", from, to);
    CHECK_THROWS_WITH(SentenceModel::load(model), ContainsSubstring("config.json: " + fault));
  };
  const std::string type = "\"model_type\": \"modernbert\"";
  refused("roberta", "\"pad_token_id\": 1", "\"pad_token_id\": -1", "`pad_token_id` must not be negative, but is -1.");
  refused("roberta", "\"pad_token_id\": 1", "\"pad_token_id\": 17", "`max_position_embeddings` must be at least 2 more than the id of padding, 17, but is 18.");
  refused("mpnet", "\"max_position_embeddings\": 18", "\"max_position_embeddings\": -9223372036854775808",
          "`max_position_embeddings` must be at least 2 more than the id of padding, 1, but is -9223372036854775808.");
  refused("roberta", "\"intermediate_size\": 48", "\"intermediate_size\": 4611686018427387904",
          "the intermediate size must be at most 2147483647, but is 4611686018427387904.");
  refused("modernbert", "\"num_hidden_layers\": 4", "\"num_hidden_layers\": 1000000000000", "`layer_types` must be a list of 1000000000000, one a layer.");
  refused("mpnet", "\"relative_attention_num_buckets\": 32", "\"relative_attention_num_buckets\": 16",
          "`relative_attention_num_buckets` must be at least 32, but is 16.");
  refused("modernbert", "\"num_attention_heads\": 4", "\"num_attention_heads\": 32", "rotary positions need heads of an even size, but the size is 1.");
  refused("modernbert", "\"rope_type\": \"default\"", "\"rope_type\": \"yarn\"",
          "`rope_parameters`: `rope_type` \"yarn\" is not supported; supported is `rope_theta` with `rope_type` \"default\".");
  refused("modernbert", "\"rope_parameters\": {", "\"rope_parameters\": [], \"others\": {", "`rope_parameters` must be an object, but is array instead.");
  refused("modernbert", "\"rope_theta\": 160000.0", "\"factor\": 2.0", "`rope_parameters`: `factor` 2.0 is not supported");
  refused("modernbert", "\"rope_theta\": 160000.0", "\"rope_theta\": 0", "the base of rotary positions must be positive, but is 0.0");
  refused("modernbert", "\"rope_parameters\": {", "\"rope_parameters\": {\"chunked_attention\": {}, ",
          "`rope_parameters` of `chunked_attention` are not supported");
  refused("modernbert", type, type + ", \"rope_scaling\": {\"type\": \"linear\"}", "`rope_scaling` is not supported.");
  refused("modernbert", "\"full_attention\",", "\"chunked_attention\",", "`layer_types` has \"chunked_attention\", which is not supported");
  refused("modernbert", "\"full_attention\",", "", "`layer_types` must be a list of 4, one a layer.");
  refused("modernbert", "\"local_attention\": 4", "\"local_attention\": -1", "`local_attention` must not be negative, but is -1.");
  refused("modernbert", "\"hidden_activation\": \"gelu\"", "\"hidden_activation\": \"relu6\"", "activation relu6 is not supported");
}

TEST_CASE("ModernBERT's older configurations say the same in other words") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model";
  copy_model("modernbert", model);
  detail::Json config = detail::read_json(model / "config.json");
  for (const char* key : {"layer_types", "rope_parameters"}) config.erase(key);
  config["global_attn_every_n_layers"] = 3;
  config["global_rope_theta"] = 160000.0;
  config["local_rope_theta"] = 10000;
  detail::write_json(model / "config.json", config);
  const TokenBatch batch = batch_of(read_sequences("modernbert"));
  const at::Tensor vectors = SentenceModel::load(models() / "modernbert")->forward(batch);
  CHECK(SentenceModel::load(model)->forward(batch).equal(vectors));
  for (const char* key : {"global_attn_every_n_layers", "global_rope_theta", "local_rope_theta", "local_attention"}) {
    detail::Json other = config;
    other[key] = 2;
    detail::write_json(model / "config.json", other);
    CHECK_FALSE(SentenceModel::load(model)->forward(batch).equal(vectors));
  }
  for (const char* key : {"global_attn_every_n_layers", "global_rope_theta", "local_rope_theta"}) config.erase(key);
  detail::write_json(model / "config.json", config);
  CHECK(SentenceModel::load(model)->forward(batch).equal(vectors));
}

TEST_CASE("Dense modules that are no supported ones are refused by name") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model", dense = model / "2_Dense";
  copy_model("mpnet-dense", model);
  const auto refused = [&](const std::string& fault) { CHECK_THROWS_WITH(SentenceModel::load(model), ContainsSubstring(fault)); };
  SECTION("an activation") {
    replace_in(dense / "config.json", "torch.nn.modules.activation.Tanh", "torch.nn.modules.activation.Hardtanh");
    refused(
        "2_Dense/config.json: `activation_function` `torch.nn.modules.activation.Hardtanh` is not supported; supported are, of torch.nn, Identity, GELU, ReLU, "
        "SiLU, "
        "Tanh, Sigmoid.");
    replace_in(dense / "config.json", "torch.nn.modules.activation.Hardtanh", "my.own.Tanh");
    refused("`activation_function` `my.own.Tanh` is not supported");
  }
  SECTION("an input") {
    replace_in(dense / "config.json", "\"bias\": true", "\"bias\": true, \"module_input_name\": \"token_embeddings\"");
    refused("`module_input_name` `token_embeddings` is not supported; supported is `sentence_embedding`.");
  }
  SECTION("a width") {
    replace_in(dense / "config.json", "\"in_features\": 32", "\"in_features\": 31");
    refused("`in_features` of module 2, Dense, must be 32, the numbers in a vector before it, but is 31 instead.");
    replace_in(dense / "config.json", "\"in_features\": 31", "\"in_features\": 0");
    refused("`in_features` must be at least 1, but is 0 instead.");
  }
  SECTION("weights of another shape") {
    replace_in(dense / "config.json", "\"out_features\": 20", "\"out_features\": 21");
    refused("tensor `2_Dense/linear.weight` must have shape [21, 32], as config.json says, but has shape [20, 32] instead.");
  }
  SECTION("weights in another file") {
    fs::rename(dense / "model.safetensors", dense / "pytorch_model.bin");
    refused("2_Dense: weights in one file, model.safetensors, are needed, but there is only pytorch_model.bin; sentence-transformers makes one");
  }
  SECTION("behind Normalize") {
    replace_in(model / "modules.json", "sentence_transformers.models.Dense", "sentence_transformers.models.Normalize");
    refused("modules.json: module 2 is Normalize, which is not supported there");
  }
}

TEST_CASE("activations of Dense modules are read by their class, with or without its Python module, and Tanh where none is said") {
  const TemporaryFolder folder;
  const auto read = [&](const std::string& entry) {
    std::ofstream(folder.path / "config.json") << R"({"in_features": 2, "out_features": 3)" << entry << "}";
    return read_dense(folder.path).activation;
  };
  CHECK(read("") == ops::Activation::tanh);
  CHECK(read(R"(, "activation_function": "torch.nn.Identity")") == ops::Activation::identity);
  CHECK(read(R"(, "activation_function": "torch.nn.modules.linear.Identity")") == ops::Activation::identity);
  CHECK(read(R"(, "activation_function": "torch.nn.modules.activation.Sigmoid")") == ops::Activation::sigmoid);
}

TEST_CASE("a folder of transformers has mean pooling, that of a causal model its last token") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model";
  copy_model("roberta", model);
  fs::remove(model / "modules.json");
  fs::remove_all(model / "1_Pooling");
  const TokenBatch batch = batch_of(read_sequences("roberta"));
  const auto bare = SentenceModel::load(model);
  CHECK(bare->forward(batch).equal(SentenceModel::load(models() / "roberta")->forward(batch)));
  CHECK_FALSE(bare->normalizes());
  bare->save(model, 0, /*normalize=*/false);
  CHECK(SentenceModel::load(model)->pooling() == Pooling());
  fs::remove(model / "modules.json");
  replace_in(model / "config.json", "RobertaModel", "RobertaForCausalLM");
  CHECK(SentenceModel::load(model)->pooling() == Pooling{.modes = {PoolingMode::last_token}});
}

TEST_CASE("the dialect of sentence-transformers 6 is read, too") {
  const TemporaryFolder folder;
  const fs::path model = folder.path / "model";
  copy_model("bert", model);
  replace_in(model / "modules.json", "sentence_transformers.models.Pooling", "sentence_transformers.sentence_transformer.modules.pooling.Pooling");
  replace_in(model / "modules.json", "sentence_transformers.models.Transformer", "sentence_transformers.base.modules.transformer.Transformer");
  std::ofstream(model / "1_Pooling" / "config.json") << R"({"embedding_dimension": 32, "pooling_mode": "mean", "include_prompt": true})";
  std::ofstream(model / "tokenizer_config.json") << R"({"model_max_length": 11})";
  std::ofstream(model / "sentence_bert_config.json") << R"({"transformer_task": "feature-extraction", "module_output_name": "token_embeddings",
             "modality_config": {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}})";
  const ModelFolder read = read_model_folder(model);
  CHECK(read.max_length == 11);
  CHECK(read.normalizes);
  CHECK(read.pooling == Pooling());
}

TEST_CASE("settings of the transformer are read from the files of the first versions, too") {
  const TemporaryFolder folder;
  copy_model("distilbert", folder.path / "model");
  fs::rename(folder.path / "model" / "sentence_bert_config.json", folder.path / "model" / "sentence_distilbert_config.json");
  CHECK(read_model_folder(folder.path / "model").max_length == 12);
}

TEST_CASE("pooling is read in both dialects") {
  using enum PoolingMode;
  const TemporaryFolder folder;
  const auto read = [&](const std::string& config) {
    std::ofstream(folder.path / "config.json") << config;
    return read_pooling(folder.path / "config.json");
  };
  CHECK(read(R"({"word_embedding_dimension": 32})") == Pooling());
  CHECK(read(R"({"pooling_mode_mean_tokens": false})") == Pooling());
  CHECK(
      read(
          R"({"pooling_mode_mean_sqrt_len_tokens": true, "pooling_mode_max_tokens": true, "pooling_mode_cls_token": true, "pooling_mode_lasttoken": false})") ==
      Pooling{.modes = {cls, max, mean_sqrt_len}});
  CHECK(read(R"({"pooling_mode_lasttoken": true, "pooling_mode_weightedmean_tokens": true})") == Pooling{.modes = {weighted_mean, last_token}});
  CHECK(read(R"({"pooling_mode": ["lasttoken", "weightedmean"]})") == Pooling{.modes = {last_token, weighted_mean}});
  CHECK(read(R"({"pooling_mode": "cls", "include_prompt": false})") == Pooling{.modes = {cls}, .include_prompt = false});
  CHECK(read(R"({"pooling_mode": ["mean", "cls", "mean"]})") == Pooling{.modes = {mean, cls, mean}});
  // Where both dialects are there, sentence-transformers 6 goes by its own.
  CHECK(read(R"({"pooling_mode": "max", "pooling_mode_cls_token": true})") == Pooling{.modes = {max}});
}

TEST_CASE("pooling is written in the classic dialect wherever that can say it") {
  using enum PoolingMode;
  const bool in_order = GENERATE(true, false);
  const Pooling pooling = in_order ? GENERATE(Pooling{}, Pooling{.modes = {cls}}, Pooling{.modes = {cls, max, mean, mean_sqrt_len}, .include_prompt = false},
                                              Pooling{.modes = {mean, weighted_mean, last_token}})
                                   : GENERATE(Pooling{.modes = {mean, max}}, Pooling{.modes = {max, max}});
  const TemporaryFolder folder;
  const detail::Json config = pooling_json(pooling, 32);
  detail::write_json(folder.path / "config.json", config);
  CHECK(read_pooling(folder.path / "config.json") == pooling);
  CHECK(config.contains("pooling_mode_cls_token") == in_order);
  CHECK(config[in_order ? "word_embedding_dimension" : "embedding_dimension"] == 32);
}

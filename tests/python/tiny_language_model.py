"""Causal language models with random weights, small enough to compute in a millisecond, and a tokenizer that knows marks of a chat."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import tiny

# As ChatML, with a system message of its own where there is none.
CHAT = (
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou judge.<|im_end|>\n' }}{% endif %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def make_tokenizer(chat: str | None = CHAT) -> transformers.PreTrainedTokenizerFast:
    """Byte-level BPE of a few hundred tokens, yes and no in several spellings among them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    texts = (
        [f"{d['title']}\n{d['content']}" for d in tiny.make_documents()]
        + ["Yes yes No no NO", "yes no"] * 20
        + ["Is the document specifically about this tag?"] * 20
    )
    marks = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=marks, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = chat
    return fast


def make_model(kind: str = "llama", vocabulary: int = 420, seed: int = 0) -> Any:
    """A model of one of the architectures that tell positions in different ways: "llama" and "qwen2" (rotary), "mistral" (a sliding window, besides), "gpt2" (a table)."""
    shape = {"vocab_size": vocabulary, "max_position_embeddings": 1024, "initializer_range": 0.3}
    layers = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
    configs = {
        "llama": lambda: transformers.LlamaConfig(**shape, **layers),
        "qwen2": lambda: transformers.Qwen2Config(**shape, **layers, tie_word_embeddings=False),
        "mistral": lambda: transformers.MistralConfig(**shape, **layers, sliding_window=24),
        "gpt2": lambda: transformers.GPT2Config(**shape, n_embd=32, n_layer=2, n_head=4),
    }
    torch.manual_seed(seed)
    return transformers.AutoModelForCausalLM.from_config(configs[kind]()).eval()


def save(folder: Path, kind: str = "llama") -> Path:
    tokenizer = make_tokenizer()
    make_model(kind, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def write_gguf(file: Path, chat: str | None = CHAT) -> Path:
    """The "qwen2" of make_model() as llama.cpp reads it, in float32. Needs the package gguf."""
    import gguf

    tokenizer = make_tokenizer(chat)
    model = make_model("qwen2", len(tokenizer))
    config = model.config
    writer = gguf.GGUFWriter(file, "qwen2")
    writer.add_name("Tiny")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    _add_vocabulary(writer, tokenizer)
    for name, weights in model.state_dict().items():
        writer.add_tensor(_gguf_name(name), weights.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_vocabulary(writer: Any, tokenizer: transformers.PreTrainedTokenizerFast) -> None:
    description = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    marks = {token["content"] for token in description["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in marks else 1 for token in tokens])
    writer.add_token_merges([" ".join(merge) for merge in description["model"]["merges"]])
    writer.add_eos_token_id(tokenizer.convert_tokens_to_ids("<|im_end|>"))
    writer.add_add_bos_token(False)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _gguf_name(name: str) -> str:
    whole = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight", "lm_head.weight": "output.weight"}
    if name in whole:
        return whole[name]
    parts = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output"}
    parts |= {
        "mlp.gate_proj": "ffn_gate",
        "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down",
        "input_layernorm": "attn_norm",
        "post_attention_layernorm": "ffn_norm",
    }
    number, _, rest = name.removeprefix("model.layers.").partition(".")
    part, _, kind = rest.rpartition(".")
    return f"blk.{number}.{parts[part]}.{kind}"

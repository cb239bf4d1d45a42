"""Causal language models with random weights, small enough to compute in a millisecond, and a tokenizer that knows marks of a chat."""

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
    texts = [f"{d['title']}\n{d['content']}" for d in tiny.make_documents()] + ["Yes yes No no NO", "yes no"] * 20 + ["Is the document specifically about this tag?"] * 20
    marks = ["<|im_start|>", "<|im_end|>", "<|endoftext|>"]
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=marks, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.chat_template = chat
    return fast


def make_model(kind: str = "llama", vocabulary: int = 420, seed: int = 0) -> Any:
    """A model of one of the architectures that tell positions in different ways: "llama" (rotary), "mistral" (a sliding window, besides), "gpt2" (a table)."""
    shape = {"vocab_size": vocabulary, "max_position_embeddings": 1024, "initializer_range": 0.3}
    layers = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
    configs = {
        "llama": lambda: transformers.LlamaConfig(**shape, **layers),
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

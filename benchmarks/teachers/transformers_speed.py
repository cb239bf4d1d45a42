"""How many judgments a second lmtx.teachers.transformers gives, by documents taken together; with prompts computed whole beside it.

    PYTHONPATH=build/python python benchmarks/teachers/transformers_speed.py --device cuda --dtype bfloat16 [--model FOLDER] [--out FILE]

Without --model it is a model of the shape of Qwen2.5-0.5B with random weights, which takes the same time, and a tokenizer that is trained on the bills of
examples/us-bills-110.
"""

import argparse
import sys
import time
from pathlib import Path

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import bills
from common import results

import lmtx

RESULTS = Path(__file__).parent / "results" / "transformers_speed.json"
QWEN_HALF_BILLION = {
    "vocab_size": 151_936,
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "tie_word_embeddings": True,
}


class Counts:
    """Takes answers, as a run does, and counts."""

    stop_requested = False

    def __init__(self):
        self.judgments = self.prompt_tokens = self.computed_tokens = 0

    def put(self, question, verdicts, *, usage=None, raw=""):
        self.judgments += len(verdicts)
        self.prompt_tokens += usage.prompt_tokens
        self.computed_tokens += usage.prompt_tokens - usage.cached_tokens


def make_tokenizer(questions):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=30_000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator([question.text for question in questions] + ["yes no Yes No"] * 100, trainer)
    return transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer)


def make_model(options, questions):
    dtype = getattr(torch, options.dtype)
    if options.model:
        model = transformers.AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype).to(options.device)
        return model, transformers.AutoTokenizer.from_pretrained(options.model)
    with torch.device(options.device):
        return transformers.AutoModelForCausalLM.from_config(transformers.Qwen2Config(**QWEN_HALF_BILLION), dtype=dtype), make_tokenizer(questions)


def measure(teacher, questions, batch):
    """Seconds, and what was done, after one batch that is not counted."""
    counts = Counts()
    teacher.judge(questions[:batch], Counts())
    started = time.monotonic()
    teacher.judge(questions, counts)
    return time.monotonic() - started, counts


def row(name, seconds, counts):
    return {
        "name": name,
        "judgments": counts.judgments,
        "seconds": round(seconds, 2),
        "judgments_per_second": round(counts.judgments / seconds, 1),
        "prompt_tokens": counts.prompt_tokens,
        "computed_tokens": counts.computed_tokens,
    }


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a folder; without one, random weights")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--documents", type=int, default=300)
    parser.add_argument("--labels", type=int, default=10, help="labels a document")
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 4, 16, 32], help="documents taken together")
    parser.add_argument("--apart", type=int, default=50, help="documents whose labels are asked about one by one, too, 64 prompts together")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args()


def main():
    options = parse_arguments()
    questions = bills.questions(options.documents, options.labels)
    model, tokenizer = make_model(options, questions)
    rows = []
    for batch in options.batches:
        teacher = lmtx.teachers.transformers(model, tokenizer=tokenizer, documents_per_batch=batch)
        rows.append(row(f"grouped, {batch} documents together", *measure(teacher, questions, batch)))
        print(rows[-1], flush=True)
    apart = bills.one_by_one(questions[: options.apart])
    teacher = lmtx.teachers.transformers(model, tokenizer=tokenizer, documents_per_batch=64)
    rows.append(row("apart, 64 prompts together", *measure(teacher, apart, 64)))
    print(rows[-1], flush=True)
    on_card = torch.device(options.device).type == "cuda"
    head = {
        "commit": results.commit(),
        "machine": results.machine(torch.get_num_threads()) | {"card": torch.cuda.get_device_name() if on_card else None},
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__, "python": sys.version.split()[0]},
        "settings": {
            "model": options.model or "Qwen2.5-0.5B's shape, random weights",
            "dtype": options.dtype,
            "documents": options.documents,
            "labels": options.labels,
        },
    }
    results.write(options.out, {**head, "rows": rows})


if __name__ == "__main__":
    main()

"""Networks of each architecture with random weights: every hidden state and gradient by transformers, which the C++ test [given] compares with ours."""

import importlib.util
import json
import os
import subprocess
from pathlib import Path

import pytest

import lmtx

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = Path(lmtx.__file__).parents[2] / "tests" / "cpp" / "lmtx_test_nn"

SHORT = [7, 3, 12, 3, 1, 12, 5]
# Some beyond the window of ModernBERT's layers, and beyond the distance where MPNet's buckets end.
LONG = [150, 1, 301, 66, 65, 150]


def bert_like(**changes):
    sizes = dict(vocab_size=61, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=33, max_position_embeddings=310)
    return sizes | dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0) | changes


def modernbert(**changes):
    ids = dict(pad_token_id=0, bos_token_id=2, eos_token_id=3, cls_token_id=2, sep_token_id=3)
    return dict(vocab_size=61, hidden_size=24, num_hidden_layers=4, num_attention_heads=3, intermediate_size=33, max_position_embeddings=310) | ids | changes


ODD = dict(hidden_size=35, num_attention_heads=5, intermediate_size=17, num_hidden_layers=3)
ONE = dict(hidden_size=9, num_attention_heads=1, intermediate_size=1, num_hidden_layers=1)

# By transformers' class of the configuration; each with the lengths of the texts.
CONFIGURATIONS = {
    "BertConfig": [
        (bert_like(), LONG),
        (bert_like(**ODD, hidden_act="relu", layer_norm_eps=1e-3), SHORT),
        (bert_like(**ONE, hidden_act="silu", type_vocab_size=1), SHORT),
    ],
    "DistilBertConfig": [
        (dict(vocab_size=61, dim=24, n_layers=2, n_heads=3, hidden_dim=33, max_position_embeddings=310), LONG),
        (
            dict(vocab_size=61, dim=35, n_layers=3, n_heads=5, hidden_dim=17, max_position_embeddings=12, activation="gelu_new", sinusoidal_pos_embds=True),
            SHORT,
        ),
    ],
    "RobertaConfig": [
        (bert_like(), LONG),
        (bert_like(**ODD, hidden_act="gelu_new", layer_norm_eps=1e-5, type_vocab_size=1, max_position_embeddings=14), SHORT),
        (bert_like(**ONE, pad_token_id=5, type_vocab_size=3), SHORT),
        (bert_like(pad_token_id=0, hidden_act="tanh"), SHORT),
    ],
    "XLMRobertaConfig": [
        (bert_like(layer_norm_eps=1e-5, type_vocab_size=1), LONG),
        (bert_like(**ODD, pad_token_id=2), SHORT),
        (bert_like(**ONE, hidden_act="gelu_pytorch_tanh"), SHORT),
    ],
    "CamembertConfig": [(bert_like(**ODD, type_vocab_size=1), SHORT)],
    "MPNetConfig": [
        (bert_like(), LONG),
        (bert_like(**ODD, hidden_act="relu", layer_norm_eps=1e-5, max_position_embeddings=14), SHORT),
        (bert_like(**ONE, relative_attention_num_buckets=40, pad_token_id=0), LONG),
    ],
    "ModernBertConfig": [
        (modernbert(), LONG),
        (modernbert(local_attention=9, attention_bias=True, mlp_bias=True, norm_bias=True, norm_eps=1e-3), LONG),
        (modernbert(hidden_size=30, num_attention_heads=5, local_attention=1, hidden_activation="gelu_new", num_hidden_layers=3), SHORT),
        (modernbert(hidden_size=8, num_attention_heads=1, intermediate_size=1, num_hidden_layers=1, global_rope_theta=500.0), LONG),
        (modernbert(local_attention=140, layer_types=["sliding_attention", "full_attention"] * 2, local_rope_theta=100.0, attention_bias=True), LONG),
        (modernbert(num_hidden_layers=2, layer_types=["sliding_attention"] * 2, mlp_bias=True, norm_bias=True), LONG),
    ],
}


@pytest.fixture(scope="module")
def fixtures():
    """tests/reference/make_model_fixtures.py."""
    spec = importlib.util.spec_from_file_location("make_model_fixtures", ROOT / "tests" / "reference" / "make_model_fixtures.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def write_given(fixtures, folder, name, config, lengths):
    """A model's folder, and beside it token ids, all hidden states and the gradients of a sum of its vectors, in float64."""
    import torch
    from safetensors.torch import save_file

    model, _, generator = fixtures.write_model(name, config, {"modes": ["cls_token", "mean_tokens"]}, parent=folder)
    # None is padding to any of them: there transformers leaves the gradient out.
    sequences = [torch.randint(6, config.vocab_size, (length,), generator=generator).tolist() for length in lengths]
    (folder / f"{name}.json").write_text(json.dumps(sequences))
    model.double()
    states = [model(torch.tensor([ids])).last_hidden_state[0] for ids in sequences]
    vectors = torch.stack([torch.cat([state[0], state.mean(0)]) for state in states])
    weights = torch.randn(vectors.shape, generator=generator)
    (vectors * weights).sum().backward()
    gradients = {f"gradient:{key}": parameter.grad.float() for key, parameter in model.named_parameters() if parameter.grad is not None}
    save_file({"hidden": torch.cat(states).detach().float(), "weights": weights, **gradients}, folder / f"{name}.expected.safetensors")


@pytest.mark.skipif(not PROGRAM.exists(), reason=f"{PROGRAM} is not there; ninja -C build lmtx_test_nn builds it")
@pytest.mark.parametrize("kind", CONFIGURATIONS)
def test_hidden_states_and_gradients_are_those_of_transformers(fixtures, kind, tmp_path):
    import transformers

    for i, (config, lengths) in enumerate(CONFIGURATIONS[kind]):
        write_given(fixtures, tmp_path, f"{kind}-{i}", getattr(transformers, kind)(**config), lengths)
    run = subprocess.run([PROGRAM, "[.given]"], env=os.environ | {"LMTX_GIVEN_MODELS": str(tmp_path)}, capture_output=True, text=True)
    assert run.returncode == 0 and "All tests passed" in run.stdout, run.stdout[-3000:] + run.stderr

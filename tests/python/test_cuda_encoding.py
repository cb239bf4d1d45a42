"""Text to vectors on a card: in every dtype, beside other threads, with too little memory, into files. Skipped, and said to be, where there is none."""

import random
import threading
from pathlib import Path

import numpy as np
import pytest

import lmtx

pytestmark = [
    pytest.mark.skipif(not lmtx._build_info.CUDA, reason="this LMTX was built without CUDA (LMTX_CUDA=ON)"),
    pytest.mark.skipif(not Path("/dev/nvidiactl").exists(), reason="this machine has no NVIDIA card"),
]

MODELS = Path(__file__).parents[1] / "data" / "models"
NAMES = sorted(file.parent.name for file in MODELS.glob("*/modules.json"))
WORDS = "a tax bill study of army housing and water prison trade health school office farming".split()
# Of a number in a vector of unit length.
TOLERANCES = {"float32": 1e-5, "bfloat16": 4e-2, "float16": 1e-2}


def make_texts(count, longest=60, seed=1):
    """Distinct ones, of any length."""
    draw = random.Random(seed)
    return [" ".join([*draw.choices(WORDS, k=draw.randrange(longest)), str(i)]) for i in range(count)]


@pytest.fixture(scope="module")
def on_card(model):
    return lmtx.Encoder.load(model, device="cuda")


@pytest.fixture(scope="module")
def expected(model):
    """Texts, with their vectors of the CPU."""
    texts = make_texts(9_000)
    return texts, lmtx.Encoder.load(model).encode(texts, normalize=True)


def encode(encoder, texts, **options):
    return encoder.encode(texts, normalize=True, **options)


def check_near(vectors, expected, dtype):
    difference = np.abs(vectors - expected)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    assert difference[worst] <= TOLERANCES[dtype], f"{dtype}: at {worst} expected {expected[worst]}, got {vectors[worst]}; mean difference {difference.mean():.2g}"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("name", NAMES)
def test_a_card_gives_the_vectors_of_the_cpu_in_every_dtype(name, dtype):
    texts = ["", "tax bill", *make_texts(300), "prison " * 60]
    on_cpu, on_card = lmtx.Encoder.load(MODELS / name), lmtx.Encoder.load(MODELS / name, device="cuda")
    check_near(encode(on_card, texts, dtype=dtype), on_cpu.encode(texts, normalize=True), dtype)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("token_budget", [0, 300, 5_000])
def test_many_texts_in_blocks_and_batches_come_into_their_rows(on_card, expected, dtype, token_budget):
    check_near(encode(on_card, expected[0], dtype=dtype, token_budget=token_budget), expected[1], dtype)


def test_equal_texts_get_the_same_vector(on_card, expected):
    order = [random.Random(2).randrange(500) for _ in range(6_000)]
    vectors = encode(on_card, [expected[0][i] for i in order], dtype="float16")
    check_near(vectors, expected[1][order], "float16")
    first = {i: vectors[order.index(i)] for i in set(order)}
    np.testing.assert_array_equal(vectors, np.stack([first[i] for i in order]))


def test_no_texts_and_one_text(on_card, expected):
    assert on_card.encode([], dtype="float16").shape == (0, on_card.dim)
    check_near(encode(on_card, expected[0][5], dtype="float16"), expected[1][5], "float16")


def test_progress_ends_with_all_distinct_texts(on_card, expected):
    events = []
    encode(on_card, [*expected[0], *expected[0][:100]], dtype="float16", token_budget=2_000, on_event=events.append)
    done = [event.done for event in events]
    assert done == sorted(done) and done[0] == 0 and done[-1] == len(expected[0])
    assert {(event.kind, event.stage, event.total) for event in events} == {("progress", "embed", len(expected[0]))}


def test_several_threads_share_a_card(on_card, expected):
    found, errors = {}, []

    def work(i, dtype):
        try:
            found[i] = (dtype, encode(on_card, expected[0][i * 1_000 : (i + 1) * 1_000], dtype=dtype, token_budget=3_000))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(i, ("float16", "float32", "bfloat16")[i % 3])) for i in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and len(found) == 9
    for i, (dtype, vectors) in found.items():
        check_near(vectors, expected[1][i * 1_000 : (i + 1) * 1_000], dtype)


def test_what_a_callback_raises_ends_encoding_and_the_next_call_works(on_card, expected):
    def stop(event):
        if event.done > 100:
            raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        encode(on_card, expected[0], dtype="float16", token_budget=500, on_event=stop)
    check_near(encode(on_card, expected[0][:10], dtype="float16"), expected[1][:10], "float16")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_deterministic_vectors_are_the_same_bits_in_any_batch(on_card, expected, dtype):
    texts = expected[0][:60]
    vectors = encode(on_card, texts, dtype=dtype, deterministic=True)
    check_near(vectors, expected[1][:60], dtype)
    np.testing.assert_array_equal(encode(on_card, texts[::-1], dtype=dtype, deterministic=True, token_budget=7), vectors[::-1])
    np.testing.assert_array_equal(encode(on_card, texts[2], dtype=dtype, deterministic=True), vectors[2])


def test_dtypes_that_a_device_has_no_code_for_are_refused_naming_what_there_is(on_card, model):
    with pytest.raises(ValueError, match='`dtype` is "int8", which is computed on the CPU only, but the encoder is on cuda:0; use "float16", "bfloat16" or "float32"'):
        on_card.encode("tax", dtype="int8")
    with pytest.raises(ValueError, match='`dtype` is "float16", which is computed on cards only; use "bfloat16", "int8" or "float32"'):
        lmtx.Encoder.load(model).encode("tax", dtype="float16")


# -- memory


@pytest.fixture
def limit_memory(on_card):
    """Lets this process have so many bytes of the card more than it holds now; with none, not even what it holds and does not use."""
    torch = pytest.importorskip("torch")
    on_card.encode("tax", dtype="float16")
    held = []

    def fill(size):
        try:
            while True:
                held.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
        except torch.cuda.OutOfMemoryError:
            pass

    def limit(more):
        torch.cuda.empty_cache()
        torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + more) / torch.cuda.get_device_properties(0).total_memory)
        for size in () if more else (1 << 20, 1 << 16, 1 << 12, 1 << 9):
            fill(size)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0)
    held.clear()
    torch.cuda.empty_cache()


def test_a_batch_that_the_memory_does_not_hold_is_computed_in_parts_and_a_notice_says_so(on_card, expected, limit_memory):
    events = []
    limit_memory(24 << 20)
    vectors = encode(on_card, expected[0], dtype="float16", token_budget=1 << 20, on_event=events.append)
    check_near(vectors, expected[1], "float16")
    notices = [event.message for event in events if event.kind == "notice"]
    assert notices and all(notice.startswith("cuda:0 (") and "has too little memory for" in notice and "`token_budget`" in notice for notice in notices)
    assert events[-1].done == len(expected[0])


def test_memory_too_small_for_one_text_is_an_error_that_names_the_card_and_what_to_do(on_card, expected, limit_memory):
    limit_memory(0)
    with pytest.raises(RuntimeError, match=r"cuda:0 \(.*GiB, of which .* GiB are free\) has too little memory for one text of \d+ tokens\. Free some of it"):
        encode(on_card, expected[0][:50], dtype="float16")


# -- files


@pytest.mark.parametrize("token_budget", [0, 64])
def test_a_file_of_vectors_has_those_of_encode(on_card, expected, tmp_path, token_budget):
    vectors = on_card.encode_to_file(expected[0], tmp_path / "vectors.npy", normalize=True, dtype="float16", token_budget=token_budget)
    check_near(np.asarray(vectors), expected[1], "float16")


def test_a_file_that_was_interrupted_goes_on(on_card, expected, tmp_path):
    options = {"dtype": "float16", "token_budget": 64, "window_tokens": 4096, "checkpoint_seconds": 0}

    def stop(event):
        if event.kind == "progress" and event.done > 3_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        on_card.encode_to_file(expected[0], tmp_path / "vectors.npy", normalize=True, on_event=stop, **options)
    notices = []
    vectors = on_card.encode_to_file(expected[0], tmp_path / "vectors.npy", normalize=True, on_event=lambda event: event.kind == "notice" and notices.append(event.message), **options)
    check_near(np.asarray(vectors), expected[1], "float16")
    assert len(notices) == 1 and "going on from there" in notices[0]

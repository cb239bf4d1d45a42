"""Small tokenizers with the settings of well-known models, trained on the given texts."""

import io
import json
import random

import sentencepiece
import tokenizers
from sentencepiece import sentencepiece_model_pb2
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

ROBERTA_SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def byte_level_bpe(texts, vocab_size, special, normalizer=None):
    tokenizer = Tokenizer(models.BPE())
    if normalizer:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    trainer = trainers.BpeTrainer(vocab_size=vocab_size, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def roberta(texts, vocab_size):
    """As of FacebookAI/roberta-base."""
    tokenizer = byte_level_bpe(texts, vocab_size, ROBERTA_SPECIAL)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=False)
    return tokenizer


def modernbert(texts, vocab_size):
    """As of answerdotai/ModernBERT-base: spaces in a row are added tokens that are looked for in normalized text."""
    special = ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"]
    tokenizer = byte_level_bpe(texts, vocab_size, special, normalizers.NFC())
    tokenizer.add_tokens([AddedToken(" " * n, normalized=True) for n in range(24, 1, -1)])
    tokenizer.add_tokens(
        [AddedToken("|||IP_ADDRESS|||", normalized=True), AddedToken("<|padding|>", normalized=False), AddedToken("[unused0]", normalized=True)]
    )
    tokenizer.add_special_tokens([AddedToken("[MASK]", lstrip=True, normalized=False)])
    cls, sep = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=[("[CLS]", cls), ("[SEP]", sep)]
    )
    return tokenizer


def write(tokenizer, folder):
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def train_sentencepiece(texts, vocab_size, **settings):
    """The bytes of a .model."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(texts), model_writer=model, vocab_size=vocab_size, minloglevel=2, num_threads=1, **settings)
    return model.getvalue()


def read_sentencepiece(model):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(model)
    return proto


def lines_of(texts):
    """What sentencepiece trains on: lines without zero bytes, none too long."""
    return [line[:2000] for text in texts for line in text.replace("\0", "").splitlines() if line.strip()]


def random_pieces(texts, seed=0):
    """Many characters and short strings of these texts with scores of which some are equal, so that there are many ways to put words together."""
    rng = random.Random(seed)
    starts = [(text, rng.randrange(len(text))) for text in texts if text for _ in range(5)]
    pieces = {text[at : at + rng.choice((1, 1, 1, 2, 3, 4))].replace(" ", "▁") for text, at in starts}
    return [(piece, rng.choice((-8.0, -9.5, -11.25, rng.uniform(-14, -5)))) for piece in sorted(pieces)]


def xlm_roberta(texts, vocab_size, model=None, more_pieces=()):
    """As of FacebookAI/xlm-roberta-base: <s>, <pad>, </s>, <unk>, the pieces from the fourth on, <mask>."""
    proto = read_sentencepiece(model or train_sentencepiece(lines_of(texts), vocab_size, model_type="unigram", hard_vocab_limit=False))
    pieces = [
        ("<s>", 0.0),
        ("<pad>", 0.0),
        ("</s>", 0.0),
        ("<unk>", 0.0),
        *((piece.piece, piece.score) for piece in proto.pieces[3:]),
        *more_pieces,
        ("<mask>", 0.0),
    ]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Precompiled(proto.normalizer_spec.precompiled_charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")])
    tokenizer.add_special_tokens([AddedToken(token, normalized=False) for token in ("<s>", "<pad>", "</s>", "<unk>")])
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True, normalized=False)])
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def bge_m3(*arguments, **more):
    """As of BAAI/bge-m3: spaces in a row are one, and other white space stays."""
    tokenizer = xlm_roberta(*arguments, **more)
    tokenizer.normalizer = normalizers.Sequence([tokenizer.normalizer, normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    return tokenizer


def newly_converted(*arguments, **more):
    """As transformers converts SentencePiece models since 4.40."""
    tokenizer = xlm_roberta(*arguments, **more)
    tokenizer.normalizer = normalizers.Sequence(
        [tokenizer.normalizer, normalizers.Strip(left=False, right=True), normalizers.Replace(tokenizers.Regex(" {2,}"), "▁")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always", split=False)
    return tokenizer


def sentencepiece_bpe(texts, vocab_size, across_words=False):
    """As converters make of SentencePiece's BPE: spaces become marks in the normalizer, unknown characters their bytes."""
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))], show_progress=False
    )
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    if not across_words:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    return Tokenizer.from_str(json.dumps(json.loads(tokenizer.to_str()) | {"pre_tokenizer": None}))

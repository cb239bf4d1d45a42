"""Type stubs of the compiled module. Made by scripts/make_stubs.py; do not edit."""

import collections.abc
import os
import pathlib
import typing

import numpy
import numpy.typing

def version() -> str:
    """The version of LMTX, such as '0.1.0'."""

def built_with_torch() -> str:
    """The version of torch that LMTX was built with, such as '2.13.0+cpu'."""

class Stopped(RuntimeError):
    """Long work ended because it was asked to; the same call goes on from there."""

class TeacherError(RuntimeError):
    """The teacher cannot go on (wrong key, server gone). What it answered is kept. Teachers in Python may raise it."""

class PairsOpen(TeacherError):
    """The run needs answers that did not come. All is saved, and the same call goes on. `pairs` says how many are open."""
    pairs: int

class Event:
    """What long work has to say: progress, a notice, or the end of a cycle."""
    @property
    def kind(self) -> str:
        """'progress', 'notice' or 'cycle'."""
    @property
    def stage(self) -> str:
        """What is being done, in a word or two."""
    @property
    def cycle(self) -> int:
        """The cycle it belongs to, from 0; -1 outside of any."""
    @property
    def done(self) -> int:
        """Units finished."""
    @property
    def total(self) -> int:
        """Units in all; 0 where that is not known."""
    @property
    def message(self) -> str:
        """A sentence, of a notice or a cycle."""

def write_file_atomically(file: str | os.PathLike[str], text: str) -> None:
    """Writes beside the file, flushes to disk, renames. RuntimeError names the path and the cause (disk full, read-only)."""

class Document:
    """A document to be tagged. Immutable."""
    @typing.overload
    def __init__(self, uid: str = '', *, title: str = '', content: str = '') -> None: ...
    @typing.overload
    def __init__(self, fields: dict) -> None: ...
    @property
    def uid(self) -> str:
        """Unique within its corpus."""
    @property
    def title(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def text(self) -> str:
        """Title, tab, content; a missing part brings no tab."""

class DocumentReader:
    """Reads a corpus once, document by document."""
    def __iter__(self) -> DocumentReader: ...
    def __next__(self) -> Document: ...

class Corpus:
    """Documents that can be read any number of times in the same order. Immutable."""
    @staticmethod
    def from_documents(documents: collections.abc.Sequence[Document]) -> Corpus:
        """Keeps documents in memory; their uids must differ."""
    @staticmethod
    def open(file: str | os.PathLike[str]) -> Corpus:
        """Documents of a file of JSON lines (.gz or plain), {"uid", "title"?, "content"?}. Checked here, read as needed: texts stay on disk."""
    def __len__(self) -> int: ...
    def __iter__(self) -> DocumentReader: ...
    def fingerprint(self) -> str:
        """32 hexadecimal digits that depend on every uid, title and content, in order."""

def read_targets(file: str | os.PathLike[str], num_labels: int) -> list[list[int]]:
    """For each document of a JSON-lines file, in order, its true labels (`target_ind`): sorted label numbers below `num_labels`."""

class Label:
    """What documents are tagged with. Immutable."""
    def __init__(self, uid: str, name: str, *, description: str = '', other_names: collections.abc.Sequence[str] = ..., broader: collections.abc.Sequence[str] = ...) -> None: ...
    @property
    def uid(self) -> str:
        """Unique within its LabelSet."""
    @property
    def name(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def other_names(self) -> list[str]: ...
    @property
    def broader(self) -> list[str]:
        """Uids of broader labels."""

class LabelSet:
    """The labels of a task; a label's number is its place. Immutable."""
    def __init__(self, labels: collections.abc.Sequence[Label]) -> None: ...
    @staticmethod
    def open(file: str | os.PathLike[str]) -> LabelSet:
        """Labels of a file of JSON lines (.gz or plain): {"uid", "title", "description"?, "alternatives"?, "broader"?}."""
    def save(self, file: str | os.PathLike[str]) -> None:
        """Writes such a file, whole or not at all."""
    def find(self, uid: str) -> int | None:
        """The number of the label with this uid; None where there is none."""
    @property
    def names(self) -> list[str]:
        """The names of all labels, in order."""
    def __len__(self) -> int: ...
    def __getitem__(self, number: int) -> Label: ...
    def __iter__(self) -> collections.abc.Iterator[Label]: ...
    def fingerprint(self) -> str:
        """32 hexadecimal digits that depend on every field of every label, in order."""

class Tokenizer:
    """Texts to token ids, equal to Hugging Face's `tokenizers`. Immutable."""
    @staticmethod
    def load(folder: str | os.PathLike[str], *, lower_case: bool = False) -> Tokenizer:
        """The tokenizer of a model folder: tokenizer.json, else its older files. Truncation and padding stored there are ignored. With `lower_case`
        texts are put in lower case first, whatever these files say."""
    def encode(self, texts: collections.abc.Iterable[str], *, max_length: int) -> list[numpy.typing.NDArray[numpy.int32]]:
        """The ids of each text with special tokens, an int32 array a text; none longer than `max_length` (at least 2)."""
    @property
    def prefix(self) -> numpy.typing.NDArray[numpy.int32]:
        """Special tokens put before a text."""
    @property
    def suffix(self) -> numpy.typing.NDArray[numpy.int32]:
        """Special tokens put after a text."""
    @property
    def vocabulary_size(self) -> int: ...
    @property
    def model_max_length(self) -> int:
        """As tokenizer_config.json says; 0 where it says nothing."""

class Encoder:
    """Texts to vectors. Immutable; may be used from several threads."""
    @staticmethod
    def load(folder: str | os.PathLike[str], *, device: str = 'cpu') -> Encoder:
        """Opens a sentence-transformers folder. `device`: "cpu", "cuda" or "cuda:N"."""
    @typing.overload
    def encode(self, text: str, *, max_length: int = 0, prompt: str | None = None, prompt_name: str | None = None, normalize: bool | None = None, token_budget: int = 4096, out: str = 'numpy', on_event: collections.abc.Callable[[Event], None] | None = None) -> typing.Any:
        """The vector of one text, float32 [dim]."""
    @typing.overload
    def encode(self, texts: collections.abc.Iterable[str], *, max_length: int = 0, prompt: str | None = None, prompt_name: str | None = None, normalize: bool | None = None, token_budget: int = 4096, out: str = 'numpy', on_event: collections.abc.Callable[[Event], None] | None = None) -> typing.Any:
        """Vectors of texts, float32 [num_texts, dim].

        Args:
            texts: A list, tuple, NumPy array, pandas Series or generator of str; TypeError names the position of a missing one.
            max_length: Tokens a text, special tokens included; 0: the folder's max_seq_length.
            prompt: Put before each text; None: the folder's default prompt.
            prompt_name: The same, by its name in `prompts`.
            normalize: Scale to unit length; None: as the folder's modules say.
            token_budget: Tokens computed at once.
            out: "numpy", or "torch" for a tensor.
            on_event: Called with an Event after each batch."""
    def save(self, folder: str | os.PathLike[str], *, max_length: int = 0, normalize: bool = False) -> None:
        """Writes a folder that opens in sentence-transformers and gives the same vectors, whole or not at all; `max_length` (0: as loaded) becomes its
        max_seq_length, and with `normalize` its vectors have unit length."""
    def with_prompts(self, prompts: collections.abc.Mapping[str, str], *, default_name: str | None = None) -> Encoder:
        """The same encoder with these prompts in place of or besides its own; the one named `default_name` is put before texts by default."""
    @property
    def dim(self) -> int:
        """Numbers a vector."""
    @property
    def max_length(self) -> int:
        """Tokens a text, special tokens included."""
    @property
    def max_positions(self) -> int:
        """The most tokens that the model has positions for."""
    @property
    def tokenizer(self) -> Tokenizer: ...
    @property
    def prompts(self) -> dict[str, str]:
        """What the folder has to put before texts, by name."""
    @property
    def default_prompt_name(self) -> str | None:
        """The name of the prompt that is put before texts by default; None: none is."""
    def fingerprint(self) -> str:
        """32 hexadecimal digits over weights, configuration and tokenizer."""

class LabelMatches:
    """What a search found."""
    @property
    def labels(self) -> numpy.typing.NDArray[numpy.int64]:
        """int64 [num_queries, k]: label numbers, best first; -1 where fewer than k match."""
    @property
    def scores(self) -> numpy.typing.NDArray[numpy.float32]:
        """float32 [num_queries, k]: score plus bias; -inf where labels is -1."""

class LabelIndex:
    """The labels of a task, searchable by embedding. Rows belong to label numbers; of several rows of a label the best counts. Immutable: the with_* methods give new values; may be used from several threads."""
    @staticmethod
    def build(rows: numpy.typing.NDArray[numpy.float32], owners: collections.abc.Sequence[int] | None = None, *, normalize: bool = True, method: str = 'exact') -> LabelIndex:
        """Row i of `rows`, float32 [num_rows, dim], belongs to label owners[i]; without `owners` to label i. Rows are copied.

        Args:
            normalize: Scale rows to unit length, so that scores are cosines (queries are never scaled).
            method: "exact", or "hnsw" (approximate; builds with FAISS)."""
    def search(self, queries: numpy.typing.NDArray[numpy.float32], k: int, *, allow: collections.abc.Sequence[int] = ..., deny: collections.abc.Sequence[int] = ..., on_event: collections.abc.Callable[[Event], None] | None = None) -> LabelMatches:
        """The k best labels for each row of `queries`, float32 [num_queries, dim]; equal scores by label number.

        Args:
            allow: Label numbers that may be found; empty: all.
            deny: Label numbers that may not.
            on_event: Called with an Event after each block."""
    def with_added(self, rows: numpy.typing.NDArray[numpy.float32], owners: collections.abc.Sequence[int]) -> LabelIndex:
        """With more rows; added rows of a removed label bring it back with those rows only."""
    def with_removed(self, labels: collections.abc.Sequence[int]) -> LabelIndex:
        """Without these labels."""
    def with_bias(self, labels: collections.abc.Sequence[int], biases: collections.abc.Sequence[float]) -> LabelIndex:
        """With biases[i] added to every score of labels[i]."""
    def compact(self) -> LabelIndex:
        """In one segment, without the rows of removed labels."""
    def save(self, folder: str | os.PathLike[str]) -> None:
        """Writes a folder, whole or not at all; segments that are there already stay."""
    @staticmethod
    def load(folder: str | os.PathLike[str]) -> LabelIndex: ...
    @property
    def dim(self) -> int: ...
    @property
    def num_labels(self) -> int:
        """Labels that can be found."""
    @property
    def num_rows(self) -> int:
        """Rows kept, those of removed labels included."""
    @property
    def num_segments(self) -> int: ...
    @property
    def normalize(self) -> bool: ...
    @property
    def method(self) -> str: ...
    def __len__(self) -> int: ...

def precision(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Mean precision@k for k = 1..max_k, as fractions. `targets[i]` lists the true label numbers of document i, `ranked[i]` its labels, best first (-1: none)."""

def recall(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Mean recall@k for k = 1..max_k; arguments as in `precision`."""

def ndcg(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Mean nDCG@k for k = 1..max_k; arguments as in `precision`."""

def precision_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, k: int) -> numpy.typing.NDArray[numpy.float64]:
    """precision@k of each document; arguments as in `precision`."""

def recall_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, k: int) -> numpy.typing.NDArray[numpy.float64]:
    """recall@k of each document; arguments as in `precision`."""

def ndcg_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], *, k: int) -> numpy.typing.NDArray[numpy.float64]:
    """nDCG@k of each document; arguments as in `precision`."""

def psprecision(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Propensity-scored precision@k for k = 1..max_k: a hit counts `weights[label]` (see `inverse_propensities`), and the sum is divided by the best
    attainable."""

def psrecall(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Propensity-scored recall@k for k = 1..max_k; arguments as in `psprecision`."""

def psndcg(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, max_k: int) -> numpy.typing.NDArray[numpy.float64]:
    """Propensity-scored nDCG@k for k = 1..max_k; arguments as in `psprecision`."""

def psprecision_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, k: int) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """What each document's ranking gets and the best it could get; psprecision@k is the ratio of their sums. Arguments as in `psprecision`."""

def psrecall_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, k: int) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """The same for recall@k."""

def psndcg_per_document(targets: collections.abc.Sequence[collections.abc.Sequence[int]], ranked: collections.abc.Sequence[collections.abc.Sequence[int]] | numpy.typing.NDArray[numpy.int64], weights: numpy.typing.ArrayLike, *, k: int) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64]]:
    """The same for nDCG@k."""

def label_frequencies(targets: collections.abc.Sequence[collections.abc.Sequence[int]], *, num_labels: int) -> numpy.typing.NDArray[numpy.float64]:
    """For each label the documents in which it is true, float64 [num_labels]."""

def inverse_propensities(frequencies: numpy.typing.ArrayLike, num_documents: int, *, a: float = 0.55, b: float = 1.5) -> numpy.typing.NDArray[numpy.float64]:
    """Weights of labels by the documents, of `num_documents`, in which each is true (Jain et al. 2016), float64 [num_labels].

    Their `a` and `b` are 0.5 and 0.4 for Wikipedia, 0.6 and 2.6 for Amazon, and the defaults for everything else."""

class Interval:
    """A mean or a ratio with a confidence interval around it."""
    @property
    def value(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...

class Comparison:
    """Two that were measured on the same documents."""
    @property
    def difference(self) -> Interval:
        """The first's value minus the second's, with its interval."""
    @property
    def better(self) -> float:
        """The share of resamples in which the first is ahead; those where neither is count half."""

def bootstrap_mean(values: numpy.typing.ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean of `values` with a percentile bootstrap interval (Efron 1979)."""

def bootstrap_ratio(numerators: numpy.typing.ArrayLike, denominators: numpy.typing.ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Interval:
    """The sum of `numerators` over that of `denominators`, with an interval whose draws take both from the same documents."""

def compare_means(first: numpy.typing.ArrayLike, second: numpy.typing.ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Comparison:
    """The means of two that were measured on the same documents, compared by a paired bootstrap."""

def compare_ratios(first: numpy.typing.ArrayLike, second: numpy.typing.ArrayLike, denominators: numpy.typing.ArrayLike, *, level: float = 0.95, resamples: int = 2000, seed: int = 0) -> Comparison:
    """The same for ratios over the same denominators."""

class Tag:
    """A label that a tagger gives to a text."""
    @property
    def number(self) -> int:
        """The label's number in the tagger's labels."""
    @property
    def uid(self) -> str: ...
    @property
    def label(self) -> str:
        """The label's name."""
    @property
    def score(self) -> float:
        """Cosine of text and label, plus the label's bias."""
    @property
    def probability(self) -> float | None:
        """Of the tag being right; None until the tagger is calibrated."""

class TaggerSettings:
    """How a tagger cuts and prompts texts and labels. Immutable."""
    def __init__(self, *, search_length: int = 256, label_length: int = 64, document_prompt: str | None = None, label_prompt: str | None = None) -> None: ...
    @property
    def search_length(self) -> int:
        """Tokens of a document, special tokens included."""
    @property
    def label_length(self) -> int:
        """Tokens of a label, special tokens included."""
    @property
    def document_prompt(self) -> str | None:
        """Put before each document; None: the encoder's default prompt, which a tagger has filled in."""
    @property
    def label_prompt(self) -> str | None:
        """Put before each label name; None as above."""

class Tagger:
    """Texts to tags: encoder, labels and their vectors, saved as one folder."""
    report: TrainingReport | None
    def __init__(self, encoder: Encoder, labels: LabelSet, index: LabelIndex, *, settings: TaggerSettings = ..., k: int = 5) -> None:
        """Puts a tagger together; label i owns row i of the index."""
    @staticmethod
    def from_labels(encoder: Encoder, labels: LabelSet, *, settings: TaggerSettings = ..., k: int = 5, on_event: collections.abc.Callable[[Event], None] | None = None) -> Tagger:
        """Embeds the labels' names with `encoder` and puts a tagger together."""
    @staticmethod
    def load(folder: str | os.PathLike[str], *, device: str = 'cpu') -> Tagger:
        """Opens the folder of a saved tagger."""
    def save(self, folder: str | os.PathLike[str], *, provenance: str = '{}') -> None:
        """Writes a sentence-transformers folder with the folder `lmtx/` in it, whole or not at all. `provenance` is JSON text that is kept with it."""
    @typing.overload
    def tag(self, text: str, *, k: int = 0, on_event: collections.abc.Callable[[Event], None] | None = None) -> list[Tag]:
        """The k best tags of a text (0: as many as the tagger was made for), best first."""
    @typing.overload
    def tag(self, document: Document, *, k: int = 0, on_event: collections.abc.Callable[[Event], None] | None = None) -> list[Tag]:
        """The k best tags of a Document or a dict with `title` and `content`."""
    @typing.overload
    def tag(self, texts: collections.abc.Iterable[str | Document | dict[str, str]], *, k: int = 0, on_event: collections.abc.Callable[[Event], None] | None = None) -> list[list[Tag]]:
        """The tags of each item of a list, tuple, NumPy array, pandas Series or generator of str, Documents or dicts; TypeError names the position of a
        missing one."""
    @typing.overload
    def tag(self, documents: collections.abc.Iterable[str | Document | dict[str, str]], *, k: int = 0, on_event: collections.abc.Callable[[Event], None] | None = None) -> list[list[Tag]]:
        """The same."""
    @property
    def labels(self) -> LabelSet: ...
    @property
    def encoder(self) -> Encoder: ...
    @property
    def index(self) -> LabelIndex: ...
    @property
    def settings(self) -> TaggerSettings: ...
    @property
    def k(self) -> int:
        """Tags a text, unless tag() says otherwise."""

class Verdict:
    """A teacher's answer for one label of one document. Immutable."""
    @staticmethod
    def score(score: float) -> Verdict:
        """The probability of "relevant", in [0, 1]."""
    @staticmethod
    def yes() -> Verdict:
        """A score of 1."""
    @staticmethod
    def no() -> Verdict:
        """A score of 0."""
    @staticmethod
    def abstain() -> Verdict:
        """The teacher will not say; stored, so that it is not asked again."""
    @staticmethod
    def fail(reason: str) -> Verdict:
        """The outside world failed; not stored, asked again."""
    @staticmethod
    def miss() -> Verdict:
        """This teacher never will have an answer; counts as abstained for the run, not stored."""
    @property
    def kind(self) -> str:
        """'scored', 'abstained', 'failed' or 'missing'."""
    @property
    def value(self) -> float | None:
        """The score; None where there is none."""
    @property
    def reason(self) -> str:
        """Why it failed."""
    def __eq__(self, other: object) -> bool: ...
    def __hash__(self) -> int: ...

class Usage:
    """What one answer cost; 0 where unknown."""
    def __init__(self, *, prompt_tokens: int = 0, cached_tokens: int = 0, completion_tokens: int = 0, cost: float = 0.0, seconds: float = 0.0) -> None: ...
    @property
    def prompt_tokens(self) -> int: ...
    @property
    def cached_tokens(self) -> int: ...
    @property
    def completion_tokens(self) -> int: ...
    @property
    def cost(self) -> float:
        """In the currency of the teacher's price list."""
    @property
    def seconds(self) -> float: ...

class Question:
    """One document and the labels to be judged for it, in order. Immutable."""
    def __init__(self, document: Document, labels: collections.abc.Sequence[Label]) -> None: ...
    @property
    def document(self) -> Document: ...
    @property
    def labels(self) -> list[Label]:
        """Labels with uid, name and description."""
    @property
    def uid(self) -> str:
        """Of the document."""
    @property
    def text(self) -> str:
        """The document's title, tab, content."""
    def part(self, positions: collections.abc.Sequence[int]) -> Question:
        """The same document with some of the labels, to be answered apart from the others."""
    def __len__(self) -> int: ...

class TeacherTraits:
    """How a teacher likes to be asked. Immutable."""
    def __init__(self, *, questions_per_call: int = 1, concurrent_calls: int = 1) -> None: ...
    @property
    def questions_per_call(self) -> int:
        """Questions that one call of judge() likes to get; 0: all there are."""
    @property
    def concurrent_calls(self) -> int:
        """Calls of judge() that may run at once; 1: only on the thread that called run()."""

class AnswerSink:
    """Takes the answers of a teacher, from any thread."""
    def put(self, question: Question, verdicts: collections.abc.Sequence[Verdict | float | bool | None], *, usage: Usage = ...) -> None:
        """Answers a question, or a part() of one: for each label a Verdict, a score, a boolean or None (abstains). Stored when it returns."""
    @property
    def stop_requested(self) -> bool:
        """True when the run wants to end: return soon, what is open is asked next time."""

class TeacherOracle:
    """Judges whether labels fit documents. Subclass it: identity() names everything that can change a verdict, judge(questions, answers) answers each question with answers.put(question, verdicts); traits() is optional.

    class Keywords(lmtx.TeacherOracle):
        def identity(self):
            return "keywords/1"

        def judge(self, questions, answers):
            for question in questions:
                answers.put(question, [label.name in question.text for label in question.labels])"""
    def judge(self, questions: list[Question], answers: AnswerSink) -> None:
        """Answers questions with answers.put(question, verdicts); to be overridden."""
    def __init__(self) -> None: ...
    def identity(self) -> str:
        """Names everything that can change a verdict (model, prompt, cut, decoding): judgments are reused under this name."""
    def traits(self) -> TeacherTraits: ...

class CallbackOracle(TeacherOracle):
    """A teacher made of a function: function(document: str, labels: list[str]) returns one score, boolean or None (abstains) a label."""
    def __init__(self, function: collections.abc.Callable[[str, list[str]], collections.abc.Sequence[Verdict | float | bool | None]], *, identity: str, traits: TeacherTraits = ...) -> None: ...

class RecordedOracle(TeacherOracle):
    """Verdicts that were recorded before, given again under the recording's own identity."""
    @staticmethod
    def open(file: str | os.PathLike[str]) -> RecordedOracle:
        """Reads JSON lines (.gz or plain): a header, then documents with labels and scores."""
    def documents(self) -> list[str]:
        """Every document uid that was recorded, in the order of the file."""
    def __len__(self) -> int: ...

class ScriptedOracle(TeacherOracle):
    """A teacher for tests: rule(document uid, label uid) returns a Verdict, score, boolean or None; it remembers what it was asked."""
    def __init__(self, rule: collections.abc.Callable[[str, str], Verdict | float | bool | None], *, identity: str = 'scripted/1', throw_after: int = -1, skip_every: int = 0, traits: TeacherTraits = ...) -> None:
        """Args:
            throw_after: Questions after which judge() raises TeacherError; -1: never.
            skip_every: Leave every n-th question unanswered the first time it is asked; 0: none."""
    def asked(self) -> dict[tuple[str, str], int]:
        """How often each (document uid, label uid) was asked."""

class Judgment:
    """A verdict kept in a store."""
    @property
    def verdict(self) -> Verdict: ...
    @property
    def run(self) -> str:
        """The run that asked for it."""

class JudgmentStore:
    """Verdicts that were paid for, kept for good in one SQLite file. May be used from several threads."""
    @staticmethod
    def open(file: str | os.PathLike[str]) -> JudgmentStore:
        """Opens or makes the file."""
    def find(self, identity: str, question: Question) -> list[Judgment | None]:
        """What is known about each label of a question, in order; None where nothing is."""
    def put(self, identity: str, question: Question, verdicts: collections.abc.Sequence[Verdict | float | bool | None], *, usage: Usage = ..., run: str = '') -> None:
        """Keeps the scored and abstained verdicts; a pair that is there already stays as it was."""
    def flush(self) -> None:
        """When it returns what was put before survives a power cut, too."""
    def __len__(self) -> int: ...
    def size(self, identity: str) -> int:
        """Judgments of the teacher that uses this identity."""
    def identities(self) -> list[str]:
        """The identities in the store, sorted."""
    def export_recording(self, identity: str, file: str | os.PathLike[str]) -> None:
        """Writes a teacher's judgments as recorded verdicts, which RecordedOracle reads; whole or not at all."""

class Budget:
    """What a run may spend. Immutable."""
    def __init__(self, judgments: int | None = None, *, charge_stored: bool = False) -> None:
        """Args:
            judgments: Distinct pairs, scored or abstained; None: no limit.
            charge_stored: Count pairs that the store held before the run, too."""
    @property
    def judgments(self) -> int | None: ...
    @property
    def charge_stored(self) -> bool: ...

class OptionInfo:
    """What an option of a training run is for."""
    @property
    def name(self) -> str: ...
    @property
    def type(self) -> str:
        """"integer", "number", "boolean" or "text"."""
    @property
    def value(self) -> str:
        """As text."""
    @property
    def help(self) -> str: ...

class TrainerOptions:
    """Every setting of a training run: a preset's values, then those given. Each is an attribute. Immutable."""
    def __init__(self, preset: str = 'paper', **options: int | float | bool | str) -> None: ...
    def to_dict(self) -> dict[str, int | float | bool | str]:
        """Names and values."""
    def describe(self) -> list[OptionInfo]:
        """Names, types, values and a sentence about each."""
    def __getattr__(self, name: str) -> typing.Any: ...
    def __eq__(self, other: object) -> bool: ...

def preset_names() -> list[str]:
    """The presets there are."""

class Plan:
    """An upper bound on what a run will ask, before anything is spent."""
    @property
    def documents(self) -> int: ...
    @property
    def labels(self) -> int: ...
    @property
    def development(self) -> int:
        """Documents held out."""
    @property
    def cycles(self) -> int: ...
    @property
    def questions(self) -> int:
        """Documents put to the teacher, once a document and cycle."""
    @property
    def pairs_wanted(self) -> int:
        """Pairs, those that the store will answer included."""
    @property
    def judgments(self) -> int:
        """Of these, at most so many are charged to the budget."""

class InputReport:
    """What a run was given, and what of it could not be used as it was."""
    @property
    def documents(self) -> int: ...
    @property
    def labels(self) -> int: ...
    @property
    def empty_documents(self) -> int:
        """Without any text: neither asked about nor trained on."""
    @property
    def repeated_documents(self) -> int:
        """With the text of an earlier one: judged once, with it."""
    @property
    def repeated_labels(self) -> int:
        """With name and description of an earlier one: judged once, with it."""
    @property
    def cut_documents(self) -> int:
        """With more tokens than are read, in training or search."""
    @property
    def cut_labels(self) -> int:
        """With more tokens than are read."""

class AskingReport:
    """What asking came to, in a cycle or a run."""
    @property
    def questions(self) -> int:
        """Documents put to the teacher, one a document and call."""
    @property
    def pairs_wanted(self) -> int:
        """Pairs, those answered from the store included."""
    @property
    def from_store(self) -> int:
        """Of these, answered from the store without asking."""
    @property
    def judgments(self) -> int:
        """Distinct scored pairs."""
    @property
    def abstentions(self) -> int:
        """Distinct pairs that the teacher would not say or, as a recording, does not have."""
    @property
    def missing(self) -> int:
        """Of these, those that the recording does not have."""
    @property
    def open(self) -> int:
        """Pairs left open, unknown for the cycle."""
    @property
    def over_budget(self) -> int:
        """Pairs not asked because the budget was spent."""
    @property
    def yes(self) -> int:
        """Scored pairs that are a yes."""
    @property
    def yes_rate(self) -> float:
        """Of the judgments."""

class CycleReport:
    """What one cycle did."""
    @property
    def cycle(self) -> int:
        """From 0."""
    @property
    def training(self) -> AskingReport: ...
    @property
    def development(self) -> AskingReport: ...
    @property
    def documents_with_yes(self) -> int:
        """Those that were trained on."""
    @property
    def documents_without_yes(self) -> int: ...
    @property
    def documents_left_over(self) -> int:
        """Documents with a yes that each pass leaves out, others each time: fewer than fill a batch."""
    @property
    def steps(self) -> int: ...
    @property
    def first_loss(self) -> float:
        """Mean of the first tenth of the steps."""
    @property
    def last_loss(self) -> float:
        """Mean of the last tenth of the steps."""
    @property
    def development_precision(self) -> Interval | None:
        """Share of development documents whose first label is a yes; None without any."""
    @property
    def accepted(self) -> bool:
        """Whether the run went on with this cycle's student as the best so far."""

class TrainingReport:
    """What a run did, in numbers. print() shows it."""
    @property
    def teacher(self) -> str:
        """The teacher's identity."""
    @property
    def inputs(self) -> InputReport:
        """What the run was given."""
    @property
    def total(self) -> AskingReport:
        """Distinct over all cycles."""
    @property
    def cycles(self) -> list[CycleReport]: ...
    @property
    def untouched_precision(self) -> Interval | None:
        """The untouched encoder on the development documents; None without any."""
    @property
    def best_cycle(self) -> int:
        """The cycle whose student the tagger carries; -1 where nothing could be trained."""
    @property
    def ended(self) -> str:
        """Why the run ended."""
    @property
    def notices(self) -> list[str]:
        """Sentences for the user."""
    @property
    def student_folders(self) -> list[str]:
        """Of the trained students, cycle by cycle."""
    @property
    def tagger_folder(self) -> str: ...
    def to_json(self) -> str:
        """Metrics in per cent."""

class CurriculumTrainer:
    """Runs the curriculum in a work folder: shortlist, ask, train, measure. The same call on the same folder goes on after any interruption and ends with the identical model."""
    def __init__(self, base: Encoder, documents: Corpus, labels: LabelSet, teacher: TeacherOracle, *, folder: str | os.PathLike[str], options: TrainerOptions = ..., store: str | os.PathLike[str] | None = None, budget: Budget | None = None) -> None:
        """Checks everything that can be checked before anything is made or asked.

        Args:
            folder: The work folder; made when run() starts.
            options: The settings.
            store: The judgment store's file; None: judgments.db in the work folder.
            budget: What the run may spend; None: no limit."""
    def plan(self) -> Plan:
        """What run() will ask at most."""
    def run(self, *, on_event: collections.abc.Callable[[Event], None] | None = None) -> TrainingReport:
        """Runs, or goes on, until the curriculum ends."""
    @property
    def options(self) -> TrainerOptions: ...

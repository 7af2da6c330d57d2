"""The promises of a tokenizer."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from charrnn.testing.checks import Broken, Checks, require
from charrnn.tokenizers.base import Growing, Tokenizer

#: Texts that a check draws.
_EXAMPLES = 60
#: What trips tokenizers: white space of all kinds, marks that libraries give a meaning, scripts, marks that combine.
_ODDITIES = (
    "\t\r\n  \u00a0\u3000 ## ▁ <unk> <s> [UNK] \\n %s é e\u0301 ß İ ﬁ ½ "
    "Ωλ привет 你好世界 こんにちは 👩‍💻 🇩🇪 \ufeff\u200b\u2028\x00\x7f"
)
#: Characters that are in none of it.
_NEW = "ሀᚠ𐎠ঙᏣ☃\ue000"


def sample_text() -> str:
    """Return some 100 KB of a made-up language, and the oddities: enough to learn a thousand pieces from."""
    chance = random.Random(0)  # noqa: S311 - the same text each time
    sounds = ["b", "c", "ch", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "sh", "st", "t", "th", "v", "w", "z"]
    vowels = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
    words = [
        "".join(chance.choice(sounds) + chance.choice(vowels) for _ in range(chance.randint(1, 4))) for _ in range(3000)
    ]
    lines = []
    for _ in range(1500):
        line = [chance.choice(words[: chance.choice((50, 500, 3000))]) for _ in range(chance.randint(1, 14))]
        lines.append(" ".join(line).capitalize() + chance.choice(".,;:!?-'\"()[]0123456789"))
    return "\n".join(lines) + "\n" + _ODDITIES + "\n"


class TokenizerSubject:
    """A tokenizer's class and its options."""

    def __init__(self, tokenizer: Any, options: Mapping[str, Any]) -> None:
        require(
            isinstance(tokenizer, type) and issubclass(tokenizer, Tokenizer),
            f"{tokenizer!r} is no subclass of charrnn.Tokenizer",
        )
        self._class: type[Tokenizer] = tokenizer
        self._options = dict(options)
        self.text = sample_text()

    def train(self) -> Tokenizer:
        """Train on the sample, which comes in pieces as a corpus does."""
        pieces = (self.text[start : start + 10_000] for start in range(0, len(self.text), 10_000))
        return self._class.train(pieces, **self._options)

    @cached_property
    def trained(self) -> Tokenizer:
        """One that is trained."""
        return self.train()

    def load(self, directory: Path) -> Tokenizer:
        """Load what was saved."""
        return self._class.load(directory)

    def for_texts(self, holds: Callable[[str], None], *, any_text: bool = False) -> None:
        """Try a promise on texts of the sample's characters, or of any; raises for the shortest that breaks it.

        Raises:
            Broken: one does.
        """
        from hypothesis import HealthCheck, given, settings
        from hypothesis import strategies as st

        start = st.integers(0, len(self.text) - 1)
        slices = st.builds(lambda at, size: self.text[at : at + size], start, st.integers(0, 60))
        letters = st.text(st.sampled_from(sorted(set(self.text))))
        texts = st.text() if any_text else st.one_of(letters, slices)
        broken: list[Broken] = []

        @settings(
            max_examples=_EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(texts)
        def try_on(text: str) -> None:
            try:
                holds(text)
            except Broken as error:
                broken.append(Broken(error.told, f"text {text!r}" + (f", {error.case}" if error.case else "")))
                raise
            except Exception as error:
                broken.append(Broken(f"it raises {type(error).__name__}: {error}", f"text {text!r}"))
                raise broken[-1] from error

        try:
            try_on()
        except BaseException:
            if not broken:
                raise
            # The last one that hypothesis tried is the shortest that it found.
            raise broken[-1] from None


CHECKS = Checks(TokenizerSubject)


@CHECKS.promise("decode(encode(text)) is the text")
def round_trip(subject: TokenizerSubject) -> None:
    """For every text made of what the tokenizer was trained on."""
    tokenizer = subject.trained
    known = tokenizer.decode(tokenizer.encode(subject.text)) == subject.text

    def holds(text: str) -> None:
        found = tokenizer.decode(tokenizer.encode(text))
        require(found == text, f"it comes back as {found!r}")

    subject.for_texts(holds)
    require(known, "the text that it was trained on does not come back")


@CHECKS.promise("ids are integers in range(vocab_size)")
def ids_in_range(subject: TokenizerSubject) -> None:
    """In a flat array, also where characters are unknown."""
    tokenizer = subject.trained
    require(isinstance(tokenizer.vocab_size, int), f"vocab_size is {tokenizer.vocab_size!r}")

    def holds(text: str) -> None:
        ids = tokenizer.encode(text)
        require(isinstance(ids, np.ndarray) and ids.ndim == 1, f"encode returns {type(ids).__name__}, no flat array")
        require(np.issubdtype(ids.dtype, np.integer), f"the ids are {ids.dtype}, no integers")
        inside = not len(ids) or (ids.min() >= 0 and ids.max() < tokenizer.vocab_size)
        require(bool(inside), f"an id is outside range({tokenizer.vocab_size}): {ids.tolist()}")

    subject.for_texts(holds)
    subject.for_texts(holds, any_text=True)


@CHECKS.promise("incremental decoding equals whole decoding")
def decodes_incrementally(subject: TokenizerSubject) -> None:
    """Text that is streamed as it is made."""
    tokenizer = subject.trained

    def holds(text: str) -> None:
        ids = tokenizer.encode(text)
        decoder = tokenizer.decoder()
        found = "".join(decoder.decode(ids[at : at + 1]) for at in range(len(ids))) + decoder.flush()
        whole = tokenizer.decode(ids)
        require(found == whole, f"one by one its ids give {found!r}, together {whole!r}")

    subject.for_texts(holds)


@CHECKS.promise("a text in pieces has the ids of the whole")
def encodes_streams(subject: TokenizerSubject) -> None:
    """A corpus is encoded as it is read, a prompt at once."""
    tokenizer = subject.trained

    def holds(text: str) -> None:
        whole = tokenizer.encode(text).tolist()
        for size in (1, 2, 7):
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            found = [int(each) for ids in tokenizer.encode_stream(iter(pieces)) for each in ids]
            require(found == whole, f"in pieces of {size} its ids are {found}, as a whole {whole}")

    subject.for_texts(holds)


@CHECKS.promise("what is saved and loaded is equal")
def saves_and_loads(subject: TokenizerSubject) -> None:
    """A run keeps its tokenizer's files."""
    tokenizer = subject.trained
    with TemporaryDirectory() as directory:
        tokenizer.save(Path(directory))
        loaded = subject.load(Path(directory))
    sizes = (loaded.vocab_size, tokenizer.vocab_size)
    require(sizes[0] == sizes[1], f"loaded, vocab_size is {sizes[0]}, and was {sizes[1]}")

    def holds(text: str) -> None:
        one, other = loaded.encode(text).tolist(), tokenizer.encode(text).tolist()
        require(one == other, f"loaded, its ids are {one}, and were {other}")
        require(
            loaded.decode(np.array(one, dtype=np.int64)) == tokenizer.decode(tokenizer.encode(text)),
            "it decodes otherwise",
        )

    subject.for_texts(holds)


@CHECKS.promise("unseen characters are counted, and harm nothing else")
def counts_unseen(subject: TokenizerSubject) -> None:
    """``unseen`` counts what ``encode`` replaces: a text without these characters comes back."""
    tokenizer = subject.trained

    def holds(text: str) -> None:
        unseen = tokenizer.unseen(text)
        for character, count in Counter(unseen).items():
            require(text.count(character) == count, f"it counts {character!r} {count} times")
        tokenizer.encode(text)
        rest = "".join(each for each in text if each not in unseen)
        found = tokenizer.decode(tokenizer.encode(rest))
        require(found == rest, f"without what is counted as unseen it comes back as {found!r}")

    subject.for_texts(holds, any_text=True)
    known = tokenizer.unseen(subject.text)
    require(not known, f"it counts {dict(known)} as unseen in the text that it was trained on")


@CHECKS.promise("an empty text has no ids")
def empty_text(subject: TokenizerSubject) -> None:
    """And no ids are an empty text."""
    tokenizer = subject.trained
    ids = tokenizer.encode("")
    require(len(ids) == 0, f"it has the ids {ids.tolist()}")
    require(np.issubdtype(ids.dtype, np.integer), f"its ids are {ids.dtype}, no integers")
    require(tokenizer.decode(ids) == "", "no ids decode to some text")
    require(not any(len(each) for each in tokenizer.encode_stream(iter(["", ""]))), "a stream of nothing has ids")
    require(tokenizer.decoder().flush() == "", "a decoder that was given nothing has text left")


@CHECKS.promise("training is deterministic")
def trains_deterministically(subject: TokenizerSubject) -> None:
    """The same corpus gives the same ids, so that a run can be repeated."""
    one, other = subject.trained, subject.train()
    same = one.encode(subject.text).tolist() == other.encode(subject.text).tolist()
    require(same and one.vocab_size == other.vocab_size, "trained twice on one text, its ids differ")


@CHECKS.promise("extended, it knows what is new, and all else has the ids that it had")
def grows(subject: TokenizerSubject) -> None:
    """Where it has ``extended``: a model keeps the weights of what it knew."""
    tokenizer = subject.trained
    if not isinstance(tokenizer, Growing):
        return
    size, known = tokenizer.vocab_size, tokenizer.encode(subject.text).tolist()
    new = "".join(each for each in _NEW if tokenizer.unseen(each))
    grown = tokenizer.extended(iter([subject.text[:100] + new, new]))
    require(tokenizer.vocab_size == size, "it is changed itself, and should return another")
    require(not grown.unseen(new), f"it still counts {dict(grown.unseen(new))} as unseen")
    require(grown.decode(grown.encode(new)) == new, f"{new!r} comes back as {grown.decode(grown.encode(new))!r}")
    require(grown.encode(subject.text).tolist() == known, "the text that it was trained on has other ids than before")
    for token in range(size):
        one, other = (each.decode(np.array([token])) for each in (grown, tokenizer))
        require(one == other, f"the id {token} stands for {one!r}, and stood for {other!r}")

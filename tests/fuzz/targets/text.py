"""Texts: to learn from, to go on from, to measure, to talk with."""

from __future__ import annotations

import gzip

from tests.fuzz import octets
from tests.fuzz.case import Case, calls
from tests.fuzz.chance import Chance
from tests.fuzz.homes import TEXT, Homes

_PATH = "other.txt"
_SMALL = "--steps 1 --hidden 8 --embed 8 --layers 1 --seq-len 16 --batch-size 4"
_READING = calls(f"""
sample --length 5 --prompt-file other.txt
sample --length 5 --prompts other.txt
sample --length 5 --prompts other.txt --json --novelty
score other.txt
score other.txt --json
score other.txt --per-char
score other.txt --heatmap
score other.txt --html page.html
eval --corpus other.txt
corpora show other.txt
corpora show other.txt --json
train other.txt {_SMALL}
train other.txt {_SMALL} --errors replace --tokenizer byte
train other.txt --init-from a --steps 1
train words.txt --embeddings other.txt {_SMALL}
""")
_LISTENING = calls(f"""
sample --length 5 --loop
sample --length 5 --interactive
sample --length 5 --prompt -
sample --length 5 --prompts -
score -
eval --corpus -
train - {_SMALL}
runs rm a
""")
_LINES = ("/undo", "/text", "/help", "/quit", "1", "2", "99", "²", "=7", "", "/nothing", "/", "In the", "y", "\x1b[A")
_VECTORS = "2 8\na" + " 0.5" * 8 + "\n☃" + " -1e3" * 8 + "\n"


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil the bytes of a text, or make one of odd lines."""
    home = chance.choice(("char", "byte", "pieces"))
    lines = [chance.choice(_LINES) if chance.happens(0.5) else chance.text() for _ in range(chance.randint(0, 12))]
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    if chance.happens(0.5):
        content = octets.spoiled(chance, homes.read(home, TEXT)[: chance.choice((10, 200, 4000))])
    if chance.happens(0.3):
        return Case(home, chance.choice(_LISTENING), stdin=content)
    arguments = chance.choice(_READING)
    if "--embeddings" in arguments:
        content = octets.spoiled(chance, _VECTORS.encode())
    elif chance.happens(0.2):
        path, content = chance.choice(
            (("other.txt.gz", gzip.compress(content, mtime=0)), ("other.csv", b"text,\n" + content))
        )
        arguments = tuple(path if each == _PATH else each for each in arguments)
        return Case(home, arguments, {path: octets.spoiled(chance, content)})
    return Case(home, arguments, {_PATH: content})

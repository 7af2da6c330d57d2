"""Files of tensors: their header, which is JSON, and the numbers behind it."""

from __future__ import annotations

import json
import struct
from typing import Any

from tests.fuzz import document, octets
from tests.fuzz.case import Case
from tests.fuzz.chance import Chance
from tests.fuzz.homes import HOMES, Homes
from tests.fuzz.targets.commands import READING, TRAINING, USING
from tests.fuzz.targets.spoiled_run import PLACE, spoiled_run

_FILES = (
    "saves/*/best.safetensors",
    "saves/*/weights.safetensors",
    "saves/*/training.safetensors",
    "model.safetensors",
)
_TYPES = ("F16", "F32", "F64", "BF16", "F8_E4M3", "I8", "I32", "I64", "U8", "U16", "BOOL", "C64", "F4", "", "F32 ")
_LENGTH = struct.Struct("<Q")
#: Numbers in single precision that a network does not expect.
_NUMBERS = [struct.pack("<f", each) for each in (float("nan"), float("inf"), 3e38, -3e38, 1e-45)]


def make(chance: Chance, homes: Homes) -> Case:
    """Spoil the header by what it says, the numbers, or any bytes."""
    home = chance.choice([*HOMES])
    path = homes.find(home, f"{PLACE}/{chance.choice(_FILES)}")
    content = homes.read(home, path)
    kind = chance.random()
    if kind < 0.6:
        content = _other_header(chance, content)
    elif kind < 0.75:
        content = _other_numbers(chance, content)
    else:
        content = octets.spoiled(chance, content)
    return spoiled_run(chance, homes, home, {path: content}, READING, USING, USING, TRAINING)


def _other_header(chance: Chance, content: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(content)
    header: dict[str, Any] = json.loads(content[8 : 8 + length])
    if chance.happens(0.4):
        tensor = header[chance.choice([*header])]
        tensor["dtype"] = chance.choice(_TYPES)
    else:
        header = document.changed(chance, header)
    written = document.written(header).encode("utf-8", "surrogatepass")
    said = len(written) if chance.happens(0.95) else chance.choice((0, 1, length, 2**32, 2**63, 2**64 - 1))
    return _LENGTH.pack(said) + written + content[8 + length :]


def _other_numbers(chance: Chance, content: bytes) -> bytes:
    (length,) = _LENGTH.unpack_from(content)
    places = (len(content) - 8 - length) // 4
    start = 8 + length + 4 * chance.randrange(places)
    count = min(chance.choice((1, 1, 10, places)), (len(content) - start) // 4)
    return content[:start] + chance.choice(_NUMBERS) * count + content[start + 4 * count :]

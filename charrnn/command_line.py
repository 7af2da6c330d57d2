"""Commands that are told to a person, who may paste them."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def command_line(*words: str | Path, **options: str | Path | bool | None) -> str:
    """Write a command of ours for a POSIX shell, in which names, which may be a stranger's, are nothing but names.

    Args:
        words: the command, and what it is given.
        options: what it is given by a flag; True where the flag says all, and None leaves it out.
    """
    given = [str(each) for each in words]
    like_flags = [place for place, word in enumerate(given) if word.startswith("-") and word != "-"]
    last = given[like_flags[0] :] if like_flags else []
    line = ["charrnn", *given[: len(given) - len(last)]]
    for name, value in options.items():
        flag, text = f"--{name.replace('_', '-')}", str(value)
        if value is True:
            line.append(flag)
        elif value is not None:
            line += [f"{flag}={text}"] if text.startswith("-") else [flag, text]
    return " ".join(map(quoted, [*line, *(["--", *last] if last else [])]))


def quoted(word: str) -> str:
    """Quote a word where a shell needs it; what a terminal would not show is written by its bytes."""
    if word.isprintable():
        return shlex.quote(word)
    signs = (each if each.isprintable() else "".join(f"\\{byte:03o}" for byte in _bytes(each)) for each in word)
    return "$'" + "".join(f"\\{sign}" if sign in ("'", "\\") else sign for sign in signs) + "'"


def _bytes(sign: str) -> bytes:
    """Return what a sign is in a file's name; half a surrogate pair is in none."""
    return os.fsencode(sign) if "\udc80" <= sign <= "\udcff" else sign.encode(errors="surrogatepass")

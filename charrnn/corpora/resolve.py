"""From CORPUS on the command line to a corpus: a recipe's or plugin's name, then ``hf:``, then a path."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from charrnn.corpora.base import Corpus
from charrnn.corpora.checked import Checked
from charrnn.corpora.hub import Hub, parse_address
from charrnn.corpora.local.files import Files, find_files
from charrnn.corpora.local.stdin import ADDRESS as STDIN
from charrnn.corpora.local.stdin import StandardInput
from charrnn.corpora.rewritten import Rewritten
from charrnn.errors import CorpusError, UsageError, near_names
from charrnn.options import check_options, option_function
from charrnn.plugins import plugins
from charrnn.settings import CorpusSettings


def open_corpus(address: str, settings: CorpusSettings) -> Corpus:
    """Find a corpus, and have its text as the settings want it; ``./x`` is always a path, and ``-`` standard input.

    Raises:
        CorpusError: there is no such thing; the message gives the near names.
        UsageError: it does not take one of the ``corpus_options``.
    """
    corpus = _find(address, settings)
    return Rewritten(corpus, settings) if Rewritten.is_asked(settings) else corpus


def _find(address: str, settings: CorpusSettings) -> Corpus:
    if not address.strip():
        raise CorpusError("CORPUS is empty; give a text file, hf:OWNER/NAME, or a name from: charrnn corpora list")
    registered = plugins().corpora
    if address in registered:
        entry = registered[address]
        target = entry.load()
        given = settings.corpus_options
        options = check_options(entry, option_function(entry), given) if given else {}
        opens = partial(target, settings, **options)
        if not entry.owner.ours:
            return Checked(opens, entry, options)
        corpus: Corpus = opens()
        corpus.entry, corpus.options = entry, options
        return corpus
    if settings.corpus_options:
        told = " ".join(f"{key}={value}" for key, value in settings.corpus_options.items())
        raise UsageError(f"--corpus-option {told}: '{address}' takes none; only corpora that have a name do")
    if address.startswith("hf:"):
        dataset, config, revision = parse_address(address)
        return Hub(dataset.split("/")[-1], dataset, config, revision, settings)
    if address == STDIN:
        return StandardInput(settings)
    looks_like_path = any(sign in address for sign in "/\\.*?[")
    if not looks_like_path and not Path(address).exists():
        names = [entry.name for entry in registered]
        raise CorpusError(f"no corpus is called '{address}', and there is no such file: {near_names(address, names)}")
    return Files(_name(address), find_files(address), settings)


def _name(address: str) -> str:
    """Make a path fit for a run's name."""
    path = Path(address).expanduser()
    stem = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    name = "".join(sign if sign.isalnum() or sign in "-_" else "-" for sign in stem)
    return name.strip("-") or "text"

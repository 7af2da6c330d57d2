"""How the parquet files of a dataset are read: by the thread that asks for them, and no other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from charrnn.corpora.rows.sources import open_parquet, parquet_batches


def read_parquet_here(builder: Any) -> None:
    """Let a builder of ``datasets`` read parquet files in the thread that asks it for rows.

    By itself it has Arrow's threads read them through objects of Python. One that lets go of such an object while the
    interpreter ends takes the process down ("terminate called without an active exception"), after all was done.
    """
    from datasets.packaged_modules.parquet.parquet import Parquet

    if isinstance(builder, Parquet):
        builder._generate_tables = partial(_tables, builder)


def _tables(builder: Any, files: Iterable[str], **_: object) -> Iterator[tuple[Any, Any]]:
    """Yield the tables of files, with no file in memory as a whole."""
    import pyarrow
    from datasets import DownloadConfig
    from datasets.builder import Key
    from datasets.utils.file_utils import xopen

    access = DownloadConfig(token=builder.token, storage_options=builder.storage_options)
    for place, address in enumerate(files):
        with xopen(address, "rb", download_config=access) as file:
            for index, batch in enumerate(parquet_batches(open_parquet(file), builder.config.columns)):
                yield Key(place, index), builder._cast_table(pyarrow.Table.from_batches([batch]))

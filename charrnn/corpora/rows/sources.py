"""Where rows come from: what ``datasets`` has loaded or streams, and parquet files, which Arrow reads faster itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from charrnn.corpora.rows.columns import Columns

#: Rows that are read at a time, as columns of Arrow.
_BATCH = 1000
#: Bytes of a parquet file that are read at a time; without, Arrow reads all of it ahead.
_BUFFER = 1 << 20


class Rows(Protocol):
    """Rows of columns."""

    columns: Columns

    def batches(self, names: list[str]) -> Iterator[Any]:
        """Yield some rows' columns of these names: what Arrow calls a table or a record batch."""


class DatasetRows:
    """The rows of a ``datasets`` Dataset or IterableDataset.

    Args:
        dataset: the rows.
        name: what they are of, for messages.
    """

    def __init__(self, dataset: Any, name: str) -> None:
        self._dataset = dataset
        self.columns = Columns.of_dataset(dataset, name)

    def batches(self, names: list[str]) -> Iterator[Any]:
        """Yield tables: to make Python's objects of them takes ``datasets`` three times as long."""
        batches: Iterator[Any] = self._dataset.select_columns(names).with_format("arrow").iter(batch_size=_BATCH)
        return batches


class ParquetRows:
    """The rows of a parquet file.

    Args:
        path: of the file.

    Raises:
        Exception: pyarrow's own, where it is no such file.
    """

    def __init__(self, path: Path) -> None:
        import datasets

        self._file = open_parquet(path)
        features = datasets.Features.from_arrow_schema(self._file.schema_arrow)
        self.columns = Columns.of_features(features, path.name)

    def batches(self, names: list[str]) -> Iterator[Any]:
        """Yield record batches, from one row group after another."""
        return parquet_batches(self._file, names)


def open_parquet(file: Path | IO[bytes]) -> Any:
    """Open a parquet file.

    Raises:
        Exception: pyarrow's own, where it is no such file.
    """
    import pyarrow.parquet

    return pyarrow.parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False)


def parquet_batches(file: Any, names: list[str] | None) -> Iterator[Any]:
    """Yield the record batches of a parquet file, some rows each, of all columns or those of these names."""
    batches: Iterator[Any] = file.iter_batches(_BATCH, columns=names, use_threads=False)
    return batches

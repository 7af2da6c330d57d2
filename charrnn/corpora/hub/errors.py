"""What the hub's client, ``datasets``, httpx and pyarrow raise, as one line that says what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from charrnn.atomic import NO_ROOM
from charrnn.command_line import command_line
from charrnn.corpora.hub.address import Address
from charrnn.corpora.hub.client import connected
from charrnn.corpora.hub.watch import UnreachableError, Watch
from charrnn.errors import CharrnnError, CorpusError, near_names

LOCAL = "corpora that need no network: 'pystdlib', or a text file"
PARQUET = "refs/convert/parquet"


@contextmanager
def told(address: Address, *, streaming: bool = False) -> Iterator[Watch]:
    """Hold the client to its deadline, and turn what it raises into one line.

    Raises:
        CorpusError: something went wrong; the line says what.
    """
    with connected(streaming=streaming) as watch:
        try:
            yield watch
        # The client and what lies beneath it raise errors that share no other base.
        except Exception as error:
            line = explained(error, address, watch.take_failure())
            if line is error:
                raise
            raise line from error


def explained(error: Exception, address: Address, failure: UnreachableError | None) -> CharrnnError:
    """Say in one line what went wrong, and what to do next.

    Args:
        error: what the client raised.
        address: what was asked for.
        failure: what was given up with beneath it, if it was.
    """
    if failure is not None:
        return type(failure)(f"'{address.dataset}' cannot be fetched: {failure}")
    causes = list(chain(error))
    for cause in causes:
        if isinstance(cause, CharrnnError):
            return cause
    line = next((line for cause in causes for line in [_of_the_machine(cause, address)] if line), None)
    line = line or next((line for cause in causes for line in [_of_the_hub(cause, address)] if line), None)
    if line is None:
        line = (
            f"'{address.dataset}' cannot be read: {first_line(causes[-1])}; look at its files on its page, "
            f"or try its Parquet form: hf:{address.dataset}@{PARQUET}"
        )
    return UnreachableError(line) if may_pass(error) else CorpusError(line)


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came from; ``datasets`` wraps what it is told."""
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        yield at
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)


def may_pass(error: BaseException) -> bool:
    """Tell whether the same may work in a moment: the hub stumbled, or the connection broke."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    for cause in chain(error):
        if isinstance(cause, HfHubHTTPError):
            return cause.response.status_code >= 500 or cause.response.status_code == 408
        if isinstance(cause, httpx2.RequestError) or "Consistency check failed" in str(cause):
            return True
    return False


def first_line(error: BaseException) -> str:
    """Return the first line of what an error says, or its kind where it says nothing."""
    return str(error).strip().split("\n")[0].rstrip(". ") or type(error).__name__


def no_config(address: Address, configs: list[str], recipe: str | None) -> CorpusError:
    """Say that a dataset has no such configuration, or that it needs one."""
    given = f"hf:{address.dataset}:{configs[0]}" if configs else f"hf:{address.dataset}"
    if address.config is None:
        return CorpusError(
            f"'{address.dataset}' has several configurations: {_listed(configs)}; give one, as in {given}"
        )
    if recipe:
        return out_of_date(recipe, address, f"configuration '{address.config}'", f"configurations: {_listed(configs)}")
    return CorpusError(
        f"'{address.dataset}' has no configuration '{address.config}': {near_names(address.config, configs)}"
    )


def out_of_date(recipe: str, address: Address, gone: str, now: str) -> CorpusError:
    """Say that a recipe asks for what its dataset no longer has."""
    return CorpusError(
        f"the recipe '{recipe}' is out of date: '{address.dataset}' has no {gone} any more, but {now}; "
        f"write a new one: {command_line('corpora', 'new', f'hf:{address.dataset}')}"
    )


def _of_the_machine(error: BaseException, address: Address) -> str | None:
    """Explain what this machine cannot do."""
    if isinstance(error, OSError) and (error.errno in NO_ROOM or "Not enough disk space" in str(error)):
        from huggingface_hub import constants

        return (
            f"there is no room for '{address.dataset}' on the disk of {constants.HF_HOME}; free some, set HF_HOME to "
            "a folder on another disk, or read only its start by --max-bytes"
        )
    if isinstance(error, PermissionError) and error.filename:
        return f"'{error.filename}' may not be written; mend its permissions, or set HF_HOME to another folder"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            f"the hub cannot be trusted for '{address.dataset}': its certificate is not one that this machine knows; "
            "behind a proxy that reads along, set SSL_CERT_FILE to its certificate"
        )
    return None


def _of_the_hub(error: BaseException, address: Address) -> str | None:
    """Explain what the hub, or the way to it, does not give."""
    import httpx2
    from huggingface_hub import constants, errors

    dataset = address.dataset
    page = f"{constants.ENDPOINT}/datasets/{dataset}"
    if isinstance(error, errors.GatedRepoError):
        if error.response.status_code == 401:
            return f"'{dataset}' is gated: ask for access at {page}, then set HF_TOKEN to a token of yours"
        return f"'{dataset}' is gated, and your token has no access; ask for it at {page}"
    if isinstance(error, errors.DisabledRepoError):
        return f"'{dataset}' is disabled by the hub; its page says why: {page}"
    if isinstance(error, errors.RepositoryNotFoundError):
        from huggingface_hub import get_token

        seen = "or it is private and your HF_TOKEN may not see it" if get_token() else "or it is private"
        advice = "check the name" if get_token() else "check the name, or set HF_TOKEN to see your own"
        return f"there is no dataset '{dataset}' on the hub, {seen}; {advice}"
    if isinstance(error, errors.FileMetadataError):
        return (
            f"what answers at {constants.ENDPOINT} is no hub: it says nothing of its commits; "
            "check HF_ENDPOINT, HTTPS_PROXY, and whether your network asks for a login"
        )
    if isinstance(error, errors.HfHubHTTPError):
        return _of_status(error.response.status_code, dataset)
    if "Dataset scripts" in str(error):
        return (
            f"'{dataset}' is made by a script, which is not run; its Parquet form may be there: hf:{dataset}@{PARQUET}"
        )
    if "too large to be downloaded" in str(error):
        return f"a file of '{dataset}' is larger than 50 GB; read it as a stream, or only its start by --max-bytes"
    if "Consistency check failed" in str(error):
        return f"a file of '{dataset}' arrived short, {_tried()}; try again later (what was fetched is kept)"
    if isinstance(error, (httpx2.RequestError, ConnectionError)):
        return (
            f"the connection to {constants.ENDPOINT} broke off while '{dataset}' was fetched, {_tried()}: "
            f"{first_line(error)}; try again (what was fetched is kept)"
        )
    if type(error).__name__ in ("EmptyDatasetError", "DataFilesNotFoundError"):
        return (
            f"'{dataset}' holds no data files that can be read (Parquet, CSV, JSON lines, text); its Parquet form may "
            f"be there: hf:{dataset}@{PARQUET}"
        )
    return None


def _of_status(status: int, dataset: str) -> str:
    if status == 401:
        return f"the hub does not accept your HF_TOKEN for '{dataset}'; make a new one, or unset it"
    if status == 403:
        return f"the hub refuses '{dataset}' (HTTP 403); set HF_TOKEN to a token that may read it"
    if status == 429:
        return (
            f"the hub limits how often it may be asked (HTTP 429), '{dataset}' among the rest; try again later, "
            "or log in by HF_TOKEN for a higher limit"
        )
    if status >= 500:
        return f"the hub answers HTTP {status} for '{dataset}', {_tried()}; try again later (what was fetched is kept)"
    return f"the hub answers HTTP {status} for '{dataset}'; check HF_ENDPOINT and the name"


def _tried() -> str:
    from charrnn.corpora.hub.client import TRIES

    return f"{TRIES} times over"


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:20]) or "none"
    return shown + (", ..." if len(names) > 20 else "")

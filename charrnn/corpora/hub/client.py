"""The hub's client, held to a deadline while charrnn uses it, and as it was afterwards."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from charrnn.errors import UsageError

if TYPE_CHECKING:
    from charrnn.corpora.hub.watch import Watch

#: How long the hub may take to answer, in seconds, and what says otherwise.
SECONDS = 20.0
ENVIRONMENT = "CHARRNN_HUB_SECONDS"
#: How long it may take to accept a connection.
CONNECT_SECONDS = 5.0
#: How often what broke is tried, and how long to wait before the second time.
TRIES = 3
_WAIT = 0.5
_Result = TypeVar("_Result")


def patience() -> float:
    """Return how long to wait for an answer.

    Raises:
        UsageError: the environment says something else than a number above zero.
    """
    asked = os.environ.get(ENVIRONMENT, "")
    if not asked:
        return SECONDS
    try:
        seconds = float(asked)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise UsageError(f"{ENVIRONMENT}={asked}: give the seconds to wait for the hub, such as 60")
    return seconds


def why_offline() -> str | None:
    """Say why there is no hub to ask, if there is none: the client is told so, or nothing accepts a connection."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    if os.environ.get("HF_DATASETS_OFFLINE", "").upper() in constants.ENV_VARS_TRUE_VALUES:
        return "HF_DATASETS_OFFLINE is set"
    return None if _accepts(constants.ENDPOINT) else f"nothing answers at {constants.ENDPOINT}"


def _accepts(endpoint: str) -> bool:
    """Connect once to the hub, or to the proxy that leads to it: the client would try for half a minute."""
    url = urlsplit(endpoint)
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if proxy and not proxy_bypass(url.hostname or ""):
        url = urlsplit(proxy if "//" in proxy else f"//{proxy}")
    port = url.port or (443 if url.scheme == "https" else 80)
    try:
        socket.create_connection((url.hostname or "", port), timeout=min(CONNECT_SECONDS, patience())).close()
    except OSError:
        return False
    return True


class _Connection:
    """The one client of the process, as charrnn uses it; loads may overlap, and end in any order."""

    def __init__(self) -> None:
        self._users = 0
        self._lock = threading.Lock()
        self._restore = ExitStack()
        self._shortened = False
        self.watch: Watch

    def enter(self) -> Watch:
        with self._lock:
            if not self._users:
                self.watch = self._open()
                self._shortened = False
            self._users += 1
            return self.watch

    def leave(self) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._restore.close()

    def shorten_retries(self) -> None:
        """Let ``datasets`` try a stream again as often as we do; by itself it goes on for minutes."""
        from charrnn.corpora.quiet import import_datasets

        config = import_datasets().config
        with self._lock:
            if self._shortened:
                return
            self._shortened = True
            for name in ("STREAMING_READ_MAX_RETRIES", "STREAMING_OPEN_MAX_RETRIES"):
                self._set(config, name, TRIES)
            for name in ("READ", "READ_SERVER_UNAVAILABLE", "READ_RATE_LIMIT", "OPEN"):
                self._set(config, f"STREAMING_{name}_RETRY_INTERVAL", _WAIT)

    def _open(self) -> Watch:
        from huggingface_hub import constants, set_client_factory
        from huggingface_hub.utils import _http
        from huggingface_hub.utils import logging as logs
        from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

        from charrnn.corpora.hub.watch import Watch

        watch = Watch(patience())
        before = _http._GLOBAL_CLIENT_FACTORY

        def watched() -> Any:
            client = before()
            hooks = client.event_hooks
            client.event_hooks = {
                "request": [*hooks["request"], watch.on_request],
                "response": [*hooks["response"], watch.on_response],
            }
            return client

        set_client_factory(watched)
        self._restore.callback(set_client_factory, before)
        if not are_progress_bars_disabled():
            disable_progress_bars()
            self._restore.callback(enable_progress_bars)
        self._restore.callback(logs.set_verbosity, logs.get_verbosity())
        logs.set_verbosity(logging.CRITICAL)
        # Xet fetches outside of this client, where no deadline holds.
        self._set(constants, "HF_HUB_DISABLE_XET", True)
        return watch

    def _set(self, module: Any, name: str, value: object) -> None:
        self._restore.callback(setattr, module, name, getattr(module, name))
        setattr(module, name, value)


_connection = _Connection()


@contextmanager
def connected(*, streaming: bool = False) -> Iterator[Watch]:
    """Hold the client to a deadline.

    Raises:
        UsageError: the environment's deadline is not one.
    """
    watch = _connection.enter()
    try:
        if streaming:
            _connection.shorten_retries()
        yield watch
    finally:
        _connection.leave()


def retried(do: Callable[[], _Result], watch: Watch, is_passing: Callable[[BaseException], bool]) -> _Result:
    """Do something a few times where what went wrong may pass; what was fetched is kept."""
    for attempt in range(1, TRIES):
        try:
            return do()
        except Exception as error:
            if watch.failure is not None or not is_passing(error):
                raise
            time.sleep(_WAIT * attempt)
    return do()

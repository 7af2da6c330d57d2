"""What the hub's client does not do by itself: it waits for ever, or retries for minutes, where nothing will come.

Each address that is asked for has a clock. It starts with the first request, goes on through all that the client tries
again, and is stopped by an answer that arrived whole. Whoever runs out of patience raises an error that the client does
not know, and so does not retry.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx2

from charrnn.errors import CorpusError

#: Slower than this for as long as the patience lasts, in bytes a second, is no download.
LEAST_RATE = 1024
#: Answers after which the client asks again.
_AGAIN = (408, 429, 500, 502, 503, 504)
_LOGIN_NEEDED = 511
#: The client never waits longer than this before it tries again, in seconds, but where the hub asks it to.
_LONGEST_SLEEP = 10.0
#: What the header RateLimit says: so many requests are left until it is reset, in so many seconds.
_LIMIT = re.compile(r"\br\s*=\s*(?P<left>\d+)\s*;\s*t\s*=\s*(?P<reset>\d+)")
_SLOW = "sends almost nothing"


class UnreachableError(CorpusError):
    """The hub does not answer, or not as a hub."""


class Watch:
    """Bounds what a client waits for.

    Attributes:
        failure: what it gave up with, whatever the client made of that.
        cancelled: whether nobody waits for what is being fetched any more.
    """

    def __init__(self, patience: float) -> None:
        self.patience = patience
        self.failure: UnreachableError | None = None
        self.cancelled = False
        self._since: dict[str, float] = {}
        self._status: dict[str, int] = {}
        self._broken: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._places: dict[str, str] = {}
        self._asked_as: dict[str, str] = {}

    def on_request(self, request: httpx2.Request) -> None:
        """Give a request no more time than its address has left.

        Raises:
            UnreachableError: it has none.
        """
        self.go_on()
        key = self._key(str(request.url))
        now = time.monotonic()
        if now - self._asked.get(key, now) > self.patience + _LONGEST_SLEEP:
            self.more(key)  # nobody tried again: this is another attempt, not the same one
        self._asked[key] = now
        left = self.patience - (now - self._since.setdefault(key, now))
        if left <= 0:
            self.give_up(key)
        limits = dict(request.extensions.get("timeout") or {})
        left = max(left, self.patience / 10)  # a body that comes at last must not fail by a hair
        for phase in ("connect", "read", "write", "pool"):
            asked = limits.get(phase)
            limits[phase] = left if asked is None else min(asked, left)
        request.extensions["timeout"] = limits

    def on_response(self, response: httpx2.Response) -> None:
        """See whether this is an answer, and bound how long its body may take.

        Raises:
            UnreachableError: a login page answers in the hub's place, or a rate limit outlasts the patience.
        """
        url = str(response.request.url)
        key = self._key(url)
        status = response.status_code
        if _is_page(response) and not urlsplit(key).path.endswith((".html", ".htm")):
            self._fail(
                f"a login page answers in the place of {_host(url)}; log in to your network in a browser, "
                "or set HF_ENDPOINT and HTTPS_PROXY to what leads to the hub"
            )
        if response.has_redirect_location:
            # What lies elsewhere, at an address that is another each time, is still what was asked for here.
            place = urljoin(url, response.headers["Location"])
            self._asked_as.pop(self._places.get(key, ""), None)
            self._places[key], self._asked_as[place] = place, key
            if response.request.method == "HEAD":
                self.arrived(key)  # the client may have wanted to know no more
            return
        if status in _AGAIN:
            self._status[key] = status
            wait = _asked_to_wait(response)
            if wait >= self.patience:  # the client would sleep for as long
                if status == 429:
                    self._fail(_limited(url, f"wait {wait} seconds"))
                self._fail(
                    f"{_host(url)} answers HTTP {status}, and asks to be left alone for {wait} seconds; try then"
                )
            return
        self._status.pop(key, None)
        if response.request.method == "HEAD" or status >= 400:
            self.arrived(key)
        else:
            assert isinstance(response.stream, httpx2.SyncByteStream)
            response.stream = _Paced(response.stream, self, key)

    def go_on(self) -> None:
        """Let what other threads still fetch end where nobody waits for it any more.

        Raises:
            UnreachableError: nobody does.
        """
        if self.cancelled:
            raise UnreachableError("given up")

    def take_failure(self) -> UnreachableError | None:
        """Return what it gave up with, once."""
        failure, self.failure = self.failure, None
        return failure

    def arrived(self, key: str) -> None:
        """Stop the clock of an address."""
        self._since.pop(key, None)
        self._asked.pop(key, None)
        self._broken.pop(key, None)

    def pause(self, key: str, seconds: float) -> None:
        """Leave out what the reader of a stream, not the hub, took."""
        if key in self._since:
            self._since[key] += seconds

    def late(self, key: str) -> bool:
        """Tell whether an address has used up its time."""
        return time.monotonic() - self._since.get(key, time.monotonic()) > self.patience

    def more(self, key: str) -> None:
        """Start the clock of an address again: enough of it has come."""
        self._since[key] = time.monotonic()

    def broke(self, key: str, error: Exception) -> None:
        """Remember how a body ended that did not arrive."""
        slow = isinstance(error, httpx2.TimeoutException)
        self._broken[key] = _SLOW if slow else "breaks off again and again"

    def give_up(self, url: str, what: str = "") -> None:
        """Raise why an address is waited for no longer.

        Raises:
            UnreachableError: always.
        """
        status = self._status.get(url)
        if status == 429:
            self._fail(_limited(url, "try again later"))
        if status:
            self._fail(
                f"{_host(url)} answers HTTP {status} again and again; try again later (what was fetched is kept)"
            )
        what = what or self._broken.get(url, "does not answer")
        self._fail(
            f"{_host(url)} {what}: waited {self.patience:g} seconds for {urlsplit(url).path}; try again later, "
            "or behind a slow proxy with a higher CHARRNN_HUB_SECONDS"
        )

    def _fail(self, line: str) -> None:
        self.failure = UnreachableError(line)
        raise self.failure

    def _key(self, url: str) -> str:
        return self._asked_as.get(url, url)


class _Paced(httpx2.SyncByteStream):
    """A body that may be slow, but not for ever."""

    def __init__(self, stream: httpx2.SyncByteStream, watch: Watch, key: str) -> None:
        self._stream, self._watch, self._key = stream, watch, key
        self._broken = False

    def __iter__(self) -> Iterator[bytes]:
        enough = LEAST_RATE * self._watch.patience
        got = 0
        try:
            for chunk in self._stream:
                self._watch.go_on()
                got += len(chunk)
                if got >= enough:
                    self._watch.more(self._key)
                    got = 0
                elif self._watch.late(self._key):
                    self._watch.give_up(self._key, _SLOW)
                handed = time.monotonic()
                yield chunk
                self._watch.pause(self._key, time.monotonic() - handed)
        except Exception as error:
            self._broken = True
            self._watch.broke(self._key, error)
            raise
        self._watch.arrived(self._key)

    def close(self) -> None:
        if not self._broken:
            self._watch.arrived(self._key)  # the reader has enough
        self._stream.close()


def _is_page(response: httpx2.Response) -> bool:
    """Tell a page for people from data: the hub serves HTML files as plain text."""
    if response.status_code == _LOGIN_NEEDED:
        return True
    kind = response.headers.get("Content-Type", "")
    return response.status_code == 200 and kind.lower().startswith("text/html")


def _asked_to_wait(response: httpx2.Response) -> int:
    """Return the seconds after which the hub wants to be asked again, as the client reads them."""
    wait: str = response.headers.get("Retry-After", "").strip()
    limit = _LIMIT.search(response.headers.get("RateLimit", ""))
    if response.status_code == 429 and limit and limit["left"] == "0":
        return int(limit["reset"])
    return int(wait) if wait.isdigit() else 0


def _limited(url: str, advice: str) -> str:
    return (
        f"{_host(url)} limits how often it may be asked (HTTP 429); {advice}, or log in by HF_TOKEN for a higher limit"
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"

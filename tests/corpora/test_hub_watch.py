"""The watch over the hub's client, by a clock that the test turns."""

from __future__ import annotations

import httpx2
import pytest

from charrnn.corpora.hub import watch as module
from charrnn.corpora.hub.watch import UnreachableError, Watch

URL = "https://hub.test/datasets/a/b/resolve/main/c.parquet"


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


@pytest.fixture
def watch(clock):
    return Watch(20.0)


def ask(watch, status=None, url=URL, body=(), **headers):
    """Ask for an address, and answer where there is a status."""
    request = httpx2.Request("GET", url)
    watch.on_request(request)
    if status is None:
        return request
    response = httpx2.Response(status, headers=headers, content=iter(body), request=request)
    watch.on_response(response)
    return response


def test_what_is_tried_again_has_the_time_that_is_left(watch, clock):
    assert ask(watch).extensions["timeout"]["read"] == 20
    clock.now = 12
    assert ask(watch).extensions["timeout"]["read"] == 8
    clock.now = 21
    with pytest.raises(
        UnreachableError, match=r"https://hub\.test does not answer: waited 20 seconds for /datasets/a/b"
    ):
        ask(watch)


def test_an_answer_that_stumbles_does_not_stop_the_clock(watch, clock):
    ask(watch, 503)
    clock.now = 21
    with pytest.raises(UnreachableError, match="answers HTTP 503 again and again"):
        ask(watch)


def test_a_whole_answer_stops_the_clock(watch, clock):
    list(ask(watch, 200, body=[b"all"]).iter_raw())
    clock.now = 100
    assert ask(watch).extensions["timeout"]["read"] == 20


def test_another_attempt_much_later_has_all_the_time(watch, clock):
    ask(watch)
    clock.now = 1000
    assert ask(watch).extensions["timeout"]["read"] == 20


def test_a_reader_that_takes_its_time_is_no_slow_hub(watch, clock):
    got = []
    for chunk in ask(watch, 200, body=[b"a", b"b", b"c"]).iter_raw():
        clock.now += 600  # a chunk is trained on
        got.append(chunk)
    assert got == [b"a", b"b", b"c"]


def test_a_body_may_take_long_as_long_as_enough_of_it_comes(watch, clock):
    def body():
        for _ in range(10):
            clock.now += 15
            yield bytes(30 * 1024)

    assert sum(map(len, ask(watch, 200, body=body()).iter_raw())) == 300 * 1024


def test_a_body_that_trickles_ends(watch, clock):
    def body():
        while True:
            clock.now += 1
            yield b"."

    with pytest.raises(UnreachableError, match="sends almost nothing"):
        list(ask(watch, 200, body=body()).iter_raw())
    assert watch.take_failure() is not None
    assert watch.take_failure() is None


def test_a_place_elsewhere_is_timed_with_what_led_to_it(watch, clock):
    ask(watch, 302, Location="https://storage.test/x?signature=1")
    clock.now = 21
    with pytest.raises(UnreachableError, match=r"waited 20 seconds for /datasets/a/b/resolve/main/c\.parquet"):
        ask(watch, url="https://storage.test/x?signature=1")


def test_a_page_where_data_should_be_is_a_login_page(watch):
    with pytest.raises(UnreachableError, match=r"a login page answers in the place of https://hub\.test"):
        ask(watch, 200, **{"Content-Type": "text/html; charset=utf-8"})


def test_a_dataset_may_hold_pages(watch):
    ask(watch, 200, url="https://hub.test/datasets/a/b/resolve/main/c.html", **{"Content-Type": "text/html"})

"""Writing together, by the lines that a person types."""

from __future__ import annotations

import re

import pytest

import charrnn


@pytest.fixture
def talk(program, trained):
    def call(*lines, flags=("--interactive",)):
        typed = "".join(f"{line}\n" for line in lines).encode()
        return program("sample", "--checkpoints", trained, *flags, "--seed", 1, stdin=typed)

    return call


@pytest.fixture
def session(trained):
    return charrnn.load("words", checkpoints=trained)


def suggestions(result):
    """The offers of each turn: pieces with their shares."""
    lines = [line for line in result.err.splitlines() if line.startswith(("1 '", '1 "'))]
    return [re.findall(r"""\d ('.*?'|".*?") (\d+)%""", line) for line in lines]


def test_suggestions_are_the_likeliest_pieces_with_their_probabilities(talk, session):
    result = talk("def", flags=("--interactive", "--prompt", "x = "))
    assert result.code == 0
    before, after = suggestions(result)
    for offered, prompt in ((before, "x = "), (after, "x = def")):
        wanted = [(repr(text), f"{share:.0%}".rstrip("%")) for text, share in session.next(prompt)[: len(offered)]]
        assert offered == wanted


def test_a_number_picks_and_text_is_added(talk, session):
    result = talk("def ", "1", "=12", "2", flags=("--interactive", "--prompt", "#"))
    text = "#def "
    text += session.next(text)[0][0] + "12"
    text += session.next(text)[1][0]
    assert result.out.endswith(f"{text}\n")


def test_undo_takes_back_turn_by_turn(talk):
    result = talk("abc", "def", "/undo", "ghi", "/undo", "/undo", "/undo", "xyz", flags=("--interactive",))
    assert "there is nothing to take back" in result.err
    assert result.out.splitlines()[-1] == "xyz"
    once = talk("abc", "def", "/undo", "ghi")
    assert once.out.splitlines()[-1] == "abcghi"


def test_an_empty_line_lets_the_model_go_on_to_the_line_s_end(talk, session):
    result = talk("def ", "", "/text")
    assert result.out == "def " + session.generate("def ", lines=1, seed=1) + "\n"
    back = talk("def ", "", "/undo")
    assert back.out.endswith("def \n")


def test_what_is_shown_steers_no_terminal_and_what_is_written_is_the_text(talk):
    """A person reads standard error, wherever it leads."""
    result = talk("a\x1b[2Jb", "/text")
    assert "\x1b" not in result.err
    assert "a␛[2Jb\n" in result.err
    assert "\x1b[2J" in result.out
    assert "a\x1b[2Jb\n" in talk("a\x1b[2Jb", "/text", flags=("--interactive", "--raw")).err


def test_the_state_is_carried(talk, session):
    """What the model says after turns is what it says after the whole text."""
    result = talk("de", "f ma", "in")
    wanted = [repr(text) for text, _ in session.next("def main")]
    assert [piece for piece, _ in suggestions(result)[-1]] == wanted[: len(suggestions(result)[-1])]


def test_a_loop_continues_each_line(talk, session):
    result = talk("def a", "def b", flags=("--loop", "--lines", "1"))
    first = session.generate("def a\n", lines=1, seed=1)
    second = session.generate(f"def a\n{first}def b\n", lines=1, seed=1, lane=1)
    assert result.out == first + second
    again = talk("def a", "/undo", "def c", "/quit", "never", flags=("--loop", "--lines", "1"))
    assert again.out == first + session.generate("def c\n", lines=1, seed=1, lane=1)


def test_what_is_forbidden_is_not_offered(talk):
    (offered,) = suggestions(talk(flags=("--interactive", "--allow", "abc", "--ban", "b")))
    assert {piece for piece, _ in offered} == {"'a'", "'c'"}
    nothing = talk("", flags=("--interactive", "--allow", "a", "--ban", "a"))
    assert "no token may come here" in nothing.err


@pytest.mark.parametrize(
    ("policy", "told", "written"),
    [("replace", "replaced", "a☃b"), ("skip", "skipped", "a☃b"), ("error", "not added", "a")],
)
def test_unseen_characters_follow_the_policy(policy, told, written, talk):
    result = talk("a", "☃b", "/text", flags=("--interactive", "--unseen", policy))
    assert f"the model has never seen 1 character ('☃'); {told}" in result.err
    assert result.out == f"{written}\n"
    assert told in talk("☃", flags=("--loop", "--length", "3", "--unseen", policy)).err


def test_what_is_no_utf8_is_text_that_the_model_has_never_seen(program, trained):
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    flags = ("--checkpoints", trained, "--loop", "--length", 3)
    result = program("sample", *flags, stdin=b"a\xff\n", env=strict)
    assert result.code == 0
    assert "the model has never seen 1 character ('\ufffd'); replaced" in result.err


def test_what_cannot_be_is_told_and_the_talk_goes_on(talk):
    result = talk("/undoo", "99", "9" * 5000, "²", "/undo", "☃", "ok")
    assert "there is no /undoo" in result.err
    assert all(len(line) < 500 for line in result.err.splitlines())
    assert "there is no suggestion 99; =99 adds it as text" in result.err
    assert "the model has never seen 1 character ('☃'); replaced" in result.err
    assert result.out.splitlines()[-1].endswith("ok")

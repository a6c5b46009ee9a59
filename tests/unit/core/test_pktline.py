"""The lines before a pack: read strictly, whatever pieces they come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.pktline import LARGEST_LINE, MOST, Commands, advertised, announcement, line
from paas.errors import Invalid, TooLarge

OLD, NEW, ZERO = "a" * 40, "b" * 40, "0" * 40
MAIN = line(f"{OLD} {NEW} refs/heads/main\0 report-status side-band-64k".encode())
TAG = line(f"{ZERO} {NEW} refs/tags/v1\n".encode())
GONE = line(f"{OLD} {ZERO} refs/heads/old".encode())


def read(*pieces: bytes) -> Commands:
    commands = Commands()
    for piece in pieces:
        commands.feed(piece)
    return commands


def test_commands_up_to_the_flush() -> None:
    commands = read(MAIN, TAG, b"0000PACK....")
    assert commands.complete
    assert not commands.probing
    assert commands.pack_follows
    assert [(one.old, one.new, one.ref) for one in commands.updates] == [
        (OLD, NEW, "refs/heads/main"),
        (ZERO, NEW, "refs/tags/v1"),
    ]
    assert commands.data == MAIN + TAG + b"0000PACK...."


@given(st.integers(0, len(MAIN + TAG) + 4))
def test_split_anywhere(at: int) -> None:
    whole = MAIN + TAG + b"0000"
    assert read(whole[:at], whole[at:]).updates == read(whole).updates


def test_what_only_deletes_has_no_pack() -> None:
    assert not read(GONE, b"0000").pack_follows


def test_a_lone_flush_is_a_probe() -> None:
    commands = read(b"00", b"00")
    assert commands.probing
    commands.end()


def test_shallow_lines_are_no_changes() -> None:
    commands = read(line(b"shallow " + OLD.encode()), MAIN, b"0000")
    assert len(commands.updates) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1",
        b"zzzz",
        b"0001",
        b"0004",
        b"fff5" + b"x" * 10,
        line(b"push-cert\0"),
        line(b"hello"),
        line(f"{OLD} {NEW} HEAD".encode()),
        line(f"{OLD} xyz refs/heads/main".encode()),
        line(f"{OLD} {NEW} refs/heads/a\nb".encode()),
    ],
)
def test_anything_else_is_refused(garbage: bytes) -> None:
    assert LARGEST_LINE < 0xFFF5
    with pytest.raises(Invalid) as refused:
        read(garbage)
    assert refused.value.code == "malformed_push"


def test_cut_off() -> None:
    with pytest.raises(Invalid, match="cut off"):
        read(MAIN).end()


def test_too_many_refs() -> None:
    commands = Commands()
    commands.feed(TAG * (MOST // len(TAG)))
    with pytest.raises(TooLarge):
        commands.feed(TAG)


def test_the_announcement_and_back() -> None:
    assert announcement(b"refs") == b"001f# service=git-receive-pack\n0000refs"
    assert advertised(announcement(b"refs")) == b"refs"
    with pytest.raises(Invalid):
        advertised(b"<html>")

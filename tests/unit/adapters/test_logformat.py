import logging
from types import SimpleNamespace

from paas.adapters.logformat import unraisable


def decoding_error():
    try:
        b"\xe9".decode("ascii")
    except UnicodeDecodeError as error:
        return error
    raise AssertionError


def test_what_nobody_could_catch_is_logged(caplog):
    unraisable(SimpleNamespace(exc_value=ValueError("lost"), object=None))
    unraisable(SimpleNamespace(exc_value=decoding_error(), object=print))
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "lost" in caplog.text


def test_server_names_that_are_no_ascii_are_not(caplog):
    unraisable(SimpleNamespace(exc_value=decoding_error(), object=b"\xe9"))
    assert not caplog.records

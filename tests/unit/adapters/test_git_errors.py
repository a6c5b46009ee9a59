"""What git and ssh say, as errors: messages of git 2.39 and of well-known hosts."""

import pytest

from paas.adapters.git_errors import is_missing_ref, is_redirect, translated
from paas.core.git_urls import parse_url
from paas.ports import GitLogin

URL = parse_url("https://host.example/team/shop.git")
LOGIN = GitLogin(user="ann", password="sesame")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (
            "fatal: could not read Username for 'https://host.example': terminal prompts disabled",
            "repository_login_needed",
        ),
        ("git@host.example: Permission denied (publickey).", "repository_login_needed"),
        ("The requested URL returned error: 403", "repository_login_needed"),
        ("remote: HTTP Basic: Access denied", "repository_login_needed"),
        ("fatal: repository 'https://host.example/x/' not found", "repository_not_found"),
        ("ERROR: Repository not found.", "repository_not_found"),
        ("fatal: '/x' does not appear to be a git repository", "repository_not_found"),
        (
            "remote: The project you were looking for could not be found or may not be seen.",
            "repository_not_found",
        ),
        ("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @", "host_key_changed"),
        ("Host key verification failed.", "host_key_changed"),
        ('Load key "/x/key": error in libcrypto', "bad_ssh_key"),
        (
            "server certificate verification failed. CAfile: none CRLfile: none",
            "repository_certificate",
        ),
        ("fatal: protocol error: bad line length character: <htm", "not_a_repository"),
        ("fatal: https://x/info/refs not valid: is this a git repository?", "not_a_repository"),
        (
            "Failed to connect to host.example port 443: Connection refused",
            "repository_unreachable",
        ),
        ("ssh: connect to host host.example port 22: No route to host", "repository_unreachable"),
        ("The requested URL returned error: 502", "repository_unreachable"),
        ("fatal: something new", "fetch_failed"),
    ],
)
def test_messages(said: str, code: str) -> None:
    error = translated(said, URL, login=None)
    assert error.code == code
    assert error.advice


def test_a_login_that_was_given_was_refused() -> None:
    error = translated("fatal: Authentication failed for 'https://x'", URL, login=LOGIN)
    assert error.code == "repository_login_refused"
    assert "sesame" not in error.message


def test_the_last_lines_of_what_nobody_knows() -> None:
    said = "\n".join(f"line {number}" for number in range(40))
    assert translated(said, URL, login=None).log[-1] == "line 39"
    assert len(translated(said, URL, login=None).log) == 15


def test_redirects_and_missing_refs() -> None:
    assert is_redirect("The requested URL returned error: 301")
    assert not is_redirect("The requested URL returned error: 404")
    assert is_missing_ref("fatal: couldn't find remote ref refs/heads/x")
    assert is_missing_ref("fatal: remote error: upload-pack: not our ref 0123")
    assert not is_missing_ref("fatal: the remote end hung up")

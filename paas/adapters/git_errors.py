"""What git and ssh say on their error output, as errors that tell what to do."""

import re
from collections.abc import Callable

from paas.core.git_urls import GitUrl
from paas.errors import Denied, Failed, Invalid, NotFound, PaasError, TooLarge, Unavailable
from paas.ports.fetching import GitLogin

LINES = 15

_REDIRECT = re.compile(r"returned error: 30[12378]|unable to update url base from redirection")


def is_redirect(err: str) -> bool:
    """Whether an https server answered with a redirect."""
    return _REDIRECT.search(err) is not None


def is_missing_ref(err: str) -> bool:
    """Whether the server has no such ref, or does not give that commit."""
    said = ("couldn't find remote ref", "not our ref", "unadvertised object", "no such remote ref")
    return any(one in err.lower() for one in said)


def translated(err: str, url: GitUrl, *, login: GitLogin | None) -> PaasError:
    """The error that git's last words stand for."""
    for pattern, make in _KNOWN:
        if pattern.search(err):
            return make(url, login)
    lines = [line.strip() for line in err.replace("\r", "\n").splitlines() if line.strip()]
    return Failed(
        f"Fetching {url.text} failed.",
        code="fetch_failed",
        advice="The last lines of the log are git's own.",
        log=tuple(lines[-LINES:]),
    )


def broken(err: str) -> Invalid:
    return Invalid(
        "The repository's files could not be read.",
        code="not_a_repository",
        advice="Check it with git fsck.",
        log=tuple(err.splitlines()[-LINES:]),
    )


def tree_too_large(message: str = "The repository's files are too many or too large.") -> TooLarge:
    return TooLarge(
        message,
        code="repository_too_large",
        advice="Name the directory to take, take large files out, or have the operator raise "
        "limits.unpacked_bytes and limits.archive_entries.",
    )


def bad_tree(error: Invalid) -> Invalid:
    return Invalid(
        error.message.replace("archive", "repository"),
        code="bad_repository" if error.code == "bad_archive" else error.code,
        advice="Name the directory to take, or change the repository.",
    )


def bad_submodule(message: str) -> Invalid:
    return Invalid(
        message,
        code="bad_submodules",
        advice="Change .gitmodules, or deploy without submodules.",
    )


def outside(error: OSError) -> Unavailable:
    return unusable(error.strerror or str(error))


def unusable(why: str) -> Unavailable:
    return Unavailable(
        f"The repository could not be fetched: {why.strip()[-300:]}.",
        code="git_unusable",
        advice="See that git is installed (paas doctor) and that there is space on the disk.",
    )


def _no_entry(url: GitUrl, login: GitLogin | None) -> Denied:
    if login is not None:
        return Denied(
            f"{url.host} refused the credentials for {url.text}.",
            code="repository_login_refused",
            advice="Check that they are current and may read this repository: for https a user "
            "and an access token, for ssh a deploy key whose public half the repository knows.",
        )
    return Denied(
        f"{url.host} wants a login for {url.text}.",
        code="repository_login_needed",
        advice="Give credentials: --git-user with a token as its password for https, --git-key "
        "with a deploy key for ssh. Hosts also answer so when there is no such repository.",
    )


def _missing(url: GitUrl, login: GitLogin | None) -> NotFound:
    hint = "" if login else " A private one may need credentials to be seen."
    return NotFound(
        f"There is no repository {url.text}.",
        code="repository_not_found",
        advice=f"Check the URL for typing errors.{hint}",
    )


def _host_key(url: GitUrl, _login: GitLogin | None) -> Denied:
    return Denied(
        f"The ssh host key of {url.host} is not the one that is known.",
        code="host_key_changed",
        advice="Somebody may stand between. If the server was renewed, compare its key with what "
        "its owner publishes, then remove its line from known_hosts in data_dir, or give the "
        "new key as host_key.",
    )


def _bad_key(_url: GitUrl, _login: GitLogin | None) -> Invalid:
    return Invalid(
        "The ssh key for the repository cannot be used.",
        code="bad_ssh_key",
        advice="Give an unencrypted private key, as ssh-keygen -t ed25519 -N '' makes one.",
    )


def _tls(url: GitUrl, _login: GitLogin | None) -> Denied:
    return Denied(
        f"The certificate of {url.host} is not trusted.",
        code="repository_certificate",
        advice="Check the host's name. If a certificate authority of your own signed it, the "
        "operator can name its file in git.ca_file.",
    )


def _unreachable(url: GitUrl, _login: GitLogin | None) -> Unavailable:
    return Unavailable(
        f"{url.host} does not answer on port {url.port}.",
        code="repository_unreachable",
        advice="Check the URL, and whether that server is up and can be reached from here.",
    )


def _no_repository(url: GitUrl, _login: GitLogin | None) -> Invalid:
    return Invalid(
        f"What answers at {url.text} is no git repository.",
        code="not_a_repository",
        advice="Give the URL that git clone takes, not that of a web page.",
    )


_Make = Callable[[GitUrl, GitLogin | None], PaasError]
_KNOWN: tuple[tuple[re.Pattern[str], _Make], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), make)
    for pattern, make in (
        (r"HOST IDENTIFICATION HAS CHANGED|host key verification failed", _host_key),
        (r"load key .*(invalid|error|incorrect)|bad permissions|bad decrypt", _bad_key),
        (r"terminal prompts disabled|authentication failed|error: 40[13]\b", _no_entry),
        (r"permission denied \(|access denied", _no_entry),
        (r"repository .*not found|error: 404\b|error: 410\b", _missing),
        (r"does not appear to be a git repository|not a git repository: ", _missing),
        (r"no such (project|repository)|project .* could not be found", _missing),
        (r"certificate|SSL", _tls),
        (
            r"is this a git repository|protocol error|bad line length|bad (band|pack)",
            _no_repository,
        ),
        (r"invalid server response|not valid: |Unexpected|early EOF|corrupt", _no_repository),
        (r"connect to|connection (refused|reset|timed out)|timed out|no route", _unreachable),
        (r"could not resolve|operation too slow|empty reply|error: 5\d\d\b", _unreachable),
    )
)

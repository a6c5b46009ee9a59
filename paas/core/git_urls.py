"""Addresses of repositories, and the refs and directories in them, as far as they are safe.

What passes here may stand behind `--` on a command line of git: no option, no other
transport, no login, nothing outside of the repository. Rules raise `ValueError` whose
text completes "must be …".
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from paas.core.addresses import is_host_name
from paas.core.networks import parse_ip

URL_RULE = (
    "a repository's URL such as https://host/team/shop.git, ssh://git@host/team/shop.git "
    "or git@host:team/shop.git"
)
REF_RULE = "the name of a branch or tag, or a commit of at least 7 hexadecimal digits"
SUBDIR_RULE = 'a relative path inside the repository, without ".."'
LONGEST = 1000
PORTS = {"https": 443, "http": 80, "ssh": 22}

_SCP = re.compile(r"(?:([A-Za-z0-9_][A-Za-z0-9._-]*)@)?([A-Za-z0-9][A-Za-z0-9.-]*):(.+)", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*", re.ASCII)
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class GitUrl:
    """A checked URL. `text` is what git is given, `path` begins with `/` but in the form
    `user@host:path`; `host` has no brackets.
    """

    text: str
    scheme: str
    host: str
    port: int
    path: str
    user: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """Who answers: a login for one origin is for no other."""
        return (self.scheme, self.host, self.port)

    @property
    def root(self) -> str:
        """The origin as a URL, `https://host[:port]`, without a final slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}"


def parse_url(text: str, *, allow_http: bool = False) -> GitUrl:
    """Schemes https and ssh, and http where that is allowed."""
    if not text or len(text) > LONGEST or text.startswith("-"):
        raise ValueError(URL_RULE)
    if not text.isascii() or not text.isprintable() or set(text) & set(" \\\"'`"):
        raise ValueError("a URL without spaces, quotes, backslashes and special characters")
    if "::" in text and "://" not in text:
        raise ValueError(f"{URL_RULE}; no other transports")
    if "://" not in text:
        return _scp(text)
    return _url(text, allow_http=allow_http)


def service_of(text: str) -> str:
    """The repository's own name: `https://host/team/Shop.git` → `Shop`."""
    return text.rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]


def relative_url(parent: GitUrl, text: str, *, allow_http: bool = False) -> GitUrl:
    """A submodule's URL, which may be relative to the URL of the repository around it."""
    if not text.startswith(("./", "../")):
        return parse_url(text, allow_http=allow_http)
    colon = "://" not in parent.text
    head, _, path = parent.text.partition(":") if colon else (parent.root, "", parent.path)
    if not colon and parent.user:
        head = head.replace("://", f"://{parent.user}@", 1)
    parts = path.strip("/").split("/")
    for part in text.split("/"):
        if part == "..":
            if not parts:
                raise ValueError("a URL that stays on the repository's host")
            parts.pop()
        elif part not in {"", "."}:
            parts.append(part)
    joined = "/".join(parts)
    whole = f"{head}:{joined}" if colon else f"{head}/{joined}"
    return parse_url(whole, allow_http=allow_http)


def check_ref(text: str) -> str:
    """A branch, tag or commit as git allows them, with or without `refs/heads/`."""
    bad = text.startswith(("-", "/", ".")) or text.endswith(("/", "."))
    if bad or text == "@" or len(text) > 250 or not text or _BAD_REF.search(text):
        raise ValueError(REF_RULE)
    if not text.isprintable():
        raise ValueError(REF_RULE)
    return text


def is_commit(ref: str) -> bool:
    """Whether it can be a commit's id, whole or abbreviated."""
    return _COMMIT.fullmatch(ref) is not None


def check_subdir(text: str) -> str:
    """The path without `.` and doubled slashes; the top is empty."""
    wrong = text.startswith(("/", "-")) or not text.isprintable() or len(text) > LONGEST
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if wrong or "\\" in text or ":" in text or any(_no_folder(part) for part in parts):
        raise ValueError(SUBDIR_RULE)
    return "/".join(parts)


def _no_folder(part: str) -> bool:
    return part == ".." or part.startswith("-") or part.lower() == ".git"


def _scp(text: str) -> GitUrl:
    found = _SCP.fullmatch(text)
    if found is None:
        raise ValueError(URL_RULE)
    user, host, path = found.groups()
    _check_host(host)
    _check_path(path)
    return GitUrl(text=text, scheme="ssh", host=host.lower(), port=22, path=path, user=user or "")


def _url(text: str, *, allow_http: bool) -> GitUrl:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(URL_RULE) from None
    scheme = parts.scheme
    if scheme == "http" and not allow_http:
        raise ValueError("a URL with https:// or ssh://: http:// is not allowed here")
    if scheme not in PORTS:
        raise ValueError(f"{URL_RULE}; no other schemes")
    if parts.query or parts.fragment or "?" in text or "#" in text or port == 0:
        raise ValueError(f"{URL_RULE}, without query and fragment")
    host = (parts.hostname or "").lower()
    _check_host(host)
    _check_path(parts.path)
    return GitUrl(
        text=scheme + text[len(scheme) :],
        scheme=scheme,
        host=host,
        port=port or PORTS[scheme],
        path=parts.path,
        user=_user(parts),
    )


def _user(parts: SplitResult) -> str:
    """A user name is part of an ssh URL; every other login has a place of its own."""
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise ValueError("a URL without user and password; give them as credentials")
    user = parts.username or ""
    if "@" in parts.netloc and not _USER.fullmatch(user):
        raise ValueError(URL_RULE)
    return user


def _check_host(host: str) -> None:
    if not is_host_name(host) and ("%" in host or parse_ip(host.encode()) is None):
        raise ValueError(f"{URL_RULE}, with a valid host name")


def _check_path(path: str) -> None:
    plain = unquote(path)
    parts = plain.split("/")
    wrong = any(part.startswith("-") or part == ".." for part in parts)
    if not plain.strip("/") or wrong or not plain.isprintable():
        raise ValueError(f'{URL_RULE}, with a path that holds no ".." and no leading "-"')

"""What a service's settings demand of a request before it may go on.

A policy is compiled once for each change of the service. Order matters and is the
order of `decide`: who may come at all, where to, how much, who it is, and last
whether the service is open. So a visitor who is kept out learns nothing else, and
nobody is asked for a password on a connection that is about to be redirected.
"""

import base64
import binascii
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from paas.core.ignoring import Ignore, ignore_rules
from paas.core.model import BasicAuth, Maintenance, Service
from paas.core.networks import IPAddress, Network, inside, networks

STICKY_COOKIE = b"paas-version"
LONGEST_CREDENTIALS = 1024

_PAIR = re.compile(rb"(?:^|;)[ \t]*" + STICKY_COOKIE + rb'[ \t]*=[ \t]*"?([a-z0-9-]{1,80})"?')
_BASIC = re.compile(rb"[Bb][Aa][Ss][Ii][Cc] +([A-Za-z0-9+/=]+) *")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What `decide` looks at. `client` is None when it cannot be told; `port` is the
    Host field's (`:8080` or empty), `secure_port` the one for https; `length` is the
    body's as far as it is known.
    """

    client: IPAddress | None
    scheme: bytes
    host: str
    port: bytes
    secure_port: bytes = b""
    method: bytes
    target: bytes
    length: int
    authorization: bytes | None


class Refuse(Enum):
    """Why a request ends here."""

    ADDRESS = "address"
    BODY = "body"
    PATH = "path"
    MAINTENANCE = "maintenance"


class Verdict(Enum):
    """ALLOW: go on. HOLD: wait while the service is paused. CHALLENGE: ask for a password."""

    ALLOW = "allow"
    HOLD = "hold"
    CHALLENGE = "challenge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect:
    location: bytes
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Prove:
    """Check this user and password, then ask again with what was `proven`."""

    user: bytes
    password: bytes


Decision = Verdict | Refuse | Redirect | Prove


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """`only` matches all targets that may be asked for (None: any). `sticky` maps the cookie
    values that are honoured to version ids, `cookies` those ids to the field lines that set
    them; both are empty without stickiness. `hsts` is the field line for answers by https, or
    empty.
    """

    only: re.Pattern[bytes] | None = None
    redirect_https: bool = False
    hsts: bytes = b""
    main_domain: str | None = None
    basic_auth: BasicAuth | None = None
    allow: tuple[Network, ...] = ()
    maintenance: Maintenance = Maintenance.OFF
    body_limit: int = 0
    request_log: bool = False
    ignore: tuple[Ignore, ...] = ()
    sticky: Mapping[bytes, str]
    cookies: Mapping[str, bytes]


def service_policy(service: Service, *, hosts: Collection[str]) -> Policy | None:
    """The policy of the hosts that follow the split; None when nothing is demanded.

    A main domain that is none of these hosts any more counts as none.
    """
    settings = service.settings
    sticky = _sticky(service) if settings.sticky else {}
    policy = Policy(
        redirect_https=settings.redirect_https,
        hsts=_hsts(settings.hsts),
        main_domain=_one_of(hosts, settings.main_domain),
        basic_auth=settings.basic_auth,
        allow=networks(settings.allow),
        maintenance=settings.maintenance,
        body_limit=settings.body_limit,
        request_log=settings.request_log,
        ignore=ignore_rules(settings.ignore),
        sticky=sticky,
        cookies={version: _set_cookie(name) for name, version in sticky.items()},
    )
    return None if policy == _NOTHING else policy


def version_policy(service: Service) -> Policy | None:
    """The policy of a version's own host: it names its version, so stickiness and main
    domain mean nothing there; whatever protects the service does.
    """
    settings = service.settings
    policy = Policy(
        redirect_https=settings.redirect_https,
        hsts=_hsts(settings.hsts),
        basic_auth=settings.basic_auth,
        allow=networks(settings.allow),
        maintenance=settings.maintenance,
        body_limit=settings.body_limit,
        request_log=settings.request_log,
        ignore=ignore_rules(settings.ignore),
        sticky={},
        cookies={},
    )
    return None if policy == _NOTHING else policy


def targets_policy(only: re.Pattern[bytes], *, body_limit: int) -> Policy:
    """Lets requests for those targets through, byte for byte, and no others."""
    return Policy(only=only, body_limit=body_limit, sticky={}, cookies={})


def decide(policy: Policy, facts: Facts, *, proven: BasicAuth | None = None) -> Decision:
    """What becomes of the request. `proven`: the login it has proved to know."""
    barred = _barred(policy, facts)
    if barred is not None:
        return barred
    location = _elsewhere(policy, facts)
    if location is not None:
        status = 301 if facts.method in (b"GET", b"HEAD") else 308
        return Redirect(location=location, status=status)
    if policy.body_limit and facts.length > policy.body_limit:
        return Refuse.BODY
    if policy.basic_auth is not None and policy.basic_auth != proven:
        return _credentials(facts.authorization) or Verdict.CHALLENGE
    if policy.maintenance is Maintenance.PAGE:
        return Refuse.MAINTENANCE
    return Verdict.HOLD if policy.maintenance is Maintenance.HOLD else Verdict.ALLOW


def sticky_version(policy: Policy, cookies: Sequence[bytes]) -> str | None:
    """The id of the version that these Cookie fields name, while it has weight."""
    for cookie in cookies:
        for found in _PAIR.findall(cookie):
            if found in policy.sticky:
                return policy.sticky[found]
    return None


def sticky_cookie(policy: Policy, version: str, *, secure: bool) -> bytes:
    """The field line that makes a visitor stay with that version; empty where none does.

    `secure`: the visitor came by https, so the cookie is for https alone.
    """
    line = policy.cookies.get(version, b"")
    return line.replace(b"\r\n", b"; Secure\r\n") if secure else line


def _one_of(hosts: Collection[str], name: str | None) -> str | None:
    return name if name is not None and name in hosts else None


def _sticky(service: Service) -> dict[bytes, str]:
    return {
        version.name.encode("ascii"): version.id
        for version in service.versions
        if service.split.get(version.name)
    }


def _hsts(seconds: int) -> bytes:
    """RFC 6797, section 6.1."""
    return b"Strict-Transport-Security: max-age=%d\r\n" % seconds if seconds else b""


def _set_cookie(name: bytes) -> bytes:
    return b"Set-Cookie: %b=%b; Path=/; HttpOnly; SameSite=Lax\r\n" % (STICKY_COOKIE, name)


def _barred(policy: Policy, facts: Facts) -> Refuse | None:
    """Why it may not come at all, or not to this target."""
    if policy.allow and not inside(facts.client, policy.allow):
        return Refuse.ADDRESS
    if policy.only is not None and not policy.only.fullmatch(facts.target):
        return Refuse.PATH
    return None


def _elsewhere(policy: Policy, facts: Facts) -> bytes | None:
    """Where a request has to go instead, in one step; None when it is right here."""
    secure = facts.scheme != b"http" or policy.redirect_https
    moved = policy.main_domain is not None and facts.host != policy.main_domain
    upgraded = secure and facts.scheme == b"http"
    if not moved and not upgraded:
        return None
    host = (policy.main_domain if moved and policy.main_domain else facts.host).encode("ascii")
    port = facts.secure_port if upgraded else facts.port
    return b"%b://%b%b%b" % (b"https" if secure else b"http", host, port, facts.target)


def _credentials(authorization: bytes | None) -> Prove | None:
    """User and password of a well-formed field (RFC 7617, section 2)."""
    match = _BASIC.fullmatch(authorization or b"")
    if match is None or len(match[1]) > LONGEST_CREDENTIALS:
        return None
    try:
        user, colon, password = base64.b64decode(match[1], validate=True).partition(b":")
    except binascii.Error:
        return None
    return Prove(user=user, password=password) if colon else None


_NOTHING = Policy(sticky={}, cookies={})

"""Names of services, versions and hosts (PRODUCT.md, section 2)."""

import re

from paas.errors import FieldError, Invalid

SERVICE_RULE = (
    "2 to 40 lower-case letters, digits and hyphens, starting with a letter, "
    "not ending in a hyphen or in a hyphen and three or more digits"
)
RESERVED = frozenset({"console", "api", "paas", "www", "localhost"})

_SERVICE = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")
_VERSION_SHAPE = re.compile(r".*-[0-9]{3,}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def check_service_name(name: str, *, field: str = "name") -> str:
    """The name itself. Raises `Invalid` (`invalid_name`, `reserved_name`)."""
    if not _SERVICE.fullmatch(name) or _VERSION_SHAPE.fullmatch(name):
        raise Invalid(
            f"{name!r} cannot name a service.",
            code="invalid_name",
            advice=f"Use {SERVICE_RULE}.",
            fields=(FieldError(field=field, message=f"must be {SERVICE_RULE}"),),
        )
    if name in RESERVED:
        raise Invalid(
            f"The name {name!r} is reserved.",
            code="reserved_name",
            advice="Choose another name.",
            fields=(
                FieldError(
                    field=field, message=f"must not be one of {', '.join(sorted(RESERVED))}"
                ),
            ),
        )
    return name


def version_name(service: str, number: int) -> str:
    """`hello`, 1 → `hello-001`; more than three digits after 999."""
    return f"{service}-{number:03d}"


def normal_host(host: str) -> str:
    """A Host header's name for look-up: lower case, no port, no trailing dot."""
    name = host.lower()
    if name.startswith("["):
        return name.partition("]")[0] + "]"
    return name.partition(":")[0].rstrip(".")


def check_domain(name: str, *, base_domain: str) -> str:
    """The domain in its normal form. Raises `Invalid` (`invalid_domain`, `reserved_domain`).

    International names are taken in Unicode or punycode and kept as punycode.
    Names at or under the base domain belong to services and versions.
    """
    normal = _to_ascii(name.strip().lower().rstrip("."))
    labels = normal.split(".") if normal else []
    valid = (
        len(labels) >= 2
        and len(normal) <= 253
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )
    if not valid:
        raise _bad_domain(name, "invalid_domain", "must be a host name such as shop.example.com")
    if normal == base_domain or normal.endswith("." + base_domain):
        raise _bad_domain(name, "reserved_domain", f"must not be in the base domain {base_domain}")
    return normal


def check_own_host(host: str, *, base_domain: str) -> None:
    """Whether no service can ever have that host. Raises `ValueError` ("must be …")."""
    first, _, rest = host.partition(".")
    reserved = rest == base_domain and first in RESERVED
    below = host == base_domain or host.endswith("." + base_domain)
    if below and not reserved:
        names = ", ".join(sorted(f"{one}.{base_domain}" for one in RESERVED))
        raise ValueError(f"free of services: api.public_host outside base_domain, or of {names}")


def _to_ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def _bad_domain(name: str, code: str, message: str) -> Invalid:
    return Invalid(
        f"{name!r} cannot be a custom domain.",
        code=code,
        advice=f"A custom domain {message}.",
        fields=(FieldError(field="domain", message=message),),
    )

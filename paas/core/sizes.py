"""Memory sizes as people write them: `512MiB`, `1GiB`, `256m`, plain bytes."""

import re
from decimal import Decimal

SIZE_RULE = "a size such as 512MiB, 1GiB, 256m or a number of bytes"

_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?(?:([kmgt])i?)?b?", re.IGNORECASE | re.ASCII)
_POWERS = {None: 0, "k": 1, "m": 2, "g": 3, "t": 4}
_UNITS = ("TiB", "GiB", "MiB", "KiB")


def parse_size(text: str) -> int:
    """Bytes. Every unit is a power of 1024, as the engine reads them, so `1g` is `1GiB`.

    Raises `ValueError` whose text completes "must be …".
    """
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(SIZE_RULE)
    number, unit = found.groups()
    return int(Decimal(number) * 1024 ** _POWERS[unit and unit.lower()])


def format_size(size: int) -> str:
    """The shortest exact form: 536870912 → `512MiB`, 1000 → `1000`."""
    for index, unit in enumerate(_UNITS):
        whole, rest = divmod(size, 1024 ** (len(_UNITS) - index))
        if whole and not rest:
            return f"{whole}{unit}"
    return str(size)

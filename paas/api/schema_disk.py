"""What callers may send about disk use."""

from paas.api.schema import Body


class Collection(Body):
    """With `dry_run` nothing is removed."""

    dry_run: bool = False

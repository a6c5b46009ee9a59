"""What the API answers about disk use, in bytes."""

from paas.api.answers import Shape
from paas.core.disposal import Kind


class Use(Shape):
    """What one service has of one kind; of images, `shared` are bytes that others have, too.
    An empty service: what belongs to none.
    """

    service: str
    kind: Kind
    count: int
    bytes: int
    shared: int


class Leftover(Shape):
    kind: Kind
    id: str
    service: str
    bytes: int
    reason: str


class Collected(Shape):
    """`uses` is what there was before, `removed` what went or with `dry_run` would go, `bytes`
    its sum; `kept` resisted, because something uses it.
    """

    dry_run: bool
    bytes: int
    uses: list[Use]
    removed: list[Leftover]
    kept: list[Leftover]

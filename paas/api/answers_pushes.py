"""What the hook of a repository is answered about its push."""

from paas.api.answers import Shape


class Push(Shape):
    """`is_next`: the branch may move, all that was pushed and deployed before has moved it."""

    is_next: bool

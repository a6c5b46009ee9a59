"""What callers may send about image registries."""

from typing import Annotated

from pydantic import Field

from paas.api.schema import Body
from paas.api.texts import Text, UserName


class NewLogin(Body):
    """A registry's login. With `check` it is stored only if the registry takes it."""

    user: UserName
    password: Annotated[Text, Field(min_length=1, max_length=10_000, repr=False)]
    check: bool = True

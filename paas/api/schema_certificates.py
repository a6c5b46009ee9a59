"""Request bodies about certificates."""

from typing import Annotated

from pydantic import Field

from paas.api.schema import Body
from paas.api.texts import Text

LONGEST = 200_000

Pem = Annotated[Text, Field(min_length=1, max_length=LONGEST)]


class OwnCertificate(Body):
    """PEM: the domain's certificate with those that lead to its root behind it, and its
    private key without a password. The key is sealed and never shown.
    """

    certificate: Pem
    key: Pem = Field(repr=False)

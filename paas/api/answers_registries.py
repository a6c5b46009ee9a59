"""What the API answers about image registries: never a password."""

from paas.api.answers import Shape, Time


class Registry(Shape):
    host: str
    user: str
    created: Time


class Registries(Shape):
    items: list[Registry]

"""From raw values to checked models: every wrong field at once, in words.

No message repeats a value that was sent: it could be a secret.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from paas.api.schema import Body
from paas.errors import FieldError, Invalid

M = TypeVar("M", bound=BaseModel)

MOST = 100
"""Wrong fields that are told of one request."""
LONGEST_NAME = 200

_WORDS = {
    "missing": "is required",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode text",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "union_tag_not_found": "is required",
    "timezone_aware": "must be a time with its zone, such as 2026-05-01T12:00:00Z",
}
_NUMBERS = {"int": "a whole number", "float": "a number"}
_BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def checked(model: type[M], raw: object) -> M:
    """The model of the raw value. Raises `Invalid` (`invalid`) with every wrong field."""
    wrong: list[FieldError] = []
    if issubclass(model, Body) and isinstance(raw, dict):
        wrong += model.across(raw)
    try:
        value = model.model_validate(raw)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        wrong[:0] = [_told(model, detail) for detail in details]
        raise _invalid(wrong) from None
    if wrong:
        raise _invalid(wrong)
    return value


def wrong_field(field: str, message: str) -> Invalid:
    """The refusal of a request for one field."""
    return _invalid([FieldError(field=field, message=message)])


def _invalid(wrong: list[FieldError]) -> Invalid:
    count = "One field is" if len(wrong) == 1 else f"{len(wrong)} fields are"
    first = wrong[0]
    subject = f"{first.field} {first.message}" if first.field else f"the request {first.message}"
    return Invalid(
        f"{count} not valid: {subject}{'.' if len(wrong) == 1 else ', and more.'}",
        advice="Correct what `errors` names; GET /openapi.json describes every field.",
        fields=tuple(wrong[:MOST]),
    )


def _told(model: type[BaseModel], detail: ErrorDetails) -> FieldError:
    place = _Place(model)
    for part in detail["loc"]:
        place.enter(part)
    if detail["type"].startswith("union_tag"):
        place.names.append("type")
    field = ".".join(place.names)
    return FieldError(field=field[:LONGEST_NAME], message=_message(place, detail))


class _Place:
    """Where an error is: its dotted path, and the model and field that it is in.

    pydantic's locations also name the chosen member of a union and the key of a
    mapping; neither is part of a path that a caller knows.
    """

    def __init__(self, model: type[BaseModel]) -> None:
        self.names: list[str] = []
        self.owner: type[BaseModel] | None = None
        self.name = ""
        self._at: tuple[type[BaseModel], ...] = (model,)

    def enter(self, part: int | str) -> None:
        if len(self._at) > 1:
            self._at = tuple(one for one in self._at if part in _tags(one))
        elif part != "[key]":
            self.names.append(str(part))
            self._descend(str(part))

    def _descend(self, name: str) -> None:
        self.owner = self._at[0] if self._at else None
        self.name = name
        field = self.owner.model_fields.get(name) if self.owner else None
        self._at = tuple(_models(field.annotation)) if field else ()


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def _tags(model: type[BaseModel]) -> tuple[object, ...]:
    field = model.model_fields.get("type")
    return get_args(field.annotation) if field else ()


def _message(place: _Place, detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WORDS:
        return _WORDS[kind]
    if kind == "extra_forbidden":
        return _unknown(place)
    if kind == "union_tag_invalid":
        allowed = context["expected_tags"].replace("'", "")
        return f"must be one of {allowed}"
    if kind in _BOUNDS or kind.partition("_")[0] in _NUMBERS:
        return f"must be {_number(_rule(place, context), kind)}"
    rule = context.get("error") or context.get("expected")
    if rule is not None:
        return f"must be {rule}"
    return detail["msg"].replace("Input should", "must").replace("Value should", "must")


def _unknown(place: _Place) -> str:
    known = list(place.owner.model_fields) if place.owner else []
    close = difflib.get_close_matches(place.name, known, n=1)
    if close:
        return f"is not known here; did you mean {close[0]}?"
    return f"is not known here; known are {', '.join(known) or 'none'}"


def _number(rule: Mapping[str, Any], kind: str) -> str:
    """`a whole number from 1 to 65535`, from a JSON Schema."""
    number = "a whole number" if rule.get("type") == "integer" else "a number"
    number = _NUMBERS.get(kind.partition("_")[0], number)
    low, high, above = rule.get("minimum"), rule.get("maximum"), rule.get("exclusiveMinimum")
    if low is not None and high is not None:
        return f"{number} from {low} to {high}"
    least = f" above {above}" if above is not None else ""
    least = f", {low} or more" if low is not None else least
    return number + least + (f", at most {high}" if high is not None else "")


def _rule(place: _Place, context: Mapping[str, Any]) -> Mapping[str, Any]:
    """The field's own JSON Schema; of an item in a list, the bound that it broke."""
    if place.owner is None:
        return {"minimum": context.get("ge"), "maximum": context.get("le")}
    schema = place.owner.model_json_schema()["properties"].get(place.name, {})
    options = schema.get("anyOf", [schema])
    return next((one for one in options if one.get("type") in ("integer", "number")), {})

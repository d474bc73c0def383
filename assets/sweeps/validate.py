"""Validate settings against a configuration type; everything that is wrong becomes one line with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from assets.identity.paths import Place, get
from assets.sweeps.yaml_loader import one_line
from trainers.common.names import nearest

Kind = TypeVar("Kind", bound=BaseModel)
MAX_EXACT = 2**53


class InvalidError(Exception):
    """Settings that a configuration type refuses: (place within the settings, text) for each."""

    def __init__(self, findings: list[tuple[Place, str]]) -> None:
        self.findings = findings
        super().__init__("; ".join(text for _, text in findings))


def validate(kind: type[Kind], settings: Any) -> Kind:
    """Return the configuration that settings describe.

    Types are strict, so that text is no number and `true` is no count; a whole decimal (`1e3`) is an integer.

    Raises:
        InvalidError: with all findings at once.
    """
    try:
        return kind.model_validate_json(json.dumps(_whole(settings), allow_nan=False), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=True)
        raise InvalidError(list(_findings(kind, settings, details))) from None


def _whole(value: Any) -> Any:
    """Return settings in which a decimal without a fraction is an integer."""
    if isinstance(value, dict):
        return {key: _whole(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_whole(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < MAX_EXACT else value


def _findings(kind: type[BaseModel], settings: Any, details: list[ErrorDetails]) -> Iterator[tuple[Place, str]]:
    """Translate what pydantic says; the members of a union that all refuse a value become one finding."""
    expected: dict[Place, list[str]] = {}
    inner = [detail for detail in details if detail["type"] != "too_short"]
    for detail in inner or details:
        place = _inside(settings, detail["loc"], detail["type"])
        text = _text(kind, place, detail)
        if text.startswith("expected "):
            expected.setdefault(place, []).append(text.removeprefix("expected "))
        else:
            yield place, text
    for place, texts in expected.items():
        value = one_line(repr(get(settings, place)))
        excerpt = value if len(value) <= 60 else value[:57] + "..."
        yield place, f"given {excerpt}; expected {' or '.join(dict.fromkeys(texts))}"


def _inside(settings: Any, place: tuple[int | str, ...], kind: str) -> Place:
    """Cut off what names the member of a union, which is no place in the settings."""
    if kind in ("missing", "extra_forbidden"):
        return place
    inside: list[int | str] = []
    for part in place:
        is_key = isinstance(settings, Mapping) and part in settings
        if not is_key and not (isinstance(settings, list) and isinstance(part, int) and part < len(settings)):
            continue
        inside.append(part)
        settings = settings[part]
    return tuple(inside)


def _text(kind: type[BaseModel], place: Place, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        keys = _keys(kind, place[:-1])
        return f"unknown key {place[-1]!r}; nearest: {', '.join(nearest(str(place[-1]), keys))}"
    if detail["type"] == "missing":
        return "nothing given; expected a value, as there is no default"
    if detail["type"] in ("value_error", "assertion_error"):
        return detail["msg"].split(", ", 1)[-1]
    if detail["type"] == "too_short":
        return f"expected at least {detail['ctx']['min_length']} entries"
    message = re.sub(r"^Input should be (a valid )?", "", detail["msg"]).removeprefix("an ")
    plain = {
        "array": "a list",
        "dictionary": "a mapping",
        "object": "a mapping",
        "string": "text",
        "boolean": "true or false",
    }
    message = plain.get(message, {"integer": "an integer", "number": "a number"}.get(message, message))
    return f"expected {message}"


def _keys(kind: Any, place: Place) -> list[str]:
    """Return the keys that the configuration at a place may have."""
    kinds = [kind]
    for part in place:
        if isinstance(part, int):
            continue
        kinds = [inner for k in kinds if part in k.model_fields for inner in _models(k.model_fields[part].annotation)]
    return [name for k in kinds for name in k.model_fields]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the configuration types within an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from _models(inner)

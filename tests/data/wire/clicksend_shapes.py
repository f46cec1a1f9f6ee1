"""The shapes of ClickSend's answers, from `tests/data/clicksend/shapes.txt`, and how an answer differs from them.

Typed clients refuse a field that their models do not name, and a value of another JSON type; a missing field and null
they accept. So does this.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Shape: TypeAlias = str | list[Any] | dict[str, Any]
"""A JSON type, a list with the shape of its items, or an object with the shape of each field."""

_FILE = Path(__file__).parents[1] / "clicksend" / "shapes.txt"
_CALL = re.compile(r"(GET|POST|PUT|DELETE) (\S+) (.*)")
_WORD = re.compile(r"[A-Za-z_]\w*|[\[\]{}:,+]")
_PARAMETER = re.compile(r"\{\w+\}")
_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,), "num": (int, float), "str": (str,), "bool": (bool,), "null": (type(None),),
}  # fmt: skip
_ENVELOPE: dict[str, Shape] = {"http_code": "int", "response_code": "str", "response_msg": "str"}
_OF_ENVELOPE = {*_ENVELOPE, "data"}
_REFUSALS = {400, 401, 403, 404, 405, 429}


class Call(NamedTuple):
    """A call: its method, its path with `{parameters}`, and the shape of `data`; None where none is modelled."""

    method: str
    path: str
    data: Shape | None


def problems(shape: Shape, value: Any, where: str = "data") -> Iterator[str]:
    """Give what a typed client would refuse in `value`."""
    if value is None:
        return
    match shape:
        case str():
            if not _is_of_type(shape, value):
                yield f"{where}: {value!r} is not {shape}"
        case [of]:
            yield from _problems_of_list(of, value, where)
        case _:
            yield from _problems_of_object(dict(shape), value, where)


def answer_problems(call: Call, body: Any) -> list[str]:
    """Return what a typed client would refuse in a whole answer with HTTP 200."""
    if not isinstance(body, dict):
        return [f"answer: {body!r} is not an object"]
    found = [f"answer.{name} is missing" for name in sorted(_OF_ENVELOPE - body.keys())]
    found += problems(_ENVELOPE, {name: value for name, value in body.items() if name != "data"}, "answer")
    return found if call.data is None else [*found, *problems(call.data, body.get("data"))]


def refusal_problems(status: int, body: Any) -> list[str]:
    """Return how an answer that is not HTTP 200 differs from the document: its status, or its four fields."""
    if status not in _REFUSALS:
        return [f"HTTP {status} is not documented"]
    if not isinstance(body, dict) or body.keys() != _OF_ENVELOPE:
        return [f"answer: {body!r} is not an envelope"]
    found = [] if body["http_code"] == status else [f"http_code is {body['http_code']} in an answer with {status}"]
    of_data = body["data"] is None or isinstance(body["data"], dict)
    return found if of_data else [*found, f"data: {body['data']!r} is not an object"]


def call_of(method: str, path: str) -> Call | None:
    """Return the call of a request, with or without a trailing slash; None where ClickSend has none."""
    found = [call for call in calls() if call.method == method and _pattern(call.path).fullmatch(path)]
    return min(found, key=lambda call: call.path.count("{"), default=None)


@cache
def calls() -> list[Call]:
    """Return every call of the file."""
    named: dict[str, Shape] = {}
    found: list[Call] = []
    for line in _FILE.read_text().splitlines():
        if call := _CALL.fullmatch(line):
            method, path, data = call.groups()
            found.append(Call(method, path, None if data == "not modelled" else _Parser(data, named).shape()))
        elif line and not line.startswith("#"):
            name, text = line.split(" ", 1)
            named[name] = _Parser(text, named).shape()
    return found


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", path.rstrip("/")) + "/?")


def _is_of_type(name: str, value: Any) -> bool:
    return isinstance(value, _TYPES[name]) and (name == "bool") == isinstance(value, bool)


def _problems_of_list(of: Shape, value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{where}: {value!r} is not a list"
        return
    for number, each in enumerate(value):
        yield from problems(of, each, f"{where}[{number}]")


def _problems_of_object(fields: dict[str, Shape], value: Any, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where}: {value!r} is not an object"
        return
    for name, each in value.items():
        if name in fields:
            yield from problems(fields[name], each, f"{where}.{name}")
        else:
            yield f"{where}.{name}: no such field"


class _Parser:
    """A parser of one shape, such as `Page + {data: [Contact]}`."""

    def __init__(self, text: str, named: dict[str, Shape]) -> None:
        self._words = _WORD.findall(text)
        self._named = named

    def shape(self) -> Shape:
        first = self._one()
        if not self._follows("+"):
            return first
        return {**dict(first), **dict(self._one())}  # type: ignore[arg-type]

    def _one(self) -> Shape:
        word: str = self._words.pop(0)
        if word == "{":
            return self._fields()
        if word == "[":
            of = self.shape()
            self._take("]")
            return [of]
        return word if word in _TYPES else self._named[word]

    def _fields(self) -> Shape:
        fields: dict[str, Shape] = {}
        while True:
            name = self._words.pop(0)
            self._take(":")
            fields[name] = self.shape()
            if not self._follows(","):
                self._take("}")
                return fields

    def _follows(self, word: str) -> bool:
        if self._words[:1] == [word]:
            self._take(word)
            return True
        return False

    def _take(self, word: str) -> None:
        found = self._words.pop(0)
        assert found == word, f"{found!r} instead of {word!r}"

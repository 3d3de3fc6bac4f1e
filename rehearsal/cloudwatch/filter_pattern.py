"""Filter patterns of CloudWatch Logs:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html

JSON patterns, and terms: all of `a "b c"`, any of `?a ?b`, none of `-c`.
"""

import json
import operator
import re
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

Matches = Callable[[str], bool]
_Condition = Callable[[Any], bool]

_ABSENT = object()
_TOKENS = re.compile(
    r"""\s*(?:(?P<selector>\$(?:\.[\w-]+|\[(?:\d+|"[^"]*"|'[^']*')\])*)
    |(?P<sign>&&|\|\||!=|<=|>=|[=<>()])
    |"(?P<quoted>(?:[^"\\]|\\.)*)"
    |%(?P<expression>[^%]*)%
    |(?P<word>[^\s()&|=<>!"%]+))""",
    re.VERBOSE,
)
_STEPS = re.compile(r"""\.([\w-]+)|\[(\d+)\]|\["([^"]*)"\]|\['([^']*)'\]""")
_TERMS = re.compile(r'([?-]?)(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: dict[str, Any] = {"NULL": None, "TRUE": True, "FALSE": False}


def compiled(pattern: str) -> Matches:
    """What tells whether a message matches a pattern.

    Raises:
        ValueError: one sentence: a pattern that the rehearsal can't follow.
    """
    text = pattern.strip()
    if text.startswith("{"):
        if not text.endswith("}"):
            raise ValueError(f"The filter pattern {pattern} has no closing brace.")
        condition = _Parser(text[1:-1], pattern).whole()
        return lambda message: _of_json(condition, message)
    if text.startswith(("[", "%")):
        raise ValueError(
            f"The rehearsal has no filter patterns such as {pattern}: use terms or a JSON pattern."
        )
    return _of_terms(text)


def value_of(selector: str, message: str) -> Any:
    """What `$.x.y` is in a message of JSON; None where it is not there."""
    found = _found(selector, _parsed(message))
    return None if found is _ABSENT else found


def _of_json(condition: _Condition, message: str) -> bool:
    content = _parsed(message)
    return content is not _ABSENT and condition(content)


def _parsed(message: str) -> Any:
    try:
        return json.loads(message)
    except ValueError:
        return _ABSENT


def _found(selector: str, content: Any) -> Any:
    for step in _STEPS.finditer(selector):
        name, index, *quoted = step.groups()
        key = name or next((part for part in quoted if part is not None), None)
        if index is not None and isinstance(content, list) and int(index) < len(content):
            content = content[int(index)]
        elif index is None and isinstance(content, dict) and key in content:
            content = content[key]
        else:
            return _ABSENT
    return content


def _of_terms(text: str) -> Matches:
    terms: dict[str, list[str]] = {"": [], "?": [], "-": []}
    for sign, quoted, word in _TERMS.findall(text):
        terms[sign].append(quoted or word)

    def matches(message: str) -> bool:
        return (
            all(term in message for term in terms[""])
            and not any(term in message for term in terms["-"])
            and (not terms["?"] or any(term in message for term in terms["?"]))
        )

    return matches


class _Parser:
    """`a && (b || c)` into one condition."""

    def __init__(self, text: str, pattern: str) -> None:
        self._pattern = pattern
        self._tokens: list[tuple[str, str]] = []
        at, text = 0, text.rstrip()
        while at < len(text):
            match = _TOKENS.match(text, at)
            if match is None:
                raise self._error()
            kind = str(match.lastgroup)
            self._tokens.append((kind, match[kind]))
            at = match.end()

    def whole(self) -> _Condition:
        condition = self._any()
        if self._tokens:
            raise self._error()
        return condition

    def _any(self) -> _Condition:
        parts = [self._all()]
        while self._next("||"):
            parts.append(self._all())
        return lambda content: any(part(content) for part in parts)

    def _all(self) -> _Condition:
        parts = [self._one()]
        while self._next("&&"):
            parts.append(self._one())
        return lambda content: all(part(content) for part in parts)

    def _one(self) -> _Condition:
        if self._next("("):
            inner = self._any()
            if not self._next(")"):
                raise self._error()
            return inner
        kind, selector = self._take()
        if kind != "selector":
            raise self._error()
        check = self._check()
        return lambda content: check(_found(selector, content))

    def _check(self) -> _Condition:
        """What must hold of the value that was found, or was not."""
        _, sign = self._take()
        kind, given = self._take()
        if sign == "NOT" and given == "EXISTS":
            return lambda value: value is _ABSENT
        if sign == "IS" and given in _WORDS:
            wanted = _WORDS[given]
            return lambda value: value is wanted
        number = _number(kind, given)
        if sign in _ORDERS and number is not None:
            order = _ORDERS[sign]
            return lambda value: _is_number(value) and order(value, number)
        if sign not in ("=", "!="):
            raise self._error()
        equal = _equal(kind, given, number)
        wants = sign == "="
        return lambda value: value is not _ABSENT and equal(value) == wants

    def _next(self, sign: str) -> bool:
        if self._tokens and self._tokens[0] == ("sign", sign):
            self._tokens.pop(0)
            return True
        return False

    def _take(self) -> tuple[str, str]:
        if not self._tokens:
            raise self._error()
        return self._tokens.pop(0)

    def _error(self) -> ValueError:
        return ValueError(
            f"The rehearsal can't follow the filter pattern {self._pattern}: compare selectors "
            "such as $.a with =, !=, <, >, IS or NOT EXISTS, joined by && and ||."
        )


def _number(kind: str, given: str) -> float | None:
    return float(given) if kind == "word" and _NUMBER.fullmatch(given) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(kind: str, given: str, number: float | None) -> _Condition:
    if number is not None:
        return lambda value: _is_number(value) and value == number
    if kind == "expression":
        return lambda value: isinstance(value, str) and re.search(given, value) is not None
    wanted = re.sub(r"\\(.)", r"\1", given)
    # A bracket is no wildcard of CloudWatch's.
    glob = wanted.replace("[", "[[]")
    return lambda value: fnmatchcase(value if isinstance(value, str) else json.dumps(value), glob)

"""Every frozen dataclass of ours as plain JSON and back, as its type hints say."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from mailwatch.core.facts import Fact, Value, fact
from mailwatch.core.model import Now, Steady

T = TypeVar("T")


def plain(value: object) -> Any:
    """Return `value` as what `json.dumps` takes; raises TypeError for what has no such form."""
    return _form(_type_of(value)).write(value)


def value_of(kind: type[T], plain: object) -> T:
    """Return the `kind` that plain() made `plain` of.

    Fields that `kind` lacks are ignored, those that `plain` lacks take their defaults. Raises
    ValueError where that leaves no sense.
    """
    try:
        return cast(T, _form(cast(Hashable, kind)).read(plain, 0.0))
    except (OverflowError, RecursionError) as error:
        raise ValueError(f"no {kind.__name__} is as large as that") from error


def moved(value: T, by: float) -> T:
    """Return `value` with all moments on the steady clock moved by `by` seconds, at any depth."""
    form = _form(_type_of(value))
    return cast(T, form.read(form.write(value), by)) if by else value


@dataclass(frozen=True, slots=True)
class _Form:
    """How values of one type are written, and read with their steady moments moved by seconds."""

    write: Callable[[Any], Any]
    read: Callable[[Any, float], Any]


def _type_of(value: object) -> Hashable:
    return cast(Hashable, type(value))


def _as_it_is(value: Any) -> Any:
    return value


def _only(*kinds: type) -> Callable[[Any, float], Any]:
    def read(found: Any, _by: float) -> Any:
        if type(found) not in kinds:
            raise ValueError(f"{kinds[0].__name__} expected, not {found!r:.100}")
        return found

    return read


def _write_number(value: float) -> float | str:
    # JSON has no infinity, and what reads it need not be Python.
    return str(value) if abs(value) == float("inf") else value


def _read_number(found: Any, by: float) -> float:
    return float(found if found in ("inf", "-inf") else _only(float, int)(found, by))


_MAPPING, _LIST = _only(dict), _only(list)
_STEADY = _Form(_write_number, lambda found, by: _read_number(found, by) + by)
_PLAIN = {kind: _Form(_as_it_is, _only(kind)) for kind in (str, int, bool, NoneType)}


@cache
def _form(hint: Hashable) -> _Form:
    """Return the form of the type `hint`; raises TypeError where there is none."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if hint is float:
        return _Form(_write_number, _read_number)
    if hint == Steady:
        return _STEADY
    if hint is Fact:
        return _Form(_write_fact, _read_fact)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _form(inner[0])
    if origin in (Union, UnionType) and len(inner) == 2 and NoneType in inner:
        return _optional(_form(inner[inner[0] is NoneType]))
    if origin is tuple and inner[1:] == (...,):
        return _several(_form(inner[0]), tuple)
    if origin is frozenset:
        return _several(_form(inner[0]), frozenset)
    if origin is Mapping:
        return _mapping(inner[0], _form(inner[1]))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _Form(lambda value: value.value, lambda found, _by: hint(found))
    if isinstance(hint, type) and is_dataclass(hint):
        return _record(hint)
    raise TypeError(f"{hint} has no plain form")


def _optional(form: _Form) -> _Form:
    return _Form(
        lambda value: None if value is None else form.write(value),
        lambda found, by: None if found is None else form.read(found, by),
    )


def _several(form: _Form, kind: type[tuple[Any, ...]] | type[frozenset[Any]]) -> _Form:
    put_in_order = sorted if kind is frozenset else list
    return _Form(
        lambda values: put_in_order(map(form.write, values)),
        lambda found, by: kind(form.read(one, by) for one in _LIST(found, by)),
    )


def _mapping(key: type, form: _Form) -> _Form:
    """Return the form of a mapping whose `key`, a name, a number or an enum, `str` can write."""
    return _Form(
        lambda values: {str(name): form.write(value) for name, value in values.items()},
        lambda found, by: {
            key(name): form.read(value, by) for name, value in _MAPPING(found, by).items()
        },
    )


def _record(kind: type) -> _Form:
    hints = get_type_hints(kind, include_extras=True)
    if kind is Now:
        hints["steady"] = Steady
    kept = [field for field in fields(kind) if field.compare]  # the others are no part of it
    forms = {field.name: _form(hints[field.name]) for field in kept}
    needed = {field.name for field in kept if _is_needed(field)}

    def write(value: Any) -> dict[str, Any]:
        return {name: form.write(getattr(value, name)) for name, form in forms.items()}

    def read(found: Any, by: float) -> Any:
        lacks = needed - _MAPPING(found, by).keys()
        if lacks:
            raise ValueError(f"{kind.__name__} lacks {', '.join(sorted(lacks))}")
        return kind(**{n: form.read(found[n], by) for n, form in forms.items() if n in found})

    return _Form(write, read)


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _write_fact(value: Fact) -> dict[str, Any]:
    return {"code": value.code, "args": {name: _write_argument(one) for name, one in value.args}}


def _read_fact(found: Any, by: float) -> Fact:
    arguments = _MAPPING(_MAPPING(found, by).get("args", {}), by)
    code = _only(str)(found.get("code", ""), by)
    return fact(code, **{name: _read_argument(one) for name, one in arguments.items()})


def _write_argument(value: Value) -> Any:
    if isinstance(value, Fact):
        return _write_fact(value)
    if isinstance(value, tuple):
        return [_write_argument(one) for one in value]
    return value


def _read_argument(found: Any) -> Value:
    if isinstance(found, dict):
        return _read_fact(found, 0.0)
    if isinstance(found, list):
        return tuple(_read_argument(one) for one in found)
    return cast(Value, found)

"""What JSON holds, as dataclasses: the types of the fields say what a file must have."""

from collections.abc import Iterable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from itertools import repeat
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from errors import InputError

T = TypeVar("T")
WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
WORDS |= {list: "a list", dict: "an object"}


def typed(kind: type[T], content: object, path: str | Path, remedy: str, key: str = "") -> T:
    """Return the content of a JSON file as the dataclass ``kind``.

    Fields may be text, numbers, truth values, dataclasses, lists, tuples and dicts of them, null
    beside one of these, or ``Any``. A key without a field is left out. Raises ``InputError`` with
    file, key and ``remedy`` for a key that is lacking and a value of another type; ``key`` is where
    in the file the content stands.
    """
    value: T = Reader(path, remedy).value(kind, content, key)
    return value


@cache
def hints(kind: type) -> dict[str, Any]:
    """Return the types of a dataclass's fields."""
    return get_type_hints(kind)


@cache
def needed(kind: Any) -> list[str]:
    """Return the names of a dataclass's fields that have no default."""
    return [each.name for each in fields(kind) if each.default is MISSING]


@dataclass(frozen=True)
class Reader:
    """Reads the values of one file; what is wrong is told with the file and a remedy."""

    path: str | Path
    remedy: str

    def value(self, kind: Any, content: Any, key: str) -> Any:
        """Return what stands under a key as a value of a type."""
        if kind is Any:
            return content
        if is_dataclass(kind):
            return self.dataclass(kind, self.checked(dict, content, key), key)
        origin, parts = get_origin(kind), get_args(kind)
        if origin is UnionType:
            (inner,) = (part for part in parts if part is not NoneType)
            return None if content is None else self.value(inner, content, key)
        if origin in (list, tuple):
            items = self.checked(list, content, key)
            kinds: Iterable[Any] = repeat(parts[0])
            if origin is tuple and parts[-1] is not Ellipsis:
                kinds = parts
                if len(items) != len(parts):
                    raise self.error(key, f"has {len(items)} values; must have {len(parts)}")
            return origin(
                self.value(part, item, f"{key}[{index}]")
                for index, (part, item) in enumerate(zip(kinds, items, strict=False))
            )
        if origin is dict:
            return {
                name: self.value(parts[1], item, f"{key}.{name}")
                for name, item in self.checked(dict, content, key).items()
            }
        return self.checked(kind, content, key)

    def dataclass(self, kind: Any, content: dict[str, Any], key: str) -> Any:
        """Return an object as a dataclass; fields with a default may be lacking."""
        values = {}
        for name, of_field in hints(kind).items():
            if name in content:
                item = content[name]
                if type(item) is not of_field:  # most are of their type already, and are many
                    item = self.value(of_field, item, f"{key}.{name}" if key else name)
                values[name] = item
        if lacking := [name for name in needed(kind) if name not in values]:
            raise self.error(key, f"lacks {', '.join(lacking)}")
        return kind(**values)

    def checked(self, kind: type, content: Any, key: str) -> Any:
        """Return a value as it is; refuse one of another type."""
        is_number = isinstance(content, int | float) and not isinstance(content, bool)
        fits = is_number if kind is float else isinstance(content, kind)
        if not fits or (kind is int and not is_number):
            raise self.error(key, f"is {str(content)[:60]!r}; must be {WORDS[kind]}")
        return content

    def error(self, key: str, complaint: str) -> InputError:
        """Return the error of what is wrong with a key."""
        place = f"{self.path}: {key}" if key else f"{self.path}:"
        return InputError(f"{place} {complaint}; {self.remedy}")

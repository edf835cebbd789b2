"""What is asked of the page: named texts, as they stand in an address, checked where they are read."""

import json
from collections.abc import Mapping

from embed.errors import QueryError

LONGEST = 20_000  # letters of a value: a dozen phrases of a taste are a thousand or two


class Parameters(dict[str, str]):
    """Of one document; each accessor raises QueryError, which names the parameter."""

    @classmethod
    def checked(cls, asked: Mapping[str, str]) -> "Parameters":
        """Raises QueryError where a value is longer than LONGEST."""
        for name, value in asked.items():
            if len(value) > LONGEST:
                raise QueryError(f"parameter {name[:40]!r} has {len(value):,} letters; {LONGEST:,} are taken at most")
        return cls(asked)

    def text(self, name: str) -> str:
        """One that must be there."""
        if name not in self:
            raise QueryError(f"parameter {name!r} is missing")
        return self[name]

    def number(self, name: str, least: float, most: float) -> float | None:
        """A number in a closed range; None where it is not there."""
        if name not in self:
            return None
        try:
            value = float(self[name])
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise QueryError(f"parameter {name!r} is {self[name]!r}; give a number from {least:g} to {most:g}")
        return value

    def count(self, name: str, default: int, most: int) -> int:
        """A whole number from 0."""
        value = self.number(name, 0, most)
        if value is None:
            return default
        if value != int(value):
            raise QueryError(f"parameter {name!r} is {self[name]!r}; give a whole number")
        return int(value)


def key_of(kind: str, parameters: Mapping[str, str]) -> str:
    """By which a document is found in a written page; app/ask.js makes the same."""
    return json.dumps([kind, *map(list, sorted(parameters.items()))], ensure_ascii=False, separators=(",", ":"))

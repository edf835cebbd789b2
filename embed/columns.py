"""Rows checked a column at a time: where every value is plainly good, nobody need look at each.

What is not plain (a number in words, white space at an edge, a time in another of ISO 8601's spellings) is neither good nor bad
here: `embed.catalog` looks at those rows one by one, and both come to the same values.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from embed.records import UTC as UTC_TIME

EDGES = r"^[\t-\r\x1c-\x20\x{85}\p{Z}]|[\t-\r\x1c-\x20\x{85}\p{Z}]$"  # what Python's strip takes away
NUMBER = r"^-?[0-9]+(\.[0-9]+)?([eE]-?[0-9]+)?$"
DAY, CLOCK = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{3}|\.[0-9]{6})?"
WITH_ZONE = rf"^{DAY}[T ]{CLOCK}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
WITHOUT_ZONE = rf"^{DAY}([T ]{CLOCK})?$"
FIRST, LAST = (
    int(time.replace(tzinfo=UTC).timestamp()) * 1_000_000 for time in (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59))
)


class _NotPlain(Exception):
    """Some value needs a look of its own."""


def plain_rows(
    columns: Mapping[str, pa.Array], rows: int, schema: pa.Schema, known: Mapping[str, pa.Array]
) -> pa.RecordBatch | None:
    """Raw columns of so many rows as `schema` has them; None where a value is not plainly good.

    known: by field, the values it may have. A schema with lists in it is never plain.
    """
    try:
        arrays = [_column(columns.get(f.name, pa.nulls(rows)), f) for f in schema]
        for name, values in known.items():
            _demand(pc.is_in(arrays[schema.get_field_index(name)], values))
    except (_NotPlain, pa.ArrowException):
        return None
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def as_column(values: list[object]) -> pa.Array:
    """Python values as a column, or as one that is never plain where they are not all alike."""
    try:
        return pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        return pa.array([{}] * len(values))


def _demand(holds: pa.Array) -> None:
    """That it holds of every row that has a value."""
    if not pc.all(holds, min_count=0).as_py():
        raise _NotPlain


def _column(values: pa.Array, f: pa.Field) -> pa.Array:
    if pa.types.is_null(values.type):
        found = values.cast(f.type)
    elif pa.types.is_string(f.type):
        found = _texts(values)
    elif pa.types.is_floating(f.type):
        found = _numbers(values, (f.metadata or {}).get(b"range", b"").decode()).cast(f.type)
    elif f.type == UTC_TIME:
        found = _times(values)
    else:
        raise _NotPlain
    if found.null_count and not f.nullable:
        raise _NotPlain
    return found


def _texts(values: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_integer(values.type):
        return values.cast(pa.string())
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        raise _NotPlain
    values.validate(full=True)  # that it is UTF-8
    _demand(pc.invert(pc.match_substring_regex(values, EDGES)))
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values).cast(pa.string())


def _numbers(values: pa.Array, within: str) -> pa.Array:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = _texts(values)
        _demand(pc.match_substring_regex(values, NUMBER))
    elif not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
        raise _NotPlain
    numbers = values.cast(pa.float64())
    _demand(pc.is_finite(numbers))
    if within:
        low, high = map(float, within.split(".."))
        _demand(pc.and_(pc.greater_equal(numbers, low), pc.less_equal(numbers, high)))
    return numbers


def _times(values: pa.Array) -> pa.Array:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = _texts(values)
        zoned = pc.all(pc.match_substring_regex(values, WITH_ZONE), min_count=0).as_py()
        if not zoned:
            _demand(pc.match_substring_regex(values, WITHOUT_ZONE))
        values = values.cast(UTC_TIME if zoned else pa.timestamp("us"))
    elif not pa.types.is_timestamp(values.type):
        raise _NotPlain
    times = values.cast(pa.timestamp("us", values.type.tz), safe=False if values.type.unit == "ns" else None).cast(UTC_TIME)
    numbers = pc.fill_null(times.cast(pa.int64()), 0).to_numpy()
    if np.any((numbers < FIRST) | (numbers > LAST)):
        raise _NotPlain
    return times

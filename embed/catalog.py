"""A catalog folder in: rows read, checked against the records' schemas, and every bad one named.

A catalog is a folder with `titles`, `artwork` and, as it likes, `copy`, `history`, `tastes` and `users`, each as .csv, .jsonl or
.parquet, beside the pictures. What users leave may be larger than memory: it is checked as it streams by, and kept on the disk
where it is much.

In CSV the items of a list are divided by "|". Rows count from 1, a CSV's header not counted; in .jsonl they are the lines.

`accepted_tags`, which scripts/tag_artwork.py writes there, goes with the artwork: what has no tags of its own has these.
"""

import csv
import difflib
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from embed.columns import as_column, plain_rows
from embed.errors import CatalogError
from embed.records import ACCEPTED_TAG, ARTWORK, COPY, TASTE, TEXTS, TITLE, USER, WATCH
from embed.records import UTC as UTC_TIME
from embed.spill import Spill, kept_or_spilled

SCHEMAS = {"titles": TITLE, "artwork": ARTWORK, "copy": COPY, "history": WATCH, "tastes": TASTE, "users": USER}
STREAMED = ("history", "tastes", "users")  # as many as there are users
ACCEPTED = "accepted_tags"
READ_AS = {**SCHEMAS, ACCEPTED: ACCEPTED_TAG}
KEYS = {"titles": "title_id", "artwork": "artwork_id", "copy": "copy_id"}  # what must not stand twice
REQUIRED = ("titles", "artwork")
ENDINGS = (".csv", ".jsonl", ".parquet")
TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
CHUNK = 10_000  # rows held as Python objects at a time
FEW = 64  # rows that are looked at one by one where not all of them are plainly good; more are halved first

Row = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """One bad value: its row was set aside (or, for an unknown column, that column)."""

    file: str  # its name in the catalog's folder
    row: int  # from 1, as the file counts its rows; 0: of the file as a whole
    field: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}, row {self.row}" if self.row else self.file
        return f"{where}, {self.field}: {self.reason}; {self.remedy}"


@dataclass(frozen=True)
class Catalog:
    """What a catalog folder holds that can be used, and what in it cannot. Make one with `read_catalog`.

    Each table has the schema of its name in embed.records: TITLE, ARTWORK and so on; one that was not asked for is empty.
    """

    root: Path
    pictures: str  # the folder or URL below which the artwork's paths lie
    titles: pa.Table
    artwork: pa.Table
    history: pa.Table  # of WATCH
    tastes: pa.Table
    problems: tuple[Problem, ...] = field(default=())
    copy: pa.Table = field(default_factory=COPY.empty_table)  # lines of micro-copy
    accepted_tags: pa.Table = field(default_factory=ACCEPTED_TAG.empty_table)  # those that became tags of `artwork`
    users: pa.Table = field(default_factory=USER.empty_table)
    spills: Mapping[str, tuple[pa.Table, Spill]] = field(default_factory=dict, repr=False, compare=False)  # see `batches`

    def batches(self, name: str) -> Iterator[pa.RecordBatch]:
        """The rows of "history", "tastes" or "users" in their order, a few at a time: what was read and is much, from the disk."""
        table = getattr(self, name)
        read, spilled = self.spills.get(name, (None, None))
        return spilled.batches() if spilled is not None and read is table else iter(table.to_batches(max_chunksize=CHUNK))


@dataclass(frozen=True)
class _Known:
    """What another table's rows may speak of: titles or artwork."""

    what: str
    ids: frozenset[str]
    file: str

    @property
    def field(self) -> str:
        return f"{self.what}_id"


class _BadValue(Exception):
    """A value that a field cannot take: (reason, remedy)."""


def read_catalog(
    root: Path | str, *, strict: bool = False, only: Iterable[str] = tuple(SCHEMAS), pictures: str | None = None
) -> Catalog:
    """Read the tables named in `only` (the others come back empty); with the artwork, the tags that persons accepted for it.

    What users leave takes memory for a few rows only, however many there are: the rest is in a temporary file, and the table is
    mapped from it.

    `pictures` is the folder or fsspec URL (s3://bucket/pictures) below which the artwork's paths lie, if it is not `root`.

    Raises CatalogError where the folder or a required table is missing or unreadable, and, if `strict`, at the first bad row.
    """
    root = Path(root)
    if not root.is_dir():
        raise CatalogError(
            f"no catalog folder at {str(root)!r}; give a folder with titles and artwork as .csv, .jsonl or .parquet"
        )
    problems: list[Problem] = []
    files = {name: _find(root, name) for name in SCHEMAS if name in only}
    tables = {name: schema.empty_table() for name, schema in SCHEMAS.items()}
    known: _Known | None = None  # None: the titles are not read, so that nobody is a stranger
    spills: dict[str, tuple[pa.Table, Spill]] = {}
    for name, path in files.items():  # titles come first
        if name in STREAMED:
            batches = _Checks.of(path, name, known, problems, strict).batches(path) if path else iter(())
            tables[name], spilled = kept_or_spilled(batches, SCHEMAS[name])
            spills |= {name: (tables[name], spilled)} if spilled else {}
            continue
        rows = _checked(path, name, known, problems, strict) if path else iter(())
        tables[name] = _table(rows, SCHEMAS[name])
        if name == "titles":
            known = _known("title", tables[name], path)
    if {"titles", "artwork"} <= files.keys():
        _check_fallbacks(tables, files["titles"], problems, strict)
    if "artwork" in files and (path := _find(root, ACCEPTED)):
        known = _known("artwork", tables["artwork"], files["artwork"])
        accepted = _table(_checked(path, ACCEPTED, known, problems, strict), ACCEPTED_TAG)
        tables |= _with_accepted(tables["artwork"], accepted)
    pictures = pictures or str(root.resolve())
    return Catalog(root=root.resolve(), pictures=pictures, problems=tuple(problems), spills=spills, **tables)


def _known(what: str, table: pa.Table, path: Path | None) -> _Known:
    return _Known(what, frozenset(table[f"{what}_id"].to_pylist()), path.name if path else what)


def _with_accepted(artwork: pa.Table, accepted: pa.Table) -> dict[str, pa.Table]:
    """The artwork, where it has no tags of its own with those accepted for it; and the accepted ones that so take part."""
    bare = artwork["artwork_id"].filter(pc.equal(pc.list_value_length(artwork["tags"]), 0))
    accepted = accepted.filter(pc.is_in(accepted["artwork_id"], bare))
    tags_of: dict[str, dict[str, None]] = {}  # each once, in the file's order
    for row in accepted.to_pylist():
        tags_of.setdefault(row["artwork_id"], {})[row["tag"]] = None
    if tags_of:
        rows = zip(artwork["artwork_id"].to_pylist(), artwork["tags"].to_pylist(), strict=True)
        tags = pa.array([tags or list(tags_of.get(artwork_id, ())) for artwork_id, tags in rows], TEXTS)
        artwork = artwork.set_column(ARTWORK.names.index("tags"), ARTWORK.field("tags"), tags)
    return {"artwork": artwork, ACCEPTED: accepted}


def _check_fallbacks(tables: dict[str, pa.Table], file: Path | None, problems: list[Problem], strict: bool) -> None:
    """A fallback that is none of its title's artwork would be missed on the day it is needed. The title itself can be used."""
    titles, artwork = tables["titles"], tables["artwork"]
    with_one = titles.filter(pc.is_valid(titles["fallback"])).select(["title_id", "fallback"])
    known = (
        set(zip(artwork["title_id"].to_pylist(), artwork["artwork_id"].to_pylist(), strict=True)) if len(with_one) else set()
    )
    for row in with_one.to_pylist():
        if (row["title_id"], row["fallback"]) not in known and file is not None:
            reason = f"{row['fallback']!r} is no artwork of title {row['title_id']!r}"
            _report(problems, Problem(file.name, 0, "fallback", reason, "give the artwork_id of one of its own"), strict)


def _table(rows: Iterator[Row], schema: pa.Schema) -> pa.Table:
    """In chunks: a catalog of millions of rows never stands in memory as dicts."""
    batches = []
    while chunk := list(islice(rows, CHUNK)):
        batches.append(pa.RecordBatch.from_pylist(chunk, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _find(root: Path, name: str) -> Path | None:
    found = [root / f"{name}{ending}" for ending in ENDINGS if (root / f"{name}{ending}").is_file()]
    if len(found) > 1:
        raise CatalogError(f"{root}: {' and '.join(p.name for p in found)} are both there; keep one of them")
    if not found and name in REQUIRED:
        raise CatalogError(f"{root}: no {name} table; write {name}.csv, {name}.jsonl or {name}.parquet")
    return found[0] if found else None


def _report(problems: list[Problem], problem: Problem, strict: bool) -> None:
    if strict:
        raise CatalogError(str(problem))
    problems.append(problem)


@dataclass(frozen=True)
class _Checks:
    """What a table's rows must pass, and what is known of it so far."""

    file: str
    schema: pa.Schema
    key: str | None
    known: _Known | None
    problems: list[Problem]
    strict: bool
    seen: dict[str, int] = field(default_factory=dict)  # by key, the row it first stood in
    columns: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, path: Path, name: str, known: _Known | None, problems: list[Problem], strict: bool) -> "_Checks":
        return cls(path.name, READ_AS[name], KEYS.get(name), known, problems, strict)

    def row(self, number: int, raw: "Row | _BadValue") -> Row | None:
        """The row as it is kept; None where it is bad, which then stands among the problems."""
        try:
            return self._row(number, raw)
        except _BadValue as bad:
            _report(self.problems, Problem(self.file, number, *bad.args), self.strict)
            return None

    def _row(self, number: int, raw: "Row | _BadValue") -> Row:
        if isinstance(raw, _BadValue):
            raise raw
        for column in [column for column in raw if column not in self.columns]:
            self.columns.add(column)
            _warn_of_typo(self.file, column, raw, self.schema, self.problems, self.strict)
        row = {f.name: _value(raw.get(f.name), f) for f in self.schema if _from_catalog(f)}
        if self.key and row[self.key] in self.seen:
            before = f"{row[self.key]!r} already stands in row {self.seen[row[self.key]]}"
            raise _BadValue(self.key, before, "give every row an id of its own")
        if self.key:
            self.seen[row[self.key]] = number
        if self.known and self.known.field in row and row[self.known.field] not in self.known.ids:
            remedy = f"add it to {self.known.file} or correct the id"
            raise _BadValue(self.known.field, f"{row[self.known.field]!r} is no {self.known.what} of this catalog", remedy)
        return row

    def batches(self, path: Path) -> Iterator[pa.RecordBatch]:
        """The good rows of a table without lists and keys, in the file's order."""
        known = {}
        if self.known and self.known.field in self.schema.names:
            known = {self.known.field: pa.array(self.known.ids, pa.string())}
        for piece in _pieces(path):
            yield from self._batches(piece, known)

    def _batches(self, piece: "_Piece", known: dict[str, pa.Array]) -> Iterator[pa.RecordBatch]:
        """A bad row makes slow only the few around it."""
        columns = piece.columns(self.schema.names) if piece.names <= self.columns | set(self.schema.names) else None
        batch = None if columns is None else plain_rows(columns, len(piece), self.schema, known)
        if batch is not None:
            self.columns.update(piece.names)
            yield batch
        elif len(piece) > FEW:
            for half in (slice(0, len(piece) // 2), slice(len(piece) // 2, len(piece))):
                yield from self._batches(piece.part(half), known)
        else:
            rows = [row for number, raw in piece.rows() if (row := self.row(number, raw)) is not None]
            yield pa.RecordBatch.from_pylist(rows, schema=self.schema)


def _checked(path: Path, name: str, known: _Known | None, problems: list[Problem], strict: bool) -> Iterator[Row]:
    """Each good row; the bad ones go to `problems`."""
    checks = _Checks.of(path, name, known, problems, strict)
    return (row for number, raw in _rows(path) if (row := checks.row(number, raw)) is not None)


@dataclass(frozen=True)
class _Lines:
    """Some rows that follow one another, as Python has them."""

    lines: "list[tuple[int, Row | _BadValue]]"

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def names(self) -> set[str]:
        return set().union(*(raw for _, raw in self.lines if isinstance(raw, dict)))

    def columns(self, names: list[str]) -> dict[str, pa.Array] | None:
        """None where a line is no row at all."""
        raws = [raw for _, raw in self.lines if isinstance(raw, dict)]
        return {name: as_column([raw.get(name) for raw in raws]) for name in names} if len(raws) == len(self) else None

    def part(self, some: slice) -> "_Lines":
        return _Lines(self.lines[some])

    def rows(self) -> "Iterable[tuple[int, Row | _BadValue]]":
        return self.lines


@dataclass(frozen=True)
class _Parquet:
    """The same as Arrow has them."""

    batch: pa.RecordBatch
    first: int  # the number of its first row

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @property
    def names(self) -> set[str]:
        return set(self.batch.schema.names)

    def columns(self, names: list[str]) -> dict[str, pa.Array] | None:
        return {name: self.batch[name] for name in names if name in self.names}

    def part(self, some: slice) -> "_Parquet":
        return _Parquet(self.batch.slice(some.start, some.stop - some.start), self.first + some.start)

    def rows(self) -> "Iterable[tuple[int, Row | _BadValue]]":
        return enumerate(_rows_of(self.batch), start=self.first)


_Piece = _Lines | _Parquet


def _pieces(path: Path) -> Iterator[_Piece]:
    if path.suffix != ".parquet":
        rows = _rows(path)
        while chunk := list(islice(rows, CHUNK)):
            yield _Lines(chunk)
        return
    first = 1
    with _readable(path):
        for batch in _parquet_batches(path):
            yield _Parquet(batch, first)
            first += batch.num_rows


def _rows(path: Path) -> Iterator[tuple[int, Row | _BadValue]]:
    """(row number, the row as a dict, or what is wrong with it)."""
    with _readable(path):
        if path.suffix == ".csv":
            yield from enumerate(_csv_rows(path), start=1)
        elif path.suffix == ".jsonl":
            yield from _jsonl_rows(path)
        else:
            yield from enumerate((row for batch in _parquet_batches(path) for row in _rows_of(batch)), start=1)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, csv.Error, pa.ArrowException) as error:
        raise CatalogError(f"{path} cannot be read as {path.suffix[1:]}: {error}") from error


def _csv_rows(path: Path) -> Iterator[Row | _BadValue]:
    # surrogateescape keeps the rest of the file readable; _text then names the value that is no UTF-8.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:  # the reader goes on with the next line
                yield _BadValue("-", f"is no CSV ({error})", 'close every quote, and write a quote within a value as ""')
                continue
            if row is None:
                return
            if None in row or None in row.values():
                columns = len(reader.fieldnames or [])
                yield _BadValue("-", f"has not the header's {columns} columns", "quote values that hold commas")
            else:
                yield row


def _jsonl_rows(path: Path) -> Iterator[tuple[int, Row | _BadValue]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, _json_row(line)


def _json_row(line: str) -> Row | _BadValue:
    remedy = "write one JSON object a line"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return _BadValue("-", f"is no JSON ({error})", remedy)
    return row if isinstance(row, dict) else _BadValue("-", "is no JSON object", remedy)


def _parquet_batches(path: Path) -> Iterator[pa.RecordBatch]:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        yield from file.iter_batches()


def _rows_of(batch: pa.RecordBatch) -> Iterator[Row]:
    columns = [_python_values(column) for column in batch.columns]
    return (dict(zip(batch.schema.names, values, strict=True)) for values in zip(*columns, strict=True))


def _python_values(column: pa.Array) -> list[Any]:
    if pa.types.is_timestamp(column.type) and column.type.unit == "ns":  # pandas' own, finer than Python's
        column = column.cast(pa.timestamp("us", column.type.tz), safe=False)
    try:
        values: list[Any] = column.to_pylist()
    except (ValueError, OverflowError):
        values = [_python_value(scalar) for scalar in column]
    return values


def _python_value(scalar: pa.Scalar) -> Any:
    """A time beyond Python's years as its number and a text that is no UTF-8 as surrogates, so that their rows are named."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        if pa.types.is_timestamp(scalar.type):
            return str(scalar.value)
        if pa.types.is_string(scalar.type) or pa.types.is_large_string(scalar.type):
            return scalar.as_buffer().to_pybytes().decode("utf-8", "surrogateescape")
        raise


def _from_catalog(f: pa.Field) -> bool:
    return (f.metadata or {}).get(b"by") != b"job"


def _warn_of_typo(file: str, column: str, row: Row, schema: pa.Schema, problems: list[Problem], strict: bool) -> None:
    """Columns of the publisher's own are left alone, but one that is nearly a missing one of ours would be lost in silence."""
    missing = [f.name for f in schema if _from_catalog(f) and f.name not in row]
    if column not in schema.names and (near := difflib.get_close_matches(column, missing, n=1, cutoff=0.75)):
        name = column.encode("utf-8", "backslashreplace").decode()  # one that is no UTF-8 could not be printed
        _report(problems, Problem(file, 0, name, "is no column we know", f"did you mean {near[0]!r}?"), strict)


def _value(raw: Any, f: pa.Field) -> Any:
    """`raw` as the field's type; raises _BadValue(field, reason, remedy)."""
    try:
        if pa.types.is_list(f.type):
            return _list(raw)
        if raw is None or (isinstance(raw, str) and not raw.strip()):
            if not f.nullable:
                raise _BadValue("is missing", f"give {(f.metadata or {})[b'doc'].decode()}")
            return None
        if f.type == UTC_TIME:
            return _time(raw)
        if pa.types.is_boolean(f.type):
            return _truth(raw)
        if pa.types.is_floating(f.type):
            return _number(raw, (f.metadata or {}).get(b"range", b"").decode())
        return _path(raw) if f.name == "path" else _text(raw)
    except _BadValue as bad:
        raise _BadValue(f.name, *bad.args) from None


def _text(raw: Any) -> str:
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise _BadValue(f"{raw!r} is no text", "give a string")
    text = str(raw).strip()
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise _BadValue(f"{text!r} is no UTF-8", "save the file as UTF-8")
    return text


def _path(raw: Any) -> str:
    """A file's name as it can be kept and shown; one that is no UTF-8 is spelled out, and set aside when it is to be read."""
    return _text(raw.encode("utf-8", "backslashreplace").decode() if isinstance(raw, str) else raw)


def _list(raw: Any) -> list[str]:
    if raw is None:
        return []
    items = raw.split("|") if isinstance(raw, str) else raw
    if not isinstance(items, list):
        raise _BadValue(f"{raw!r} is no list", 'give a list, or in CSV items divided by "|"')
    return [text for item in items if item is not None and (text := _text(item))]


def _number(raw: Any, within: str) -> float:
    try:
        number = float("nan") if isinstance(raw, bool) else float(raw)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise _BadValue(f"{raw!r} is no number", "give a number" + (f" in {within}" if within else ""))
    if within:
        low, high = within.split("..")
        if not float(low) <= number <= float(high):
            raise _BadValue(f"{raw!r} is out of range", f"give a number from {low} to {high}")
    return number


def _truth(raw: Any) -> bool:
    word = str(raw).strip().casefold()
    if word not in TRUTHS:
        raise _BadValue(f"{raw!r} is neither true nor false", "give true or false")
    return TRUTHS[word]


def _time(raw: Any) -> datetime:
    try:
        if isinstance(raw, str):
            time = datetime.fromisoformat(raw.strip())
        elif isinstance(raw, date) and not isinstance(raw, datetime):
            time = datetime(raw.year, raw.month, raw.day)
        elif isinstance(raw, datetime):
            time = raw
        else:
            raise ValueError
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _BadValue(f"{raw!r} is no date", "give ISO 8601, such as 2026-10-01T20:00:00Z") from None

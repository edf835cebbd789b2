"""Logs of impressions and plays as DuckDB reads them: found, checked, aggregated; they may be larger than memory.

Types are never guessed: DuckDB would take the id t for a truth value and 2026-1-5 for a date.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from embed.errors import LogError
from embed.records import CHOICE_LOG, PLAY

if TYPE_CHECKING:
    import duckdb

READERS = {
    ".parquet": "read_parquet('{path}')",
    ".csv": "read_csv('{path}', header=true, all_varchar=true)",
    ".jsonl": "read_json('{path}', format='newline_delimited', columns={columns})",
}
PLAYS = ("impression_id", "seconds", "fraction")
NEEDED = ("impression_id", "title_id", "artwork_id")
OPTIONAL = ("user_id", "copy_id", "segment", "row", "position", "shown_at")  # what is known less is corrected less
LAST_PLACE = 9  # rows of the page and places in a row beyond it are held to be alike
MEMORY = "1GB"  # of DuckDB; beyond it, it writes to the disk

VIEWS = """
    CREATE TEMP VIEW given_impressions AS
        SELECT impression_id, user_id, title_id, artwork_id, copy_id, segment, epoch_us(shown_at) AS shown_us,
            CASE WHEN "row" IS NOT NULL OR position IS NOT NULL
                THEN least(greatest(coalesce("row", 0), 0), {last}) * {wide} + least(greatest(coalesce(position, 0), 0), {last})
            END AS place{more}
        FROM (SELECT {impression_columns} FROM {impressions});
    CREATE TEMP VIEW given_plays AS
        SELECT impression_id, CASE WHEN NOT isnan(seconds) THEN seconds END AS seconds,
            CASE WHEN NOT isnan(fraction) THEN fraction END AS fraction, epoch_us(played_at) AS played_us
        FROM (SELECT {play_columns} FROM {plays})
"""


@contextmanager
def database(spill: Path | None = None) -> "Iterator[duckdb.DuckDBPyConnection]":
    """A DuckDB of one's own that writes what does not fit MEMORY into a folder inside `spill`, the system's own where it is None."""
    import duckdb

    with TemporaryDirectory(prefix=".clicks-", dir=spill) as folder, duckdb.connect(Path(folder) / "clicks.db") as connection:
        where = folder.replace("'", "''")
        connection.execute(f"SET memory_limit = '{MEMORY}'; SET temp_directory = '{where}'")
        connection.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        yield connection


def open_logs(
    connection: "duckdb.DuckDBPyConnection",
    logs: Path | str,
    more: Sequence[str] = (),
    needed: Sequence[str] = (),
    maybe: Sequence[str] = (),
) -> frozenset[str]:
    """Make the views `given_impressions` and `given_plays`, as match.clicks.queries describes them; the OPTIONAL columns there are.

    more: further columns of the impressions, which come along as they are called; needed: OPTIONAL ones that must be there; maybe: of
    `more`, those that are null where the log lacks them. Raises LogError where the folder, a file or a column is missing, and where an
    impression lacks one of NEEDED. Reading the views raises duckdb.Error.
    """
    impressions, plays = _find(logs, "impressions"), _find(logs, "plays")
    with reading(logs):
        must = dict.fromkeys((*NEEDED, *needed, *(column for column in more if column not in maybe)))
        _check_columns(connection, impressions, tuple(must))
        _check_columns(connection, plays, PLAYS)
        there = set(_columns(connection, impressions)) | set(_columns(connection, plays)) & {"played_at"}
        known = (*NEEDED, *(column for column in OPTIONAL if column in there))
        beside = tuple(column for column in more if column not in known and (column in there or column not in maybe))
        timed = (*PLAYS, *({"played_at"} & there))
        connection.execute(
            VIEWS.format(
                impressions=_source(impressions, (*known, *beside)),
                impression_columns=_cast((*known, *beside), (*OPTIONAL, *maybe)),
                more="".join(f", {named(column)}" for column in more),
                plays=_source(plays, timed),
                play_columns=_cast(timed, ("played_at",)),
                last=LAST_PLACE,
                wide=LAST_PLACE + 1,
            )
        )
        _check_named(connection, logs)
    return frozenset(there & {*OPTIONAL, "played_at"})


def _check_named(connection: "duckdb.DuckDBPyConnection", logs: Path | str) -> None:
    counts = ", ".join(f"count(*) - count({name})" for name in NEEDED)
    (nameless,) = connection.execute(f"SELECT {counts} FROM given_impressions").fetchall()
    for name, count in zip(NEEDED, nameless, strict=True):
        if count:
            raise LogError(f"{count:,} impressions in {logs} have no {name}; fill it in, or leave them out")


@contextmanager
def reading(logs: Path | str) -> Iterator[None]:
    """What DuckDB says of logs within it, as ours."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise LogError(f"the logs in {logs} cannot be aggregated: {error}") from error


def _find(folder: Path | str, name: str) -> Path:
    logs = Path(folder)
    if not logs.is_dir():
        raise LogError(f"no folder of logs at {str(logs)!r}; give one with impressions and plays as .parquet, .csv or .jsonl")
    found = [logs / f"{name}{ending}" for ending in READERS if (logs / f"{name}{ending}").is_file()]
    if len(found) != 1:
        what = "no" if not found else "more than one"
        raise LogError(f"{logs}: {what} {name} table; keep one of {', '.join(name + ending for ending in READERS)}")
    return found[0]


def _source(path: Path, columns: tuple[str, ...]) -> str:
    types = {column: _type(column) for column in columns}
    return READERS[path.suffix].format(path=quoted(path), columns=types)


def quoted(path: Path) -> str:
    """A path to read, for DuckDB, which takes quotes for the end of a path, and *, ? and [ for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''")


def _cast(columns: tuple[str, ...], or_null: tuple[str, ...] = ()) -> str:
    """The columns by their types; those of `or_null` that are none of them are null."""
    values = [
        *((column, named(column)) for column in columns),
        *((column, "NULL") for column in or_null if column not in columns),
    ]
    return ", ".join(f"CAST({value} AS {_type(column)}) AS {named(column)}" for column, value in values)


def is_nested(column: str) -> bool:
    """Whether it is a list of whatever."""
    return _type(column).endswith("[]")


def _type(column: str) -> str:
    """A column that no record has, such as an experiment's arm, is text."""
    for schema in (CHOICE_LOG, PLAY):
        if column in schema.names:
            return _sql(schema.field(column).type)
    return "VARCHAR"


def _sql(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"{_sql(kind.value_type)}[]"
    if pa.types.is_struct(kind):
        return f"STRUCT({', '.join(f'{named(field.name)} {_sql(field.type)}' for field in kind)})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMPTZ"
    return "BIGINT" if pa.types.is_integer(kind) else "DOUBLE" if pa.types.is_floating(kind) else "VARCHAR"


def named(column: str) -> str:
    """As a name in a query: a column may be called group, or have a blank."""
    return '"' + column.replace('"', '""') + '"'


def text(value: str) -> str:
    """As a value in a query."""
    return "'" + value.replace("'", "''") + "'"


def _columns(connection: "duckdb.DuckDBPyConnection", path: Path) -> list[str]:
    if path.suffix == ".jsonl" and not path.stat().st_size:
        return []
    # Of JSON, the columns that READERS name would be there, all of them null.
    source = f"read_json('{quoted(path)}', format='newline_delimited')" if path.suffix == ".jsonl" else _source(path, ())
    columns: list[str] = connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
    return columns


def _check_columns(connection: "duckdb.DuckDBPyConnection", path: Path, columns: tuple[str, ...]) -> None:
    there = _columns(connection, path)
    if there and (missing := [column for column in columns if column not in there]):
        raise LogError(f"{path} has no column {', '.join(missing)}; see embed/records.py for the schema")

"""Logs of impressions and plays as DuckDB reads them: found, checked, aggregated; they may be larger than memory.

Types are never guessed: DuckDB would take the id t for a truth value and 2026-1-5 for a date.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from embed.errors import LogError

if TYPE_CHECKING:
    import duckdb

QUALITY_FRACTION = 0.2  # of the title watched ...
QUALITY_SECONDS = 600.0  # ... or as long, makes a play a quality play

READERS = {
    ".parquet": "read_parquet('{path}')",
    ".csv": "read_csv('{path}', header=true, all_varchar=true)",
    ".jsonl": "read_json('{path}', format='newline_delimited', columns={columns})",
}
TYPES = {
    "impression_id": "VARCHAR",
    "user_id": "VARCHAR",
    "title_id": "VARCHAR",
    "artwork_id": "VARCHAR",
    "copy_id": "VARCHAR",
    "segment": "VARCHAR",
    "policy": "VARCHAR",
    "row": "BIGINT",
    "position": "BIGINT",
    "shown_at": "TIMESTAMPTZ",
    "played_at": "TIMESTAMPTZ",
    "seconds": "DOUBLE",
    "fraction": "DOUBLE",
}
PLAYS = ("impression_id", "seconds", "fraction")
NEEDED = ("impression_id", "title_id", "artwork_id")
OPTIONAL = ("user_id", "copy_id", "segment", "row", "position", "shown_at")  # what is known less is corrected less
LAST_PLACE = 9  # rows of the page and places in a row beyond it are held to be alike
MEMORY = "1GB"  # of DuckDB; beyond it, it writes to the disk

# What a query of `aggregate` stands behind: each impression once, and those that led to a quality play. DuckDB holds that NaN is
# more than any limit.
SHOWN = """
    WITH shown AS (SELECT DISTINCT {impression_columns} FROM {impressions}),
         played AS (SELECT {play_columns} FROM {plays}),
         quality AS (SELECT DISTINCT impression_id FROM played
                     WHERE (fraction >= $fraction AND NOT isnan(fraction)) OR (seconds >= $seconds AND NOT isnan(seconds)))
"""


VIEWS = """
    CREATE TEMP VIEW given_impressions AS
        SELECT impression_id, user_id, title_id, artwork_id, copy_id, segment, epoch_us(shown_at) AS shown_us,
            CASE WHEN "row" IS NOT NULL OR position IS NOT NULL
                THEN least(greatest(coalesce("row", 0), 0), {last}) * {wide} + least(greatest(coalesce(position, 0), 0), {last})
            END AS place
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


def open_logs(connection: "duckdb.DuckDBPyConnection", logs: Path | str) -> frozenset[str]:
    """Make the views `given_impressions` and `given_plays`, as match.clicks.queries describes them; the OPTIONAL columns there are.

    Raises LogError where the folder, a file or a column is missing. Reading them raises duckdb.Error.
    """
    import duckdb

    impressions, plays = _find(logs, "impressions"), _find(logs, "plays")
    try:
        _check_columns(connection, impressions, NEEDED)
        _check_columns(connection, plays, PLAYS)
        there = set(_columns(connection, impressions)) | set(_columns(connection, plays)) & {"played_at"}
        known = (*NEEDED, *(column for column in OPTIONAL if column in there))
        timed = (*PLAYS, *({"played_at"} & there))
        connection.execute(
            VIEWS.format(
                impressions=_source(impressions, known),
                impression_columns=_cast(known, OPTIONAL),
                plays=_source(plays, timed),
                play_columns=_cast(timed, ("played_at",)),
                last=LAST_PLACE,
                wide=LAST_PLACE + 1,
            )
        )
    except duckdb.Error as error:
        raise _cannot(logs, error) from error
    return frozenset(there & {*OPTIONAL, "played_at"})


def _cannot(logs: Path | str, error: Exception) -> LogError:
    """What DuckDB says of logs, as ours."""
    return LogError(f"the logs in {logs} cannot be aggregated: {error}")


def aggregate(logs: Path | str, columns: tuple[str, ...], query: str, more: Mapping[str, object] | None = None) -> pa.Table:
    """The answer to a query over `shown`, the impressions' columns named, and `quality`, the impression_id of quality plays.

    more: values of the query's own parameters. Raises LogError where the folder, a file or a column is missing or cannot be read.
    """
    import duckdb

    impressions, plays = _find(logs, "impressions"), _find(logs, "plays")
    shown = SHOWN.format(
        impressions=_source(impressions, columns),
        impression_columns=_cast(columns),
        plays=_source(plays, PLAYS),
        play_columns=_cast(PLAYS),
    )
    try:
        with database() as connection:
            _check_columns(connection, impressions, columns)
            _check_columns(connection, plays, PLAYS)
            limits = {"fraction": QUALITY_FRACTION, "seconds": QUALITY_SECONDS}
            return connection.sql(shown + query, params={**limits, **(more or {})}).to_arrow_table()
    except duckdb.Error as error:
        raise _cannot(logs, error) from error


def columns_of(logs: Path | str, table: str) -> list[str]:
    """The names of the columns of a table of the logs, as they stand there; none where it is empty. Raises LogError likewise."""
    import duckdb

    path = _find(logs, table)
    try:
        with duckdb.connect() as connection:
            return _columns(connection, path)
    except duckdb.Error as error:
        raise LogError(f"{path} cannot be read: {error}") from error


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
    return READERS[path.suffix].format(path=_quoted(path), columns=types)


def _quoted(path: Path) -> str:
    """For DuckDB, which takes quotes for the end of a path, and *, ? and [ for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''")


def _cast(columns: tuple[str, ...], or_null: tuple[str, ...] = ()) -> str:
    """The columns by their types; those of `or_null` that are none of them are null."""
    values = [
        *((column, named(column)) for column in columns),
        *((column, "NULL") for column in or_null if column not in columns),
    ]
    return ", ".join(f"CAST({value} AS {_type(column)}) AS {named(column)}" for column, value in values)


def _type(column: str) -> str:
    """A column that the schema does not have, such as an experiment's arm, is text."""
    return TYPES.get(column, "VARCHAR")


def named(column: str) -> str:
    """As a name in a query: a column may be called group, or have a blank."""
    return '"' + column.replace('"', '""') + '"'


def _columns(connection: "duckdb.DuckDBPyConnection", path: Path) -> list[str]:
    if path.suffix == ".jsonl" and not path.stat().st_size:
        return []
    # Of JSON, the columns that READERS name would be there, all of them null.
    source = f"read_json('{_quoted(path)}', format='newline_delimited')" if path.suffix == ".jsonl" else _source(path, ())
    columns: list[str] = connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
    return columns


def _check_columns(connection: "duckdb.DuckDBPyConnection", path: Path, columns: tuple[str, ...]) -> None:
    there = _columns(connection, path)
    if there and (missing := [column for column in columns if column not in there]):
        raise LogError(f"{path} has no column {', '.join(missing)}; see embed/records.py for the schema")

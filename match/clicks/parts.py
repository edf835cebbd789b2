"""Rows too many to sort at once, a part at a time: divided once on the disk, in Parquet, by what must stay together.

DuckDB sorts and groups beyond its share of memory, too, but where groups are nearly as many as rows it was seen to take hours at it;
a part that fits takes seconds. Each row is written and read once more, whatever the number of parts.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from match.clicks.logs import quoted

if TYPE_CHECKING:
    import duckdb

AT_ONCE = 4_000_000  # rows that are sorted at once
WRITTEN = "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 32768"  # so many rows of each part are held in memory


class Parts(NamedTuple):
    """What `divide` made of a query's answer."""

    query: str
    folders: tuple[Path, ...]  # one for each part; none where all is one part, which is not written


def parts_of(rows: int) -> int:
    """How many parts it takes that have about AT_ONCE rows each, or fewer."""
    return 1 + rows // AT_ONCE


def folder_of(connection: "duckdb.DuckDBPyConnection") -> Path:
    """Where the database writes what does not fit; it goes with it."""
    ((folder,),) = connection.execute("SELECT current_setting('temp_directory')").fetchall()
    return Path(folder)


def divide(connection: "duckdb.DuckDBPyConnection", name: str, query: str, key: str, parts: int) -> Parts:
    """The query's answer in so many parts; rows of which `key`, an expression, is the same are in one.

    name: of a folder that is not there yet, or not any more.
    """
    if parts == 1:
        return Parts(query, ())
    folder = folder_of(connection) / name
    write(connection, folder, query, f"CAST(hash({key}) % {parts} AS BIGINT)")
    return Parts(query, tuple(folder / f"part={part}" for part in range(parts)))


def write(connection: "duckdb.DuckDBPyConnection", folder: Path, query: str, part: str, run: int = 0) -> None:
    """The answer into folder/part=0, folder/part=1, ..., as `part`, an expression, says, beside what earlier runs wrote there."""
    target = str(folder).replace("'", "''")
    connection.execute(
        f"COPY (SELECT *, {part} AS part FROM ({query})) TO '{target}' "
        f"({WRITTEN}, PARTITION_BY (part), OVERWRITE_OR_IGNORE, FILENAME_PATTERN 'run{run}-{{i}}')"
    )


def each_part(connection: "duckdb.DuckDBPyConnection", parts: Parts, view: str) -> Iterator[None]:
    """The view `view` over one part after the other; of one that was written nothing is left when the next comes."""
    for folder in parts.folders or (None,):
        source = parts.query if folder is None else written([folder], parts.query)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {source}")
        yield
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def written(folders: Sequence[Path], query: str) -> str:
    """The query that reads what `write` wrote there of such a query; nothing where it wrote nothing."""
    files = [file for folder in folders for file in sorted(folder.glob("*.parquet"))]
    if not files:
        return f"SELECT * FROM ({query}) WHERE false"
    listed = ", ".join(f"'{quoted(file)}'" for file in files)
    return f"SELECT * FROM read_parquet([{listed}], hive_partitioning = false)"

"""The audit of choices: who gets what artwork, how far that is from the title's average, and where a guard spoke.

It reads what match_all wrote (match.choices) or a log of choices (match.exploring.log), larger than memory, with DuckDB.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from embed.errors import LogError
from match.choices import MANIFEST
from match.clicks.logs import database

if TYPE_CHECKING:
    import duckdb

NOBODY = "(none)"  # the segment of users of whom nothing is said

# By chance a segment's share of an artwork, of n of a title's N choices, lies sqrt(2/π) standard deviations off the title's, those of
# a draw without replacement; half of that, added up, is how far segments lie off that do not differ.
SEGMENTS = """
    WITH cells AS (SELECT segment, title_id, artwork_id, count(*) AS n FROM chosen GROUP BY ALL),
         of_artwork AS (SELECT title_id, artwork_id, sum(n) AS n FROM cells GROUP BY ALL),
         of_title AS (SELECT title_id, sum(n) AS n, max(n) AS most, arg_min(artwork_id, (-n, artwork_id)) AS commonest
                      FROM of_artwork GROUP BY ALL),
         spread AS (SELECT title_id, sum(sqrt(a.n / t.n * (1 - a.n / t.n))) AS roots
                    FROM of_artwork a JOIN of_title t USING (title_id) GROUP BY ALL),
         shown AS (SELECT segment, title_id, sum(n) AS n FROM cells GROUP BY ALL)
"""
BY_SEGMENT = (
    SEGMENTS
    + """
    , apart AS (SELECT segment, title_id, sum(greatest(0, c.n / s.n - a.n / t.n)) AS differs,
                    sum(c.n) FILTER (c.artwork_id <> t.commonest) AS others
                FROM cells c JOIN shown s USING (segment, title_id) JOIN of_artwork a USING (title_id, artwork_id)
                    JOIN of_title t USING (title_id) GROUP BY ALL)
    SELECT segment, sum(s.n)::BIGINT AS choices, count(*) AS titles,
        sum(s.n * differs) / sum(s.n) AS differs,
        sum(s.n * roots * sqrt(greatest(0, 1 / s.n - 1 / t.n) / (2 * pi()))) / sum(s.n) AS by_chance,
        coalesce(sum(others), 0) / sum(s.n) AS not_the_commonest
    FROM shown s JOIN apart USING (segment, title_id) JOIN spread USING (title_id) JOIN of_title t USING (title_id)
    GROUP BY ALL ORDER BY choices DESC, segment
"""
)
CELLS = (
    SEGMENTS
    + """
    SELECT segment, title_id, artwork_id, c.n AS choices, s.n::BIGINT AS of_choices, c.n / s.n AS share, a.n / t.n AS usual,
        (c.n / s.n - a.n / t.n) / sqrt(a.n / t.n * (1 - a.n / t.n) * (1 / s.n - 1 / t.n)) AS score
    FROM cells c JOIN shown s USING (segment, title_id) JOIN of_artwork a USING (title_id, artwork_id)
        JOIN of_title t USING (title_id)
    WHERE a.n < t.n AND s.n < t.n
    ORDER BY score DESC, segment, title_id, artwork_id LIMIT $most
"""
)
SPOKE = """
    WITH said AS (SELECT segment, unnest(spoke) AS guard FROM source)
    SELECT guard, segment, count(*) AS choices, count(*) / any_value(n) AS share
    FROM said JOIN (SELECT segment, count(*) AS n FROM source GROUP BY ALL) USING (segment)
    GROUP BY ALL ORDER BY guard, choices DESC, segment
"""
COLUMNS = {"segment": "VARCHAR", "title_id": "VARCHAR", "artwork_id": "VARCHAR", "kept": "VARCHAR", "notes": "VARCHAR[]"}


@dataclass(frozen=True)
class Audit:
    """What choices show; rows are plain dicts, by the names of the queries' columns."""

    choices: int
    without_artwork: int
    segments: list[dict[str, Any]]  # differs: the share of choices that would have to change for the segment to be as all are
    cells: list[dict[str, Any]]  # what a segment gets more often than others, the surest first; score: in standard deviations
    spoke: list[dict[str, Any]]  # guards, and why an artwork was kept or is no choice


def audit_of(choices: Path | str, segments: pa.Table | None = None, most: int = 20) -> Audit:
    """Audit a folder that match_all wrote, or a log of choices: a .parquet or .jsonl file, or a folder of either.

    segments: user_id and segment, for choices of match_all, which know none. Raises LogError where there is nothing to read, or it
    cannot be read.
    """
    import duckdb

    path = Path(choices)
    query = _of_choices(path, segments) if (path / MANIFEST).is_file() else _of_log(path)
    try:
        with database() as connection:
            if segments is not None:
                connection.register("segments", segments)
            connection.execute(f"CREATE TABLE source AS {query}")
            connection.execute("CREATE TEMP VIEW chosen AS FROM source WHERE artwork_id IS NOT NULL")
            ((total, without),) = connection.sql("SELECT count(*), count(*) - count(artwork_id) FROM source").fetchall()
            by_segment, cells, spoke = (_rows(connection, query, most) for query in (BY_SEGMENT, CELLS, SPOKE))
            return Audit(total, without, by_segment, cells, spoke)
    except duckdb.Error as error:
        raise LogError(f"the choices in {path} cannot be read: {error}") from error


def _rows(connection: "duckdb.DuckDBPyConnection", query: str, most: int) -> list[dict[str, Any]]:
    parameters = {"most": most} if "$most" in query else {}
    found: list[dict[str, Any]] = connection.sql(query, params=parameters).to_arrow_table().to_pylist()
    return found


def _of_choices(folder: Path, segments: pa.Table | None) -> str:
    """The source of a folder of match_all."""
    whose = "LEFT JOIN segments USING (user_id)" if segments is not None else ""
    segment = "segment" if segments is not None else "NULL"
    return f"""
        SELECT coalesce({segment}, '{NOBODY}') AS segment, title_id::VARCHAR AS title_id, artwork_id::VARCHAR AS artwork_id,
            list_filter([reason::VARCHAR], lambda one: one IS NOT NULL) AS spoke
        FROM read_parquet('{_quoted(folder)}/*.parquet') {whose}
    """


def _of_log(path: Path) -> str:
    """The source of a log of choices."""
    if path.is_dir():
        endings = {file.suffix for file in path.iterdir() if not file.name.startswith(".")} & {".parquet", ".jsonl"}
        if len(endings) != 1:
            raise LogError(
                f"{path} holds neither match_all's choices nor logs of one kind; give a folder of .parquet or of .jsonl"
            )
        ending, pattern = endings.pop(), _quoted(path) + "/*"
        return _select(pattern + ending, ending)
    if not path.is_file() or path.suffix not in (".parquet", ".jsonl"):
        raise LogError(
            f"no choices at {str(path)!r}; give a folder that match_all wrote, or a log of choices (.parquet, .jsonl)"
        )
    return _select(_quoted(path), path.suffix)


def _select(pattern: str, ending: str) -> str:
    read = f"read_json('{pattern}', format='newline_delimited', columns={COLUMNS})"
    if ending == ".parquet":
        read = f"read_parquet('{pattern}')"
    return f"""
        SELECT coalesce(segment, '{NOBODY}') AS segment, title_id, artwork_id,
            list_concat(list_transform(notes, lambda note: split_part(note, ':', 1)),
                        CASE WHEN kept IS NULL THEN [] ELSE ['kept for the ' || kept] END) AS spoke
        FROM {read}
    """


def _quoted(path: Path) -> str:
    """For DuckDB, which takes quotes for the end of a path, and *, ? and [ for patterns."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path)).replace("'", "''")

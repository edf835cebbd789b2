"""Logs of choices to facts: each impression once, whether it led to a quality play, and whether it counts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from embed.errors import LogError
from match.clicks.days import LONGEST_WAIT, Rules
from match.clicks.logs import QUALITY_FRACTION, QUALITY_SECONDS, columns_of, database, open_logs

if TYPE_CHECKING:
    import duckdb

QUERY = """
    CREATE TEMP TABLE facts AS
    WITH quality AS (
        SELECT DISTINCT impression_id FROM given_plays WHERE fraction >= {fraction} OR seconds >= {seconds}
    ),
    once AS (
        SELECT g.impression_id, g.user_id, g.title_id, g.artwork_id, g.shown_us, {more},
            CAST(floor(shown_us / 8.64e10) AS BIGINT) AS shown_day,
            CASE WHEN quality.impression_id IS NULL THEN 0 ELSE 1 END AS quality
        FROM given_impressions AS g JOIN read_parquet('{path}') AS beside USING (impression_id, artwork_id)
        LEFT JOIN quality USING (impression_id)
        QUALIFY row_number() OVER (PARTITION BY g.impression_id ORDER BY shown_us, g.user_id, g.title_id, g.artwork_id) = 1
    ),
    counted AS (
        SELECT *, count(*) OVER (PARTITION BY user_id, shown_day) AS of_user,
            row_number() OVER (PARTITION BY user_id, shown_day, artwork_id ORDER BY shown_us, impression_id) AS again
        FROM once
    )
    SELECT * EXCLUDE (of_user, again), CASE WHEN user_id IS NULL OR shown_day IS NULL THEN 'counted'
            WHEN of_user > {most_impressions} THEN 'bot' WHEN again > {most_repeats} THEN 'repeat'
            WHEN shown_us > (SELECT max(shown_us) FROM once) - {wait} * 8.64e10 THEN 'young' ELSE 'counted' END AS verdict
    FROM counted
"""


class Facts(NamedTuple):
    """A log that is open: `connection` has the table `facts`."""

    connection: "duckdb.DuckDBPyConnection"


@contextmanager
def open_facts(
    logs: Path | str, rules: Rules | None = None, *, more: Sequence[str] = (), needed: Sequence[str] = ()
) -> Iterator[Facts]:
    """Open a folder of logs and count by rules; more: further columns of the impressions."""
    import duckdb

    path, rules = Path(logs) / "impressions.parquet", rules or Rules()
    if not path.is_file():
        raise LogError(f"no folder of logs at {str(path)!r}")
    with database() as connection:
        try:
            open_logs(connection, logs)
            if missing := [name for name in (*more, *needed) if name not in columns_of(logs, "impressions")]:
                raise LogError(f"{path} has no column {', '.join(missing)}; see embed/records.py for the schema")
            limits = {"fraction": QUALITY_FRACTION, "seconds": QUALITY_SECONDS, "most_repeats": rules.most_repeats}
            limits |= {"most_impressions": rules.most_impressions, "wait": LONGEST_WAIT if rules.wait is None else rules.wait}
            listed = ", ".join(f"beside.{name}" for name in more)
            connection.execute(QUERY.format(path=path, more=listed, **limits))
            yield Facts(connection)
        except duckdb.Error as error:
            raise LogError(f"the logs in {logs} cannot be aggregated: {error}") from error

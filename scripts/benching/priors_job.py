"""Logs drawn at random, and what learning priors from them takes; and adding a day to them."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from artwork_doors.benching.figures import Figure, records
from artwork_doors.benching.memory import PROC, Peak, peak_memory
from embed.errors import ArtworkMatcherError

DOOR = Path(__file__).parents[1] / "learn_priors.py"

MEMORY = 2048.0  # MiB, of the issue that asked for this benchmark, at 100 million rows; never raised
DAYS = 28
TITLES, ARTWORKS, SEGMENTS, ROWS, PLACES = 2_000, 10, 8, 6, 8
PER_USER = 200  # impressions
PLAYED = 0.08  # of impressions; three in four become quality plays
TWICE = 100  # of so many rows one comes again

# hash() of a number is as good as drawn, and the same again; each use has a number of its own.
DRAWN = """
    SELECT printf('%016x', hash(n)) AS impression_id,
        'user-' || (hash(n + 1) % greatest({rows} // {per_user}, 1)) AS user_id,
        'title-' || (hash(n * 31 + 2) % {titles}) AS title_id,
        'artwork-' || (hash(n * 31 + 2) % {titles}) || '-' || (hash(n * 31 + 3) % {artworks}) AS artwork_id,
        'segment-' || (hash((hash(n + 1) % greatest({rows} // {per_user}, 1)) + 4) % {segments}) AS segment,
        (hash(n * 31 + 5) % {page_rows})::INTEGER AS "row", (hash(n * 31 + 6) % {places})::INTEGER AS position,
        to_timestamp(1767225600 + 86400.0 * ({first} + {days} * (n - {start}) / {count})) AS shown_at
    FROM (SELECT CASE WHEN i % {twice} = 0 THEN greatest(i - 1, {start}) ELSE i END AS n FROM range({start}, {start} + {count}) AS t(i))
"""
PLAYS = """
    SELECT impression_id, shown_at + to_seconds((hash(impression_id || 'late') % 7200)::DOUBLE) AS played_at,
        CASE WHEN hash(impression_id || 'long') % 4 = 0 THEN 0.05 ELSE 0.6 END::FLOAT AS fraction, NULL::FLOAT AS seconds
    FROM read_parquet('{path}') WHERE hash(impression_id || 'played') % 1000 < {played} * (2 - 0.2 * position)
"""


@dataclass(frozen=True)
class Run:
    """One size of logs."""

    rows: int
    disk: int  # bytes of the logs
    whole: Peak
    day: Peak  # adding one more day
    store: int  # bytes of the store's tables afterwards
    counted: int


def write_logs(folder: Path, start: int, count: int, rows: int, first: float, days: float) -> Path:
    """Impressions and plays numbered from `start`, of `days` days from day `first` on, of a service with `rows` impressions."""
    import duckdb

    folder.mkdir(parents=True)
    drawn = DRAWN.format(
        rows=rows,
        per_user=PER_USER,
        titles=TITLES,
        artworks=ARTWORKS,
        segments=SEGMENTS,
        page_rows=ROWS,
        places=PLACES,
        first=first,
        days=days,
        start=start,
        count=count,
        twice=TWICE,
    )
    path = folder / "impressions.parquet"
    with duckdb.connect() as connection:
        connection.execute("SET memory_limit = '1GB'")
        connection.execute(f"COPY ({drawn}) TO '{path}' (COMPRESSION zstd)")
        connection.execute(
            f"COPY ({PLAYS.format(path=path, played=PLAYED * 1000)}) TO '{folder / 'plays.parquet'}' (COMPRESSION zstd)"
        )
    return folder


def measure(rows: int, work: Path, say: Callable[[str], None]) -> Run:
    """The real command over logs and then over a day more, in `work`. Raises ArtworkMatcherError where it fails, or has lost rows."""
    from embed.encoder import EncoderChoice
    from embed.store import create_store

    if not PROC.is_dir():
        raise ArtworkMatcherError("no /proc, from which a process's memory is read; run it on Linux")
    store = create_store(work / "store", EncoderChoice("bench", "given"), "a" * 64, 4)
    day = max(rows // DAYS, 1)
    logs = write_logs(work / "logs", 0, rows, rows, 0, DAYS)
    later = write_logs(work / "day", rows, day, rows, DAYS, 1)
    say(f"{rows:,} rows: logs of {_size(logs) / 2**20:.0f} MiB are drawn")
    whole, told = _run(logs, store.root, work / "whole.log")
    added, _ = _run(later, store.root, work / "day.log", "--add")
    say(f"{rows:,} rows: peak {whole.bytes / 2**20:.0f} MiB, {whole.seconds:.0f} s; a day more {added.seconds:.0f} s")
    report = told["report"]
    if (found := sum(report[name] for name in ("duplicates", "young", "repeats", "bots", "counted"))) != rows:
        raise ArtworkMatcherError(f"learn_priors told of {found} of {rows} rows")
    return Run(rows, _size(logs), whole, added, _size(store.root), report["counted"])


def _run(logs: Path, store: Path, log: Path, *flags: str) -> tuple[Peak, dict[str, Any]]:
    command = [sys.executable, str(DOOR), str(logs), "--store", str(store), "--json", *flags]
    try:
        peak = peak_memory(command, log)
    except subprocess.CalledProcessError as error:
        raise ArtworkMatcherError(f"learn_priors over {logs} ended with {error.returncode}: {error.output}") from error
    return peak, json.loads(peak.output)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def figures_of(runs: Sequence[Run]) -> list[Figure]:
    """The report's lines."""
    about = "learning priors from impressions and plays"
    lines = []
    for run in runs:
        of = f"{run.rows:,} rows"
        where = f"{run.whole.kind}; logs of {run.disk / 2**20:,.0f} MiB, store of {run.store / 2**20:,.0f} MiB afterwards"
        lines += [
            Figure(about, f"peak memory, {of}", run.whole.bytes / 2**20, "MiB", target=MEMORY, at_most=True, note=where),
            Figure(about, f"seconds, {of}", run.whole.seconds, "s", note=f"{run.rows / run.whole.seconds:,.0f} rows/s"),
            Figure(about, f"peak memory, a day more to {of}", run.day.bytes / 2**20, "MiB", target=MEMORY, at_most=True),
            Figure(about, f"seconds, a day more to {of}", run.day.seconds, "s"),
        ]
    return lines


def as_json(machine: dict[str, Any], runs: Sequence[Run], figures: Sequence[Figure]) -> dict[str, Any]:
    """Everything, for --json."""
    return {"machine": machine, "runs": [asdict(run) for run in runs], "figures": records(figures)}

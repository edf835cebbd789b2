"""The nightly job side by side with the obvious way, and what follows from it. Does not print."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artwork_doors.benching.crowds import Size, make_store
from artwork_doors.benching.figures import Figure, Series, records
from artwork_doors.benching.machine import sgemm_peak
from artwork_doors.benching.memory import PROC, Peak, peak_memory
from embed.errors import ArtworkMatcherError

if TYPE_CHECKING:
    from embed.store import Store

DOOR = Path(__file__).parents[1] / "match_all.py"

# Of the issue that asked for this benchmark, for 2 CPU cores; never lowered: what is missed stands as missed.
OF_SGEMM = 0.5  # of the machine's matrix product, in the whole command


@dataclass(frozen=True)
class MeasuredBulk:
    """The command over one store, once a round, and the obvious way over some of its users."""

    size: Size
    seconds: Series  # of the whole command, as a person waits for it
    sgemm: Series  # GFLOP/s of a large float32 matrix product, the better of before and after each
    stages: dict[str, float]  # seconds per stage, of the last round
    bytes: int  # of the Parquet files
    peak: Peak | None  # of a run of its own, since looking takes time; None where memory cannot be told
    sample: int  # users whom the obvious way was asked for
    obvious: Series  # seconds for them
    agreement: float  # of their choices with what the command wrote


def measure(size: Size, rounds: int, sample: int, work: Path, say: Callable[[str], None]) -> MeasuredBulk:
    """Makes the store in `work`. Raises ArtworkMatcherError where the command fails."""
    store = make_store(work / "store", size)
    say(f"store: {size.users:,} users, {size.titles:,} titles, {size.artworks} artworks each")
    users, seconds, sgemm, obvious = _users(store, sample), [], [], []
    for number in range(rounds):
        before = sgemm_peak("cpu")
        took, told = _run(store, work / "choices")
        seconds.append(took)
        sgemm.append(max(before, sgemm_peak("cpu")))
        chosen, of_sample = _obvious(store, users)
        obvious.append(of_sample)
        say(
            f"round {number + 1}: {took:.1f} s, matrix product {sgemm[-1]:.0f} GFLOP/s; {sample} users one way: {of_sample:.1f} s"
        )
    agreement = _agreement(work / "choices", users, chosen)
    written = sum(path.stat().st_size for path in (work / "choices").glob("*.parquet"))
    peak = _peak(store, work / "choices") if PROC.is_dir() else None
    series = (Series(tuple(values)) for values in (seconds, sgemm))
    return MeasuredBulk(size, *series, told["seconds"], written, peak, len(users), Series(tuple(obvious)), agreement)


def _command(store: "Store", out: Path) -> list[str]:
    return [sys.executable, str(DOOR), "--store", str(store.root), "--out", str(out), "--restart", "--json"]


def _run(store: "Store", out: Path) -> tuple[float, dict[str, Any]]:
    """Seconds, and what the command answered."""
    start = time.perf_counter()
    done = subprocess.run(_command(store, out), capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise ArtworkMatcherError(f"match_all ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return seconds, told


def _peak(store: "Store", out: Path) -> Peak:
    return peak_memory(_command(store, out), out.with_suffix(".log"))


def _users(store: "Store", sample: int) -> list[str]:
    """So many users, from all over."""
    from embed.tastes.profiles import read_profiles

    users = read_profiles(store).user_ids
    return users[:: max(1, len(users) // sample)][:sample]


def _obvious(store: "Store", users: Sequence[str]) -> tuple[list[tuple[str, str, str]], float]:
    """What a service would do that asks for everything: (user, title, artwork) of each choice, and the seconds, opening left out."""
    from match.matcher import Matcher

    matcher = Matcher.open(store)
    start = time.perf_counter()
    pages = matcher.choose_many(users)
    seconds = time.perf_counter() - start
    return [(one.user_id, one.title_id, one.artwork.artwork_id) for page in pages for one in page if one.artwork], seconds


def _agreement(folder: Path, users: Sequence[str], chosen: Sequence[tuple[str, str, str]]) -> float:
    """The share of choices that stand in the folder, too."""
    import pyarrow.dataset as ds

    choices = ds.dataset([str(path) for path in sorted(folder.glob("*.parquet"))])
    table = choices.to_table(["user_id", "title_id", "artwork_id"], filter=ds.field("user_id").isin(list(users)))
    found = set(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return len(found & set(chosen)) / len(chosen)


def figures_of(measured: MeasuredBulk) -> list[Figure]:
    """All lines."""
    size = measured.size
    about = f"{size.users:,} users x {size.titles:,} titles x {size.artworks} artworks, {size.dimension} numbers each"
    rate = Series(tuple(size.gflop / seconds for seconds in measured.seconds.values))
    share = rate.with_(measured.sgemm, lambda reached, peak: reached / peak)
    whole = Series(tuple(seconds * size.users / measured.sample for seconds in measured.obvious.values))
    stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in measured.stages.items())
    peak = measured.peak
    return [
        _figure(about, "whole command", measured.seconds, "s", note=f"{stages} s; choose and write are sums of threads"),
        _figure(about, "choices", Series(tuple(size.choices / seconds for seconds in measured.seconds.values)), "choices/s"),
        _figure(about, "matrix product, float32 (sgemm)", measured.sgemm, "GFLOP/s"),
        _figure(about, "whole command / matrix product", share, "", OF_SGEMM, f"{size.gflop:,.0f} GFLOP of inner products"),
        Figure(
            about, "peak memory", peak and peak.bytes / 2**20, "MiB", note=peak.kind if peak else "no /proc to read it from"
        ),
        Figure(about, "Parquet", measured.bytes / 2**20, "MiB", note=f"{measured.bytes / size.choices:.1f} bytes a choice"),
        _figure(about, "Matcher.choose_many", whole, "s", note=f"extrapolated from {measured.sample:,} users"),
        _figure(about, "Matcher.choose_many / whole command", whole.with_(measured.seconds, lambda a, b: a / b), "x"),
        Figure(about, "agreement with Matcher.choose_many", measured.agreement, target=1.0, note="of those users"),
    ]


def as_json(machine: dict[str, Any], measured: MeasuredBulk) -> dict[str, Any]:
    """Everything, for --json."""
    return {"machine": machine, "measured": asdict(measured), "figures": records(figures_of(measured))}


def _figure(about: str, name: str, series: Series, unit: str, target: float | None = None, note: str = "") -> Figure:
    return Figure(about, name, series.median, unit, min(series.values), max(series.values), target, note=note)

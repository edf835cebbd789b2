"""A record of each run of the batch job, kept with the store: what was done, how fast, with what."""

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from embed.store import Store, write_json

LIBRARIES = ("artwork-matcher", "torch", "open_clip_torch", "pillow", "pylance", "openvino", "ray")
FEW = 64  # pictures: a run of fewer says nothing about speed


@dataclass(frozen=True)
class Run:
    """One finished run."""

    started_at: str  # ISO 8601, UTC
    finished_at: str
    engine: str  # local or ray
    plan: dict[str, int]
    embedded: int
    rejected: int  # pictures set aside as of then
    seconds: dict[str, float]  # per stage
    images_per_second: float  # of the embedding itself, without planning; 0 where nothing was embedded
    encoder: str
    fingerprint: str
    backend: dict[str, Any]  # how the tower ran, and what was measured before it was trusted
    versions: dict[str, str]


def versions() -> dict[str, str]:
    """The versions of what makes vectors, as far as it is installed."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # an extra
    return found


def write_run(store: Store, run: Run) -> None:
    """Keep it with the store, under the time at which it ended."""
    name = f"embed_artwork-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}.json"
    write_json(store.root / "runs" / name, asdict(run))


def read_runs(store: Store) -> list[Run]:
    """All runs, the latest first; records of an older release or half a record are left out."""
    runs = []
    for path in sorted((store.root / "runs").glob("embed_artwork-*.json"), reverse=True):
        try:
            runs.append(Run(**json.loads(path.read_text(encoding="utf-8"))))
        except (OSError, ValueError, TypeError):
            continue
    return runs


def last_speed(store: Store) -> float | None:
    """Images per second of the last run with this encoder that embedded enough to tell."""
    for run in read_runs(store):
        if run.fingerprint == store.fingerprint and run.embedded >= FEW and run.images_per_second > 0:
            return run.images_per_second
    return None


def processor() -> str:
    """The CPU's name, as its maker gave it; its architecture where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())

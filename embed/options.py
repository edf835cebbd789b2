"""How a run of the batch job is done. What it leaves behind is the same whatever they are, up to a backend's rounding."""

import os
from dataclasses import dataclass, field

BATCH = 32  # pictures handed to the tower at a time


def cores() -> int:
    """The processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class JobOptions:
    """How a batch job runs; all of it may be left as it is."""

    backend: str = "auto"  # how the tower runs: see embed.backends
    engine: str = "local"  # or ray: past one machine
    address: str | None = None  # of a Ray cluster; None: a local one
    workers: int = field(default_factory=cores)  # processes that decode; Ray sizes its own
    seconds_per_picture: float = 60.0  # to read and decode one; a picture that takes longer is set aside
    batch: int = BATCH  # pictures handed to the tower at a time, where there are so many
    commit_every: int = 32 * BATCH  # pictures per commit: what a killed run has to do again at most
    commit_seconds: float = 60.0  # or sooner, where the tower is slow
    retry_rejected: bool = False  # try pictures again that were set aside with these very bytes
    rehash: bool = False  # read every file, even where its size and time of change are the same

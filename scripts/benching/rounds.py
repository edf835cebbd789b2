"""One encoder measured: everything is warmed up, and then all contenders run in turn, round after round."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from artwork_doors.benching import figures, machine, material
from artwork_doors.benching.children import Unavailable
from artwork_doors.benching.contenders import Contender, Obvious, Ours
from artwork_doors.benching.figures import CHOSEN, DECODING, EMBEDDING, JOB, OBVIOUS, SGEMM, THEIRS, Measured, Series
from artwork_doors.benching.theirs import clip_retrieval

if TYPE_CHECKING:
    import numpy as np

    from embed.encoder import Encoder, EncoderChoice

WARM = 64  # pictures that each contender has before it counts; as many as a backend is measured on
MOST = 1536  # different pictures
SECONDS = 10.0  # that a contender takes in each round, where no count is given
LONGER = 2  # times that, for the job: what it does once should not weigh more than in a long run

Say = Callable[[str], None]


@dataclass(frozen=True)
class Subject:
    """An encoder to measure."""

    name: str
    choice: "EncoderChoice"
    checkpoint: Path  # its folder, as plain open_clip opens it


@dataclass(frozen=True)
class Settings:
    """How long it takes and what it runs with."""

    rounds: int = 3
    count: int | None = None  # pictures for each contender; None: as many as take it SECONDS
    backend: str = "auto"
    clip_retrieval: Path | None = None  # the interpreter in which it is installed

    @property
    def warm(self) -> int:
        """Pictures for each contender before it counts."""
        return min(WARM, self.count or WARM)


def measure_encoder(
    subject: Subject, pictures: material.Large, work: Path, settings: Settings, say: Say = lambda line: None
) -> Measured:
    """All contenders with one encoder; stores are written to `work`.

    Raises EncoderError and StoreError as the job does.
    """
    from embed.encoder import load_encoder

    encoder = load_encoder(subject.choice)
    ours = _ours(encoder, pictures, work, settings)
    obvious = Obvious(f"local-dir:{subject.checkpoint}", ours.folder, ours.options.batch, encoder.device)
    contenders = {**ours.contenders(), **obvious.contenders()}
    with ExitStack() as stack:
        notes = _add_theirs(contenders, stack, subject, ours, settings)
        counts = _counts({name: run(settings.warm) for name, run in contenders.items()}, settings, encoder.device)
        ours.take(pictures.first(max(counts.values())))
        rates = _rounds(contenders, counts, settings.rounds, lambda line: say(f"{subject.name}: {line}"))
    return _measured(subject, ours, obvious, rates, counts, notes)


def _ours(encoder: "Encoder", pictures: material.Large, work: Path, settings: Settings) -> Ours:
    """The job and its parts, the backend chosen as a job over many pictures would choose it."""
    import numpy as np

    from embed.backends import open_tower
    from embed.decoders import Decoders
    from embed.options import JobOptions

    options, folder, paths = JobOptions(backend=settings.backend), pictures.folder, pictures.first(settings.warm)
    preprocessing = encoder.preprocessing
    with Decoders(str(folder), preprocessing, workers=options.workers, seconds=options.seconds_per_picture) as decoders:
        pixels = np.array([decoded.pixels for decoded in decoders.decode(paths)])
    tower, verdict = open_tower(encoder, settings.backend, pictures=pixels)
    return Ours(work, folder, encoder, options, pixels, tower, verdict).take(paths)


def _add_theirs(
    contenders: dict[str, Contender], stack: ExitStack, subject: Subject, ours: Ours, settings: Settings
) -> dict[str, str]:
    """Enter clip-retrieval's where it runs; how it runs, or why it does not."""
    log = ours.work / "clip-retrieval.log"
    try:
        theirs = stack.enter_context(clip_retrieval(subject.checkpoint, settings.clip_retrieval, log))
        theirs.rate(ours.folder, settings.warm, ours.options.batch)
    except Unavailable as why:
        return {THEIRS: str(why)}
    contenders[THEIRS] = lambda count: theirs.rate(ours.folder, count, ours.options.batch)
    return {THEIRS: theirs.described}


def _counts(speeds: Mapping[str, float], settings: Settings, device: str) -> dict[str, int]:
    """Pictures per contender, so that each takes as long: a slow one is not waited for, a fast one shows its pace.

    What starts workers looks slow over the few pictures of the warm-up: it is given as many as what it cannot outrun.
    """
    speeds = {name: speed for name, speed in speeds.items() if name != SGEMM}
    if settings.count:
        return dict.fromkeys(speeds, settings.count)
    limit = figures.together(speeds[CHOSEN], speeds[DECODING], device)
    paces = {**speeds, JOB: LONGER * limit, **({THEIRS: speeds[OBVIOUS]} if THEIRS in speeds else {})}
    return {name: min(MOST, max(WARM, round(pace * SECONDS / WARM) * WARM)) for name, pace in paces.items()}


def _rounds(contenders: Mapping[str, Contender], counts: Mapping[str, int], rounds: int, say: Say) -> dict[str, Series]:
    """All in turn, again and again: a machine that drifts flatters nobody."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(1, rounds + 1):
        for name, run in contenders.items():
            found[name].append(run(counts.get(name, 0)))
        say(f"round {number} of {rounds}: " + ", ".join(f"{name} {values[-1]:.1f}" for name, values in found.items()))
    return {name: Series(tuple(values)) for name, values in found.items()}


def _measured(
    subject: Subject, ours: Ours, obvious: Obvious, rates: dict[str, Series], counts: dict[str, int], notes: dict[str, str]
) -> Measured:
    sgemm, reports = rates.pop(SGEMM), ours.reports[-len(rates[JOB].values) :]
    rates[EMBEDDING] = Series(tuple(report.images_per_second for report in reports))
    seconds = {stage: median(report.seconds[stage] for report in reports) for stage in reports[0].seconds}
    spent = "seconds: " + ", ".join(f"{stage} {value:.1f}" for stage, value in seconds.items())
    return Measured(
        encoder=subject.name,
        device=ours.encoder.device,
        dimension=ours.encoder.dimension,
        pictures={**counts, EMBEDDING: counts[JOB]},
        rates=rates,
        sgemm=sgemm,
        gflop=machine.gflop_per_picture(ours.encoder),
        backend=reports[-1].backend,
        seconds=seconds,
        cosine=_cosines(ours, obvious.vectors(ours.paths[: len(ours.pixels)])),
        notes={
            **notes,
            JOB: spent,
            EMBEDDING: "with opening the tower, without planning",
            CHOSEN: str(reports[-1].backend["backend"]),
        },
    )


def _cosines(ours: Ours, theirs: "np.ndarray") -> Series:
    """Of the vectors that the job left in the store to those of the same files by the obvious script."""
    from embed.store import open_store, read_table, read_vectors

    table = read_table(open_store(ours.store), "embeddings")
    vectors = dict(zip(table["sha256"].to_pylist(), read_vectors(table), strict=True))
    hashes = [hashlib.sha256((ours.folder / path).read_bytes()).hexdigest() for path in ours.paths[: len(theirs)]]
    return Series(tuple(float(vectors[sha256] @ vector) for sha256, vector in zip(hashes, theirs, strict=True)))

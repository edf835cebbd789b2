"""What is measured side by side. Each contender is a function of a number of pictures and gives its images/s over them."""

import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from artwork_doors.benching import machine, material
from artwork_doors.benching.figures import CHOSEN, DECODING, EAGER, JOB, OBVIOUS, SGEMM

if TYPE_CHECKING:
    import numpy as np

    from embed.backends import Measured, Tower
    from embed.encoder import Encoder
    from embed.job import JobReport
    from embed.options import JobOptions

Contender = Callable[[int], float]


@dataclass
class Ours:
    """The real job, and its parts alone."""

    work: Path
    folder: Path  # of the pictures
    encoder: "Encoder"
    options: "JobOptions"
    pixels: "np.ndarray"  # (n, height, width, 3) uint8: the first pictures as the workers give them
    tower: "Tower"
    verdict: "Measured | None"  # what was measured before the tower was chosen
    paths: list[str] = field(default_factory=list)
    reports: list["JobReport"] = field(default_factory=list)

    def take(self, paths: list[str]) -> "Ours":
        """These pictures from now on."""
        self.paths = paths
        self.catalog = material.catalog_of(self.work / "catalog", self.folder, paths)
        return self

    def contenders(self) -> dict[str, Contender]:
        """By name, in the order in which they run."""
        return {JOB: self.job, EAGER: self.eager, SGEMM: self.sgemm, CHOSEN: self.chosen, DECODING: self.decoding}

    def sgemm(self, count: int) -> float:
        """GFLOP/s, not images/s: the machine's, between the two towers that are held against it."""
        return machine.sgemm_peak(self.encoder.device)

    def job(self, count: int) -> float:
        """The whole of embed_artwork, planning too, into a new store. The backend was measured before, as on every later night.

        Less the opening of the tower: the models of the others are open, too, when their clocks start.
        """
        from embed.backends import write_verdict
        from embed.job import embed_artwork
        from embed.store import create_store

        shutil.rmtree(self.store, ignore_errors=True)
        store = create_store(self.store, self.encoder.choice, self.encoder.fingerprint, self.encoder.dimension)
        if self.verdict is not None:
            write_verdict(store.tables, self.verdict)
        some = replace(self.catalog, artwork=self.catalog.artwork.slice(0, count))
        start = time.perf_counter()
        report = embed_artwork(some, store, self.encoder, self.options)
        seconds = time.perf_counter() - start
        self.reports.append(report)
        return report.embedded / (seconds - report.seconds["measure"])

    @property
    def store(self) -> Path:
        """Of the last run."""
        return self.work / "store"

    def eager(self, count: int) -> float:
        """The reference that every backend is held against."""
        return self._tower(self.encoder.encode_pixels, count)

    def chosen(self, count: int) -> float:
        """The backend that the job took."""
        return self._tower(self.tower.encode, count)

    def _tower(self, encode: "Callable[[np.ndarray], np.ndarray]", count: int) -> float:
        batch, start = self.options.batch, time.perf_counter()
        for first in range(0, count, batch):
            encode(self.pixels[first % len(self.pixels) :][:batch])
        return count / (time.perf_counter() - start)

    def decoding(self, count: int) -> float:
        """Reading, hashing, decoding and resizing in the job's workers, without a tower.

        Of the middle of the run: at its start the workers are not there yet, at its end they have finished what is still to
        be handed out. Of fewer pictures than a few hundred it tells nothing.
        """
        from embed.decoders import Decoders

        workers, seconds = self.options.workers, self.options.seconds_per_picture
        with Decoders(str(self.folder), self.encoder.preprocessing, workers=workers, seconds=seconds) as decoders:
            times = [time.perf_counter() for _ in decoders.decode(self.paths[:count])]
        edge = count // 8
        middle = times[edge : count - edge]
        return (len(middle) - 1) / (middle[-1] - middle[0])


@dataclass
class Obvious:
    """What open_clip's README shows, over a list of files: one process, one batch after another."""

    checkpoint: str  # open_clip's name of it
    folder: Path  # of the pictures
    batch: int
    device: str

    def __post_init__(self) -> None:
        import open_clip

        self.model, _, self.preprocess = open_clip.create_model_and_transforms(self.checkpoint, device=self.device)
        self.model.eval()

    def contenders(self) -> dict[str, Contender]:
        """The one."""
        return {OBVIOUS: self.rate}

    def rate(self, count: int) -> float:
        """Images per second over the first `count` pictures of the folder, the model opened already."""
        paths = sorted(os.listdir(self.folder))[:count]
        start = time.perf_counter()
        self.vectors(paths)
        return count / (time.perf_counter() - start)

    def vectors(self, paths: Sequence[str]) -> "np.ndarray":
        """(n, d) float32 unit vectors of n pictures."""
        import torch
        from PIL import Image

        found = []
        with torch.no_grad(), torch.autocast(self.device, enabled=self.device == "cuda"):
            for first in range(0, len(paths), self.batch):
                some = paths[first : first + self.batch]
                pictures = torch.stack([self.preprocess(Image.open(self.folder / path)) for path in some])
                features = self.model.encode_image(pictures.to(self.device))
                features /= features.norm(dim=-1, keepdim=True)
                found.append(features.float().cpu())
        return torch.cat(found).numpy()

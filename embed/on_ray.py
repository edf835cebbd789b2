"""Pictures to vectors on a Ray cluster: what `embed.one_machine` does, as a Ray Data pipeline. The driver alone writes the store.

Every node needs the driver's own version of artwork-matcher (with the extras in use), the checkpoint under the same name (a tag
that a model hub or the node's cache has, or a folder that all nodes share), and the pictures at a URL or in a shared folder.
A Ray that the caller has initialised is used as it is and left running; one that is started or joined here is left at the end.
"""

import logging
import os
import re
import socket
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from embed import errors
from embed.backends import Tower, open_tower
from embed.decoders import Decoders
from embed.encoder import Encoder, EncoderChoice, load_encoder
from embed.errors import ArtworkMatcherError, EncoderError, FingerprintError
from embed.one_machine import Embedded, encode
from embed.options import JobOptions, cores
from embed.plan import PLACE
from embed.preprocessing import Preprocessing

WINDOW = 100_000  # rows given to Ray at a time: it holds all that it was given, and starts its actors anew for each
TOWER_CPUS = 4  # per tower, where a node has more: each holds the checkpoint in memory
ANSWER_SECONDS = 10.0  # in which a cluster must answer; Ray itself tries for minutes
ROWS = pa.schema([(name, pa.string()) for name in PLACE])

Row = dict[str, Any]
Batch = dict[str, np.ndarray]


def embed_on_ray(rows: Iterator[Row], root: str, encoder: Encoder, backend: str, options: JobOptions) -> Iterator[Embedded]:
    """Each row's picture, in order. Workers that die are replaced by Ray, and what they had in hand is done again.

    Raises EncoderError where Ray is not installed or cannot be reached, where it fails, or where a node cannot open the checkpoint
    or `backend`; FingerprintError where a node's checkpoint is another one; CatalogError where no picture can be reached.
    """
    with _connected(options.address, encoder.device), _quiet():
        towers = _Towers(encoder.choice, encoder.fingerprint, encoder.dimension, backend, *_share(backend))
        blocks = _blocks(rows, options.batch)
        while window := list(islice(blocks, -(-WINDOW // options.batch))):
            yield from _embedded(window, root, encoder.preprocessing, towers, options)


def _blocks(rows: Iterator[Row], size: int) -> Iterator[pa.Table]:
    """A block is one batch of the tower, and passes through all stages as one."""
    while some := list(islice(rows, size)):
        yield pa.Table.from_pylist(some, schema=ROWS)


@dataclass(frozen=True)
class _Towers:
    """What every tower is told first, and what it takes of a node."""

    choice: EncoderChoice
    fingerprint: str
    dimension: int
    backend: str
    cpus: float
    gpus: int


def _share(backend: str) -> tuple[float, int]:
    """CPUs and GPUs of one tower. On the largest node a CPU stays free for decoding: towers that took all would wait for ever."""
    import ray

    largest = max([node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]], default=0) or TOWER_CPUS + 1
    if backend != "openvino" and ray.cluster_resources().get("GPU"):
        return min(1, largest / 2), 1
    return min(TOWER_CPUS, largest - 1) or 0.5, 0


def _embedded(
    blocks: list[pa.Table], root: str, preprocessing: Preprocessing, towers: _Towers, options: JobOptions
) -> Iterator[Embedded]:
    import ray.data
    from ray.data import ActorPoolStrategy

    pool = ActorPoolStrategy(min_size=1, max_size=len(blocks))  # Ray adds actors while they are busy and there is room
    whole: dict[str, Any] = {"batch_size": None, "batch_format": "numpy", "compute": pool}
    data = ray.data.from_arrow(blocks)
    data.context.execution_options.preserve_order = True
    data.context.enable_progress_bars = False
    data.context.print_on_execution_start = False
    data = data.map_batches(
        _Decode, fn_constructor_args=[root, preprocessing, options.seconds_per_picture], num_cpus=min(1, towers.cpus), **whole
    )
    data = data.map_batches(_Encode, fn_constructor_args=[towers], num_cpus=towers.cpus, num_gpus=towers.gpus, **whole)
    try:
        with closing(iter(data.iter_batches(batch_size=None, batch_format="numpy"))) as batches:
            for batch in batches:
                yield from _results(batch)
    except ray.exceptions.RayError as error:
        reason = str(error).partition("\n\nThe above exception")[0].strip().splitlines()[-1]  # under its traceback
        raise EncoderError(f"Ray failed: {reason}; see its logs, and run the job again: what is committed stays") from error


def _results(batch: Batch) -> Iterator[Embedded]:
    _raise_fatal(batch)
    for place, reason in enumerate(batch["reason"]):
        row = {name: str(batch[name][place]) for name in ROWS.names}
        size = int(batch["width"][place]), int(batch["height"][place])
        vector = None if reason else batch["vector"][place]
        yield Embedded(row, batch["sha256"][place] or None, *size, vector, str(reason))


# What runs on the nodes. An error that ends the run travels in the batch, since Ray would take it for one of its own.


def _raise_fatal(batch: Batch) -> None:
    for fatal in batch["fatal"]:
        if fatal:
            name, _, text = str(fatal).partition(": ")
            raise getattr(errors, name)(text)


def _texts(values: Iterable[str | None]) -> np.ndarray:
    return np.array([value or "" for value in values], object)


class _Decode:
    """An actor with one worker process of `embed.decoders`, in which a picture may hang or crash."""

    def __init__(self, root: str, preprocessing: Preprocessing, seconds: float) -> None:
        self.decoders = Decoders(root, preprocessing, workers=1, seconds=seconds)
        self.nothing = np.zeros((*preprocessing.size, 3), np.uint8)

    def __call__(self, batch: Batch) -> Batch:
        """Adds sha256, width, height, pixels (n, h, w, 3) uint8, reason and fatal."""
        fatal = ""
        try:
            decoded = list(self.decoders.decode(map(str, batch["path"])))
        except ArtworkMatcherError as error:
            decoded, fatal = [], f"{type(error).__name__}: {error}"
        missing = len(batch["path"]) - len(decoded)
        pixels = [self.nothing if one.pixels is None else one.pixels for one in decoded] + [self.nothing] * missing
        return {
            **{name: batch[name] for name in ROWS.names},
            "sha256": _texts([one.sha256 for one in decoded] + [""] * missing),
            "width": np.array([one.width for one in decoded] + [0] * missing, np.int32),
            "height": np.array([one.height for one in decoded] + [0] * missing, np.int32),
            "pixels": np.array(pixels, np.uint8),
            "reason": _texts([one.reason for one in decoded] + [fatal] * missing),
            "fatal": _texts([fatal] * len(batch["path"])),
        }


class _Encode:
    """An actor with a tower, opened with the first pictures that it gets."""

    def __init__(self, towers: _Towers) -> None:
        self.towers = towers
        self.tower: Tower | None = None

    def __call__(self, batch: Batch) -> Batch:
        """Puts vector (n, d) float32 in the place of pixels."""
        pixels, count = batch.pop("pixels"), len(batch["reason"])
        good = np.flatnonzero(batch["reason"] == "")
        vectors, reasons, fatal = (
            np.zeros((count, self.towers.dimension), np.float32),
            list(batch["reason"]),
            list(batch["fatal"]),
        )
        try:
            for place, (vector, reason) in zip(good, self._encode(pixels[good]), strict=True):
                reasons[place] = reason
                if vector is not None:
                    vectors[place] = vector
        except ArtworkMatcherError as error:
            fatal = [f"{type(error).__name__}: {error}"] * count
        return {**batch, "vector": vectors, "reason": _texts(reasons), "fatal": _texts(fatal)}

    def _encode(self, pixels: np.ndarray) -> list[tuple[np.ndarray | None, str]]:
        if not len(pixels):
            return []
        if self.tower is None:
            self.tower = self._open(pixels)
        return encode(pixels, self.tower)

    def _open(self, pixels: np.ndarray) -> Tower:
        import torch

        torch.set_num_threads(max(1, int(self.towers.cpus)))
        encoder = load_encoder(self.towers.choice, device="cuda" if self.towers.gpus else "cpu")
        if encoder.fingerprint != self.towers.fingerprint:
            raise FingerprintError(
                f"{self.towers.choice} has fingerprint {encoder.fingerprint[:12]} on {socket.gethostname()}, and "
                f"{self.towers.fingerprint[:12]} here; give all nodes the same checkpoint"
            )
        return open_tower(encoder, self.towers.backend, pictures=pixels)[0]


# Ray itself


@contextmanager
def _connected(address: str | None, device: str) -> Iterator[None]:
    """A Ray on this machine alone runs its towers on our own device; a cluster, on GPUs where it has any."""
    try:
        import ray
    except ImportError as error:
        raise EncoderError("the engine ray needs an extra package; pip install 'artwork-matcher[ray]'") from error
    if ray.is_initialized():
        yield
        return
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    _check_address(address)
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address == "local":
        settings |= {"num_cpus": max(2, cores()), "include_dashboard": False}
        settings |= {"num_gpus": 0} if device == "cpu" else {}
    with ExitStack() as stack:
        # what Ray's core calls errors concerns itself
        stack.enter_context(_environment(RAY_BACKEND_LOG_LEVEL="fatal", RAY_USAGE_STATS_ENABLED="0"))
        stack.enter_context(_reports_on_stderr())
        stack.callback(ray.shutdown)
        try:
            with _without_line(b"RAY_BACKEND_LOG_LEVEL"):
                ray.init(address=address, **settings)
        except (ArithmeticError, OSError, RuntimeError, ValueError) as error:
            raise _unreachable(address, str(error)) from error
        yield


def _check_address(address: str) -> None:
    if place := re.fullmatch(r"(?:ray://)?\[?([^/\]]+)\]?:(\d+)", address):
        try:
            socket.create_connection((place[1], int(place[2])), ANSWER_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise _unreachable(address, str(error)) from error


def _unreachable(address: str, reason: str) -> EncoderError:
    return EncoderError(
        f"no Ray at {address!r} ({reason}); give --address HOST:PORT as `ray start` printed it, or run the job on the cluster "
        "itself with `ray job submit`"
    )


@contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """For what the caller's environment leaves open."""
    ours = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def _without_line(part: bytes) -> Iterator[None]:
    """Ray's core says on file descriptor 2 that it was told to be quiet. All else that is written there follows afterwards."""
    with tempfile.TemporaryFile() as written:
        real = os.dup(2)
        os.dup2(written.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(real, 2)
            os.close(real)
            written.seek(0)
            os.write(2, b"".join(line for line in written if part not in line))


@contextmanager
def _reports_on_stderr() -> Iterator[None]:
    """Ray prints that a worker died on standard output, where somebody may wait for JSON. There is no public way to tell it."""
    from ray._private import worker

    plain = worker.print_to_stdstream
    worker.print_to_stdstream = lambda data, *more, **named: plain({**data, "is_err": True}, *more, **named)
    try:
        yield
    finally:
        worker.print_to_stdstream = plain


@contextmanager
def _quiet() -> Iterator[None]:
    """Ray Data tells of each execution on standard error; what it has to say is in its log files, too."""
    import ray.data  # noqa: F401  makes the logger's handlers

    handlers = [one for one in logging.getLogger("ray.data").handlers if isinstance(one, logging.StreamHandler)]
    levels = [handler.level for handler in handlers]
    for handler in handlers:
        handler.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for handler, level in zip(handlers, levels, strict=True):
            handler.setLevel(level)

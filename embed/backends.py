"""Ways to run the image tower, each measured against eager float32 before it is trusted.

torch           eager PyTorch; float32; convolutional towers in channels-last memory on CPUs
torch-compile   the same through torch.compile; needs a compiler; `auto` never takes it
torch-bf16      autocast to half precision, CPU or CUDA
torch-fp16      autocast to half precision, CUDA only
openvino        float32 on CPUs (extra `openvino`); see embed.exports
openvino-bf16   the same in half precision; CPUs whose instructions know bfloat16

Each takes pictures in passes of one size, the last one padded, so that a picture's vector does not depend on its neighbours: a
run that was stopped and run again, and one whose batches were put together otherwise, end with the same bits.
"""

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.encoder import exact_float32, unit
from embed.errors import EncoderError
from embed.exports import openvino_model
from embed.options import cores
from embed.runs import processor, versions
from embed.store import write_json

if TYPE_CHECKING:
    from embed.encoder import Encoder

BACKENDS = ("torch", "torch-compile", "torch-bf16", "torch-fp16", "openvino", "openvino-bf16")
PARITY = {"torch-bf16": 0.999, "torch-fp16": 0.999, "openvino-bf16": 0.999}  # least cosine to eager float32 of any picture
FLOAT32_PARITY = 0.9999
PASS = {"cpu": 8, "cuda": 32, "openvino": 4}  # pictures; on CPUs what more of them need does not fit the caches
VERDICT = "backend.json"

Encode = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Tower:
    """An image tower ready to run: (n, height, width, 3) uint8, n >= 0, to (n, d) float32 unit vectors.

    `encode` raises EncoderError where a vector is not finite or has no length.
    """

    backend: str
    encode: Encode


@dataclass(frozen=True)
class Engine:
    """How a backend runs whole passes."""

    run: Encode  # (k * pictures, height, width, 3) uint8 to (k * pictures, d) float32, of any length
    pictures: int  # per pass


@dataclass(frozen=True)
class Measured:
    """Which backend was taken, by what was measured, and where that holds."""

    backend: str
    fingerprint: str
    machine: str
    versions: dict[str, str]
    pictures: int  # on which it was measured
    images_per_second: dict[str, float] = field(default_factory=dict)  # per backend tried
    cosine: dict[str, float] = field(default_factory=dict)  # per backend tried: the least of any picture, to eager float32
    refused: dict[str, str] = field(default_factory=dict)  # backend to why it was not taken


def open_tower(
    encoder: "Encoder", backend: str = "auto", *, pictures: np.ndarray, trusted: Measured | None = None
) -> tuple[Tower, Measured | None]:
    """The tower run by `backend`, and what was measured on `pictures` (n, height, width, 3) uint8 before it was trusted.

    `auto` takes what was `trusted` before where machine and versions are the same, else the fastest that agrees with eager
    float32. Plain "torch" is the measure itself: it needs none, and comes with None. Raises EncoderError where a backend asked
    for by name is not there, or does not agree.
    """
    if backend not in ("auto", *BACKENDS):
        raise EncoderError(f"no backend {backend!r}; give auto, {', '.join(BACKENDS)}")
    if backend == "torch":
        return Tower("torch", _opened(encoder, "torch")), None
    if trusted and _holds(trusted, encoder) and backend in ("auto", trusted.backend):
        with suppress(EncoderError):  # one that does not open any more (its extra is gone): measured as if for the first time
            return Tower(trusted.backend, _opened(encoder, trusted.backend)), trusted
    candidates = _candidates(encoder, backend)
    truth = _truth(encoder, pictures)
    has_vector = truth.any(axis=1)
    pictures, truth = pictures[has_vector], truth[has_vector]
    if not len(pictures):  # nothing to embed, nothing to measure
        return Tower("torch", _opened(encoder, "torch")), None
    measured, towers = _measure(encoder, candidates, pictures, truth, backend)
    return towers[measured.backend], measured


def read_verdict(folder: Path) -> Measured | None:
    """What was measured in an earlier run; None where there is none that can be read."""
    try:
        return Measured(**json.loads((folder / VERDICT).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def write_verdict(folder: Path, verdict: Measured) -> None:
    """Keep it for later runs, whole or not at all."""
    write_json(folder / VERDICT, asdict(verdict))


def _candidates(encoder: "Encoder", backend: str) -> tuple[str, ...]:
    if backend == "torch-fp16" and not _on_cuda(encoder):
        raise EncoderError(f"backend 'torch-fp16' needs CUDA, and the encoder is on {encoder.device}; use --backend auto")
    if backend != "auto":
        return ("torch", backend)
    return ("torch", "torch-bf16", "torch-fp16") if _on_cuda(encoder) else ("torch", "openvino", "openvino-bf16")


def _holds(trusted: Measured, encoder: "Encoder") -> bool:
    here = (encoder.fingerprint, _machine(encoder), _versions())
    return (trusted.fingerprint, trusted.machine, trusted.versions) == here


def _truth(encoder: "Encoder", pictures: np.ndarray) -> np.ndarray:
    """(n, d) by eager float32; zeros for a picture that has no vector, which says nothing against a backend."""
    try:
        return encoder.encode_pixels(pictures)
    except EncoderError:
        if len(pictures) == 1:
            return np.zeros((1, encoder.dimension), np.float32)
        return np.concatenate([_truth(encoder, pictures[row : row + 1]) for row in range(len(pictures))])


def _measure(
    encoder: "Encoder", candidates: tuple[str, ...], pictures: np.ndarray, truth: np.ndarray, asked: str
) -> tuple[Measured, dict[str, Tower]]:
    towers: dict[str, Tower] = {}
    speed: dict[str, float] = {}
    cosine: dict[str, float] = {}
    refused: dict[str, str] = {}
    for name in candidates:
        try:
            towers[name] = Tower(name, _opened(encoder, name))
            cosine[name], speed[name] = _try(towers[name], pictures, truth)
            if cosine[name] < (bar := PARITY.get(name, FLOAT32_PARITY)):
                raise EncoderError(f"a vector's cosine to eager float32 is {cosine[name]:.5f}, below {bar}")
        except EncoderError as error:
            if name == asked:
                raise EncoderError(f"backend {name!r} cannot be used: {error}") from error
            refused[name] = str(error)
    good = {name: speed[name] for name in towers if name in speed and name not in refused}
    taken = asked if asked != "auto" else max(good, key=lambda name: good[name])
    refused |= {name: f"slower: {good[name]:.1f} images/s" for name in good if name != taken}
    machine = _machine(encoder)
    return Measured(taken, encoder.fingerprint, machine, _versions(), len(pictures), speed, cosine, refused), towers


def _try(tower: Tower, pictures: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """(least cosine to the truth, images per second)."""
    tower.encode(pictures[:1])  # warms up: buffers, compiled code
    start = time.perf_counter()
    found = tower.encode(pictures)
    seconds = time.perf_counter() - start
    return round(float((found * truth).sum(axis=1).min()), 6), round(len(pictures) / seconds, 2)


def _opened(encoder: "Encoder", backend: str) -> Encode:
    """A tower of whole passes, made into one of any number of pictures."""
    engine = _openvino(encoder, backend) if backend in ("openvino", "openvino-bf16") else _torch(encoder, backend)

    def encode(pixels: np.ndarray) -> np.ndarray:
        # in memory of its own, too: what comes may be read-only, or not contiguous
        padded = np.zeros((-(-len(pixels) // engine.pictures) * engine.pictures, *pixels.shape[1:]), np.uint8)
        padded[: len(pixels)] = pixels
        return unit(engine.run(padded)[: len(pixels)])

    return encode


def _torch(encoder: "Encoder", backend: str) -> Engine:
    import torch

    device, model = torch.device(encoder.device), encoder.model
    half = {"torch-bf16": torch.bfloat16, "torch-fp16": torch.float16}.get(backend)
    layout = torch.channels_last if _is_convolutional(model) and device.type == "cpu" else torch.contiguous_format
    tower = _compiled(model.encode_image) if backend == "torch-compile" else model.encode_image
    pictures = PASS[device.type]

    def one_pass(pixels: np.ndarray) -> np.ndarray:
        inputs = torch.from_numpy(encoder.preprocessing.normalise(pixels)).to(device, memory_format=layout)
        with torch.inference_mode(), exact_float32(), torch.autocast(device.type, half or torch.bfloat16, enabled=bool(half)):
            raw: torch.Tensor = tower(inputs)
        vectors: np.ndarray = raw.float().cpu().numpy()
        return vectors

    def run(pixels: np.ndarray) -> np.ndarray:
        vectors = np.empty((len(pixels), encoder.dimension), np.float32)
        for start in range(0, len(pixels), pictures):
            vectors[start : start + pictures] = one_pass(pixels[start : start + pictures])
        return vectors

    return Engine(run, pictures)


def _compiled(run: Any) -> Any:
    import torch

    def reworded(inputs: Any) -> Any:
        try:
            return compiled(inputs)
        except Exception as error:  # inductor raises what its compiler says
            raise EncoderError(f"torch.compile failed ({error}); it needs a C++ compiler; use another --backend") from error

    compiled: Any = torch.compile(run)
    return reworded


def _is_convolutional(model: Any) -> bool:
    """Whether most of the tower's work is in convolutions: more than the one that cuts a ViT's picture into patches."""
    import torch

    return sum(isinstance(module, torch.nn.Conv2d) for module in model.visual.modules()) > 1


def _openvino(encoder: "Encoder", backend: str) -> Engine:
    pictures = PASS["openvino"]
    model = openvino_model(encoder, pictures)
    import openvino
    import torch

    # PyTorch's number of threads, and none bound to a core: several jobs, and the decoders, may share the machine. A stream for
    # each: threads that work at the same pass would wait for each other at every layer when a decoder takes a core from one.
    threads = torch.get_num_threads()
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": threads, "ENABLE_CPU_PINNING": False}
    # unasked, OpenVINO takes what it likes
    settings["INFERENCE_PRECISION_HINT"] = "bf16" if backend == "openvino-bf16" else "f32"
    core = openvino.Core()
    if backend == "openvino-bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise EncoderError(f"this CPU ({processor()}) has no bfloat16 instructions; use --backend auto")
    try:
        queue = openvino.AsyncInferQueue(core.compile_model(model, "CPU", settings), threads)
    except Exception as error:  # OpenVINO raises RuntimeError and its own
        raise EncoderError(f"OpenVINO cannot open {model} ({error}); remove it, or use --backend torch") from error

    def run(pixels: np.ndarray) -> np.ndarray:
        vectors = np.empty((len(pixels), encoder.dimension), np.float32)

        def keep(request: Any, start: int) -> None:
            vectors[start : start + pictures] = request.get_output_tensor().data

        queue.set_callback(keep)
        for start in range(0, len(pixels), pictures):
            queue.start_async({0: pixels[start : start + pictures]}, start, share_inputs=True)
        queue.wait_all()
        return vectors

    return Engine(run, pictures)


def _on_cuda(encoder: "Encoder") -> bool:
    return encoder.device.startswith("cuda")


def _versions() -> dict[str, str]:
    """Of what runs the tower; another Pillow changes no backend."""
    return {name: found for name, found in versions().items() if name in ("torch", "open_clip_torch", "openvino")}


def _machine(encoder: "Encoder") -> str:
    """What decides how fast, and to which bit, the tower runs."""
    import torch

    if _on_cuda(encoder):
        return torch.cuda.get_device_name(encoder.device)
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{processor()}, {capability}, {cores()} cores, {torch.get_num_threads()} threads"

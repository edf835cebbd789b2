"""The machine: what it is, what its matrix product reaches, and how much work a picture is."""

import os
import platform
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embed.encoder import Encoder

SGEMM = ((2048, 6), (4096, 3))  # side of the matrices, repetitions


def describe() -> dict[str, Any]:
    """What a figure would be worth nothing without: processor, cores, threads, versions."""
    import torch

    from embed.options import JobOptions
    from embed.runs import processor, versions

    variables = {name: os.environ[name] for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS") if name in os.environ}
    return {
        "processor": processor(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "cores": JobOptions().workers,
        "torch_threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 2),  # before the run: 0 on a quiet machine
        "environment": variables,
        "python": platform.python_version(),
        "versions": versions(),
    }


def header(machine: dict[str, Any]) -> str:
    """`describe` in one line."""
    names = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    variables = "".join(f", {name}={value}" for name, value in machine["environment"].items())
    where = machine["processor"] + (f", {machine['device']}" if machine["device"] != "cpu" else "")
    threads = (
        f"{machine['cores']} cores, {machine['torch_threads']} torch threads{variables}, load {machine['load']} at the start"
    )
    return f"{where}: {threads}; Python {machine['python']}, {names}"


def sgemm_peak(device: str) -> float:
    """GFLOP/s of a float32 matrix product at the moment: the best of several."""
    import torch

    best = 0.0
    for side, repetitions in SGEMM:
        a, b = torch.rand(side, side, device=device), torch.rand(side, side, device=device)
        out = torch.mm(a, b)
        for _ in range(repetitions):
            _wait(device)
            start = time.perf_counter()
            torch.mm(a, b, out=out)
            _wait(device)
            best = max(best, 2 * side**3 / (time.perf_counter() - start) / 1e9)
    return best


def _wait(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def gflop_per_picture(encoder: "Encoder") -> float:
    """10^9 floating-point operations of the image tower for one picture, a multiplication and an addition counted as two."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    pixels = torch.zeros(1, 3, *encoder.preprocessing.size, device=encoder.device)
    # with gradients and the plain kernel: the counter knows nothing of fused attention on CPUs, and would leave it out
    with FlopCounterMode(display=False) as counter, torch.enable_grad(), sdpa_kernel(SDPBackend.MATH):
        encoder.model.encode_image(pixels)
    return float(counter.get_total_flops()) / 1e9

"""Every way to run the image tower gives eager float32's vectors, whatever the batch; what does not is refused with its figures."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embed import backends, exports
from embed.backends import Engine, Measured, Tower, open_tower, read_verdict, write_verdict
from embed.encoder import EncoderChoice, load_encoder
from embed.errors import EncoderError

NO_BF16 = "'BF16' not in __import__('openvino').Core().get_property('CPU', 'OPTIMIZATION_CAPABILITIES')"
BF16 = pytest.param("openvino-bf16", marks=pytest.mark.skipif(NO_BF16, reason="this CPU has no bfloat16 instructions"))
HERE = ("torch", "torch-bf16", "openvino", BF16)  # what a CPU can run without a compiler
PASS = backends.PASS["openvino"]
COUNT = 2 * max(backends.PASS.values()) + 3


@pytest.fixture(scope="module")
def pixels(drawing: Callable[..., Any]) -> np.ndarray:
    """(COUNT, 32, 32, 3) uint8: no two alike."""
    return np.array([np.asarray(drawing(f"picture {number}", (32, 32))) for number in range(COUNT)])


@pytest.fixture(scope="module")
def convolutional(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A tiny CLIP whose image tower is a residual network."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 8, "head_width": 8},
        "text_cfg": text,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = CLIP(**config).state_dict()
    folder = tmp_path_factory.mktemp("convolutional")
    preprocess = {"mean": [0.5] * 3, "std": [0.25] * 3, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    save_file({name: weight.contiguous() for name, weight in state.items()}, folder / "open_clip_model.safetensors")
    return load_encoder(EncoderChoice(f"local-dir:{folder}"), device="cpu")


@pytest.fixture(params=["vit", "convolutional"])
def encoder(request: pytest.FixtureRequest, tiny_encoder: Any, convolutional: Any) -> Any:
    return {"vit": tiny_encoder, "convolutional": convolutional}[request.param]


def opened(encoder: Any, backend: str, pixels: np.ndarray) -> Tower:
    return open_tower(encoder, backend, pictures=pixels[:8])[0]


@pytest.mark.parametrize("backend", HERE)
def test_a_backend_agrees_with_eager_float32(encoder: Any, pixels: np.ndarray, backend: str) -> None:
    tower = opened(encoder, backend, pixels)
    found = tower.encode(pixels)
    assert tower.backend == backend
    assert (found.shape, found.dtype) == ((len(pixels), 32), np.float32)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-6)
    least = (found * encoder.encode_pixels(pixels)).sum(axis=1).min()
    assert least >= (0.999 if backend.endswith("bf16") else 0.9999)


@pytest.mark.parametrize("backend", HERE)
def test_neighbours_do_not_change_a_single_bit(encoder: Any, pixels: np.ndarray, backend: str) -> None:
    tower = opened(encoder, backend, pixels)
    whole, chance = tower.encode(pixels), np.random.default_rng(0)
    for count in (0, 1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 64):
        some = chance.permutation(len(pixels))[:count]
        assert np.array_equal(tower.encode(pixels[some]), whole[some])
    elsewhere = pixels[::-1].copy()[::-1]  # not contiguous
    elsewhere.flags.writeable = False
    assert np.array_equal(tower.encode(elsewhere), whole)


@pytest.mark.parametrize("backend", HERE)
def test_a_vector_that_is_not_finite_is_an_error(
    make_checkpoint: Callable[..., Path], load_checkpoint: Callable[..., Any], pixels: np.ndarray, backend: str
) -> None:
    broken = load_checkpoint(make_checkpoint(seed=7, spoil=spoil))
    with pytest.raises(EncoderError, match="a vector that is not finite or has no length"):
        opened(broken, backend, pixels).encode(pixels)


def spoil(state: dict[str, Any]) -> None:
    state["visual.proj"][:] = float("nan")


def test_compiled_agrees_where_a_compiler_is_there(tiny_encoder: Any, pixels: np.ndarray) -> None:
    if not shutil.which("c++") and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's own
        found = opened(tiny_encoder, "torch-compile", pixels).encode(pixels[:5])
    assert (found * tiny_encoder.encode_pixels(pixels[:5])).sum(axis=1).min() >= 0.9999


# What is trusted


def fake(monkeypatch: pytest.MonkeyPatch, **wrong: float) -> None:
    """Let "openvino" be eager PyTorch, off by so much."""
    plain = backends._torch

    def off(encoder: Any, backend: str) -> Engine:
        engine = plain(encoder, "torch")
        return Engine(lambda pixels: engine.run(pixels) + np.float32(wrong["by"]), engine.pictures)

    monkeypatch.setattr(backends, "_openvino", off)


def pace(monkeypatch: pytest.MonkeyPatch, **speeds: float) -> None:
    """Let there be these backends, at these speeds."""
    measured = backends._try

    def tried(tower: Tower, pictures: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
        return measured(tower, pictures, truth)[0], speeds[tower.backend]

    monkeypatch.setattr(backends, "_try", tried)
    monkeypatch.setattr(backends, "_candidates", lambda _, asked: tuple(speeds) if asked == "auto" else ("torch", asked))


@pytest.mark.parametrize(
    ("torch", "openvino", "taken", "other"),
    [(10.0, 40.0, "openvino", "torch"), (40.0, 10.0, "torch", "openvino")],
)
def test_auto_takes_the_fastest_that_agrees(
    tiny_encoder: Any,
    pixels: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    torch: float,
    openvino: float,
    taken: str,
    other: str,
) -> None:
    pace(monkeypatch, torch=torch, openvino=openvino)
    tower, measured = open_tower(tiny_encoder, "auto", pictures=pixels[:8])
    assert measured is not None
    assert (tower.backend, measured.backend, measured.pictures) == (taken, taken, 8)
    assert measured.images_per_second == {"torch": torch, "openvino": openvino}
    assert measured.refused == {other: "slower: 10.0 images/s"}
    assert min(measured.cosine.values()) >= 0.9999


def test_auto_refuses_what_does_not_agree_however_fast(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch, by=0.1)
    pace(monkeypatch, torch=1.0, openvino=1000.0)
    tower, measured = open_tower(tiny_encoder, "auto", pictures=pixels[:8])
    assert measured is not None
    assert tower.backend == "torch"
    assert "a vector's cosine to eager float32 is 0." in measured.refused["openvino"]
    with pytest.raises(EncoderError, match=r"backend 'openvino' cannot be used: .* below 0\.9999"):
        open_tower(tiny_encoder, "openvino", pictures=pixels[:8])


def test_auto_goes_on_without_the_extra_and_its_name_names_it(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    tower, measured = open_tower(tiny_encoder, "auto", pictures=pixels[:8])
    assert measured is not None
    assert (tower.backend, measured.refused.keys()) == ("torch", {"openvino", "openvino-bf16"})
    with pytest.raises(EncoderError, match=r"pip install 'artwork-matcher\[openvino\]'"):
        open_tower(tiny_encoder, "openvino", pictures=pixels[:8])


def test_what_was_trusted_is_not_measured_again_and_holds_only_here(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pace(monkeypatch, torch=10.0, openvino=40.0)
    first = open_tower(tiny_encoder, "auto", pictures=pixels[:8])[1]
    assert first is not None
    write_verdict(tmp_path, first)
    trusted = read_verdict(tmp_path)
    assert trusted == first
    pace(monkeypatch, torch=40.0, openvino=10.0)  # a busy machine: now the other is faster
    tower, again = open_tower(tiny_encoder, "auto", pictures=pixels[:8], trusted=trusted)
    assert (tower.backend, again) == ("openvino", first)
    for elsewhere in ({"machine": "another"}, {"fingerprint": "0" * 64}, {"versions": {}}):
        tower, again = open_tower(tiny_encoder, "auto", pictures=pixels[:8], trusted=replace(first, **elsewhere))
        assert (tower.backend, again == first) == ("torch", False)


def test_a_trusted_backend_that_is_gone_is_measured_anew(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pace(monkeypatch, torch=10.0, openvino=40.0)
    first = open_tower(tiny_encoder, "auto", pictures=pixels[:8])[1]
    monkeypatch.setitem(sys.modules, "openvino", None)
    tower, measured = open_tower(tiny_encoder, "auto", pictures=pixels[:8], trusted=first)
    assert measured is not None
    assert (tower.backend, measured.refused.keys()) == ("torch", {"openvino"})


def test_a_picture_without_a_vector_does_not_stop_the_measuring(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, bad = tiny_encoder.model, pixels[3].astype(int).sum()

    class Picky:
        def __getattr__(self, name: str) -> Any:
            return getattr(plain, name)

        def encode_image(self, pictures: Any) -> Any:
            vectors = plain.encode_image(pictures)
            back = (pictures * std + mean).mul(255).round().sum(dim=(1, 2, 3))
            vectors[back == bad] = float("nan")
            return vectors

    import torch

    mean = torch.tensor(tiny_encoder.preprocessing.mean).view(1, 3, 1, 1)
    std = torch.tensor(tiny_encoder.preprocessing.std).view(1, 3, 1, 1)
    monkeypatch.setattr(backends, "_candidates", lambda encoder, backend: ("torch",))
    picky = replace(tiny_encoder, model=Picky())
    with pytest.raises(EncoderError, match="not finite"):
        picky.encode_pixels(pixels[:8])
    tower, measured = open_tower(picky, "auto", pictures=pixels[:8])
    assert measured is not None
    assert (tower.backend, measured.pictures) == ("torch", 7)


def test_no_verdict_is_read_from_a_torn_one(tmp_path: Path) -> None:
    assert read_verdict(tmp_path) is None
    (tmp_path / "backend.json").write_text('{"backend": ')
    assert read_verdict(tmp_path) is None


def test_a_backend_that_nobody_knows_or_that_has_no_device(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EncoderError, match="no backend 'int8'; give auto, torch, torch-compile"):
        open_tower(tiny_encoder, "int8", pictures=pixels[:8])
    monkeypatch.setattr(backends, "_truth", lambda *arguments: pytest.fail("measured first"))
    with pytest.raises(EncoderError, match="backend 'torch-fp16' needs CUDA, and the encoder is on cpu"):
        open_tower(tiny_encoder, "torch-fp16", pictures=pixels[:8])


def test_bfloat16_without_its_instructions_is_refused_with_the_cpu_s_name(
    tiny_encoder: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    import openvino

    monkeypatch.setattr(openvino.Core, "get_property", lambda *arguments: ["FP32"])
    with pytest.raises(EncoderError, match=r"this CPU \(.+\) has no bfloat16 instructions; use --backend auto"):
        open_tower(tiny_encoder, "openvino-bf16", pictures=pixels[:8])


def test_without_pictures_nothing_is_measured(tiny_encoder: Any, pixels: np.ndarray) -> None:
    tower, measured = open_tower(tiny_encoder, "auto", pictures=pixels[:0])
    assert (tower.backend, measured) == ("torch", None)
    assert tower.encode(pixels[:0]).shape == (0, 32)


# The export


@pytest.fixture
def own(tmp_path: Path, tiny_checkpoint: Path, load_checkpoint: Callable[..., Any]) -> Any:
    """The tiny CLIP in a folder of its own, nothing exported yet."""
    shutil.copytree(tiny_checkpoint, tmp_path / "checkpoint", ignore=shutil.ignore_patterns("exports"))
    return load_checkpoint(tmp_path / "checkpoint")


def test_an_export_is_made_once_beside_its_checkpoint(own: Any, pixels: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = exports.openvino_model(own, PASS)
    checkpoint = Path(own.choice.model.removeprefix("local-dir:"))
    assert path.parent.parent == checkpoint / "exports" / own.fingerprint[:16]
    monkeypatch.setattr(exports, "_traced", lambda *arguments: pytest.fail("exported again"))
    assert exports.openvino_model(own, PASS) == path
    shutil.copytree(checkpoint, checkpoint.parent / "moved")
    moved = replace(own, choice=EncoderChoice(f"local-dir:{checkpoint.parent / 'moved'}"))
    assert exports.openvino_model(moved, PASS).is_relative_to(checkpoint.parent / "moved")


def test_an_export_goes_to_the_cache_where_a_checkpoint_has_no_folder(
    own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = exports.openvino_model(replace(own, choice=EncoderChoice("ViT-B-32", "openai")), PASS)
    assert path.is_relative_to(tmp_path / "cache" / "artwork-matcher" / "exports" / own.fingerprint[:16])


@pytest.mark.parametrize(("name", "damage"), [("tower.xml", b""), ("tower.bin", b"half"), ("sha256.json", b"{")])
def test_a_damaged_export_is_made_again(own: Any, pixels: np.ndarray, name: str, damage: bytes) -> None:
    expected = opened(own, "openvino", pixels).encode(pixels)
    path = exports.openvino_model(own, PASS)
    (path.parent / name).write_bytes(damage)
    assert np.array_equal(opened(own, "openvino", pixels).encode(pixels), expected)


KILLED = """
import os, signal, sys
from embed import exports
from embed.encoder import EncoderChoice, load_encoder

digest = exports._sha256
exports._sha256 = lambda path: os.kill(os.getpid(), signal.SIGKILL)  # both files are written, their digests are not
exports.openvino_model(load_encoder(EncoderChoice(sys.argv[1]), device="cpu"), 4)
"""


def test_an_export_that_was_killed_is_not_trusted(own: Any, pixels: np.ndarray) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, own.choice.model], capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    home = exports._home(own)
    assert [path.name.startswith(".") for path in home.iterdir()] == [True]
    assert (opened(own, "openvino", pixels).encode(pixels[:3]) * own.encode_pixels(pixels[:3])).sum(axis=1).min() > 0.9999


def test_the_bundled_tower_agrees_on_the_demo_catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artwork_assets import CATALOG

    from embed.pictures import decode

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    bundled = load_encoder(device="cpu")
    paths = sorted((Path(CATALOG) / "pictures").iterdir())[:16]
    pictures = np.array([bundled.preprocessing.resize(decode(path.read_bytes())) for path in paths])
    measured = open_tower(bundled, "openvino", pictures=pictures)[1]
    assert measured is not None
    assert measured.cosine["openvino"] >= 0.9999
    assert os.listdir(tmp_path) == ["artwork-matcher"]
    assert isinstance(measured, Measured)


@pytest.mark.skipif("not __import__('torch').cuda.is_available()", reason="needs CUDA")
@pytest.mark.parametrize("backend", ["torch", "torch-bf16", "torch-fp16"])
def test_cuda(make_checkpoint: Callable[..., Path], pixels: np.ndarray, backend: str) -> None:
    encoder = load_encoder(EncoderChoice(f"local-dir:{make_checkpoint()}"), device="cuda")
    found = opened(encoder, backend, pixels).encode(pixels)
    assert (found * encoder.encode_pixels(pixels)).sum(axis=1).min() >= (0.9999 if backend == "torch" else 0.999)

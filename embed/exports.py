"""The image tower as an OpenVINO model: exported once, kept beside its checkpoint under its fingerprint, checked before it is used."""

import hashlib
import json
import os
import shutil
import sys
import warnings
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from embed.encoder import LOCAL_DIR
from embed.errors import EncoderError

if TYPE_CHECKING:
    from embed.encoder import Encoder

MODEL = "tower.xml"
WEIGHTS = "tower.bin"
DIGESTS = "sha256.json"


def openvino_model(encoder: "Encoder", batch: int) -> Path:
    """The .xml of the tower for `batch` pictures at a time: (batch, height, width, 3) uint8 to (batch, d) float32, not yet unit.

    Raises EncoderError where the extra `openvino` is not installed, or where the tower cannot be exported.
    """
    # OpenVINO's converter would report its use over the network, from a process that it forks; without this part it does not
    sys.modules.setdefault("openvino_telemetry", cast(Any, None))
    try:
        import openvino  # noqa: F401
    except ImportError as error:
        raise EncoderError("backend 'openvino' needs its extra: pip install 'artwork-matcher[openvino]'") from error
    folder = _home(encoder) / f"openvino-{version('openvino')}-batch-{batch}"
    if not _is_whole(folder):
        _export(encoder, batch, folder)
    return folder / MODEL


def _home(encoder: "Encoder") -> Path:
    """Beside a checkpoint folder where that can be written, else in the user's cache."""
    name = encoder.fingerprint[:16]
    if encoder.choice.model.startswith(LOCAL_DIR):
        beside = Path(encoder.choice.model.removeprefix(LOCAL_DIR)) / "exports"
        if os.access(beside if beside.exists() else beside.parent, os.W_OK):
            return beside / name
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "artwork-matcher" / "exports" / name


def _is_whole(folder: Path) -> bool:
    """Whether an export is there and unaltered: a torn one would give wrong vectors, or crash the process that reads it."""
    try:
        digests = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        return all(digests[name] == _sha256(folder / name) for name in (MODEL, WEIGHTS))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _export(encoder: "Encoder", batch: int, folder: Path) -> None:
    """Written beside and renamed into place, so that a killed export leaves nothing that is trusted."""
    import openvino

    beside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
        openvino.save_model(_traced(encoder, batch), beside / MODEL, compress_to_fp16=False)
        digests = {name: _sha256(beside / name) for name in (MODEL, WEIGHTS)}
        (beside / DIGESTS).write_text(json.dumps(digests), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        with suppress(OSError):  # another process was quicker: its export is as good
            beside.rename(folder)
    except Exception as error:  # OpenVINO and torch raise what they like
        raise EncoderError(f"the image tower of {encoder.choice} cannot be exported ({error}); use --backend torch") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _traced(encoder: "Encoder", batch: int) -> Any:
    import openvino
    import torch

    example = torch.zeros(batch, *encoder.preprocessing.size, 3, dtype=torch.uint8)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # the fast path cannot be traced, or is traced wrongly
    try:
        with torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # tracers warn of every branch
            model = openvino.convert_model(_whole_tower(encoder), example_input=example)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    model.reshape([batch, *encoder.preprocessing.size, 3])
    return model


def _whole_tower(encoder: "Encoder") -> Any:
    """The tower with what comes before it: pixels as they are decoded go in."""
    import torch

    class WholeTower(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = encoder.model
            self.mean = torch.nn.Buffer(torch.tensor(encoder.preprocessing.mean).view(1, 3, 1, 1))
            self.std = torch.nn.Buffer(torch.tensor(encoder.preprocessing.std).view(1, 3, 1, 1))

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            scaled = pixels.permute(0, 3, 1, 2).float() / 255
            vectors: torch.Tensor = self.tower.encode_image((scaled - self.mean) / self.std)
            return vectors

    return WholeTower().eval()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

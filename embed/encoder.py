"""CLIP, by open_clip: pictures and phrases to unit vectors of one space, and the fingerprint of what made them.

torch and open_clip are imported inside the functions that need them, so that whoever only reads a store never loads them.
"""

import hashlib
import json
import warnings
import zipfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from embed.errors import EncoderError
from embed.preprocessing import Preprocessing, preprocessing_of
from embed.text_tower import encode_tokens

if TYPE_CHECKING:
    import torch
    from PIL import Image

BUNDLED = "bundled"
LOCAL_DIR = "local-dir:"  # open_clip's own prefix for a checkpoint folder
TEXT_BATCH = 256
UNIT_TOLERANCE = 1e-3

# What a tokenizer does to these is part of the fingerprint: letters, case, accents, numbers, punctuation, an overlong text.
TOKENIZER_PROBES = ["a photo of a cat", "Uma Thurman, NAÏVE café №5!", "夜の雨 — two people?", "word " * 200]


@dataclass(frozen=True)
class EncoderChoice:
    """Which checkpoint: open_clip's model name and `pretrained` tag, `hf-hub:org/repo`, `local-dir:FOLDER` or `bundled`."""

    model: str = BUNDLED
    pretrained: str | None = None  # a tag, or a file of weights

    def __str__(self) -> str:
        return f"{self.model} / {self.pretrained}" if self.pretrained else self.model

    @property
    def is_bundled(self) -> bool:
        """Whether this is the small checkpoint that the project carries."""
        return self.model == BUNDLED

    @property
    def weights_file(self) -> Path | None:
        """The file of weights that `pretrained` names, where it is no tag. Such a file says nothing of its activation and of its
        preprocessing: open_clip takes those of the model's name."""
        return Path(self.pretrained) if self.pretrained and Path(self.pretrained).is_file() else None


@dataclass(frozen=True)
class Encoder:
    """An opened checkpoint. Make one with `load_encoder`."""

    choice: EncoderChoice
    fingerprint: str  # sha256, hexadecimal, over weights, architecture, preprocessing and tokenizer
    dimension: int  # d, the length of a vector
    model: Any
    preprocessing: Preprocessing  # what happens to a picture before the image tower
    tokenizer: Any
    context_length: int  # tokens that the text tower reads
    device: str  # as torch names it

    def encode_images(self, pictures: "Sequence[Image.Image]") -> np.ndarray:
        """(n, d) float32 unit vectors of n RGB pictures. Raises EncoderError where a vector is not finite."""
        height, width = self.preprocessing.size
        pixels = np.array([self.preprocessing.resize(picture) for picture in pictures], np.uint8)
        return self.encode_pixels(pixels.reshape(-1, height, width, 3))

    def encode_pixels(self, pixels: np.ndarray) -> np.ndarray:
        """(n, d) float32 unit vectors of pixels (n, height, width, 3) uint8 as `preprocessing.resize` gives them.

        Eager PyTorch in float32: the reference for every faster way in `embed.backends`. Raises EncoderError where a vector is not
        finite.
        """
        import torch

        if not len(pixels):
            return np.empty((0, self.dimension), np.float32)
        with torch.inference_mode(), exact_float32():
            raw = self.model.encode_image(torch.from_numpy(self.preprocessing.normalise(pixels)).to(self.device))
        return unit(raw.float().cpu().numpy())

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 unit vectors of n texts. Texts that `fits` denies are cut by the tokenizer: split them first. Raises
        EncoderError where a vector is not finite."""
        import torch

        if not len(texts):
            return np.empty((0, self.dimension), np.float32)
        tokens = self.tokenizer(list(texts)).to(self.device)
        with torch.inference_mode():
            return unit(encode_tokens(self.model, tokens, TEXT_BATCH).float().cpu().numpy())

    def fits(self, text: str) -> bool:
        """Whether the tokenizer reads `text` whole, within the text tower's context."""
        roomy = self.tokenizer([text, ""], context_length=self.context_length + 64)
        padding = roomy[1, -1]
        return bool((roomy[0, self.context_length :] == padding).all())


def load_encoder(choice: EncoderChoice | None = None, *, device: str | None = None) -> Encoder:
    """Open a checkpoint with open_clip, on CUDA where there is one unless `device` says otherwise.

    Raises EncoderError where it cannot be opened, where its weights did not load, or where its activation does not suit
    them (open_clip #771: the wrong GELU silently gave wrong vectors).
    """
    import open_clip
    import torch

    choice = choice or EncoderChoice()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    name = _open_clip_name(choice)
    if choice.weights_file is not None and _is_openai_archive(choice.weights_file) and "quickgelu" not in name.lower():
        raise EncoderError(
            f"{choice.weights_file} is an archive as OpenAI publishes them, whose weights want QuickGELU; "
            f"give the model {name + '-quickgelu'!r}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message="QuickGELU mismatch")
            model, _ = open_clip.create_model_from_pretrained(name, choice.pretrained, device=device)
            tokenizer = open_clip.get_tokenizer(name)
    except Exception as error:  # open_clip, the hub, safetensors and the file system each raise their own
        raise EncoderError(f"checkpoint {str(choice)!r} cannot be opened: {error}; {_remedy(choice)}") from error
    model.eval()
    context_length = int(getattr(model, "context_length", None) or tokenizer.context_length)
    dimension = int(_first_vector(model, tokenizer, device).shape[-1])
    fingerprint = _fingerprint(model, tokenizer, _architecture(open_clip.get_model_config(name) or {}))
    preprocessing = preprocessing_of(model.visual.preprocess_cfg)
    return Encoder(choice, fingerprint, dimension, model, preprocessing, tokenizer, context_length, device)


def _open_clip_name(choice: EncoderChoice) -> str:
    if choice.is_bundled:
        from artwork_assets import CHECKPOINT  # late: the package carries data, and few need it

        return f"{LOCAL_DIR}{CHECKPOINT}"
    if choice.model.startswith(LOCAL_DIR) and not Path(choice.model[len(LOCAL_DIR) :]).is_dir():
        raise EncoderError(f"no checkpoint folder at {choice.model[len(LOCAL_DIR) :]!r}; {_remedy(choice)}")
    if ":" in choice.model:
        return choice.model
    if not choice.pretrained:
        raise EncoderError(f"model {choice.model!r} needs --pretrained; open_clip.list_pretrained() lists the pairs")
    return choice.model.replace("/", "-")  # ViT-B/32: open_clip builds such a model, but does not find its configuration


def _is_openai_archive(path: Path) -> bool:
    """Whether the file is a TorchScript archive: OpenAI published CLIP as those, open_clip's own weights are plain."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _remedy(choice: EncoderChoice) -> str:
    if choice.model.startswith(LOCAL_DIR):
        return "give a folder with open_clip_config.json and open_clip_model.safetensors"
    if choice.is_bundled:
        return "install the project again"
    if "quickgelu" not in choice.model.lower() and choice.pretrained == "openai":
        return f"OpenAI's weights want the model {choice.model + '-quickgelu'!r}"
    return "check the name with open_clip.list_pretrained() and that the model hub can be reached, or give --checkpoint DIR"


def _first_vector(model: Any, tokenizer: Any, device: str) -> "torch.Tensor":
    import torch

    with torch.inference_mode():
        vector: torch.Tensor = model.encode_text(tokenizer(["a"]).to(device))
    return vector


def exact_float32() -> AbstractContextManager[None]:
    """Without cuDNN's TF32, which convolutions on CUDA take by default, nor kernels that add up in another order each time."""
    import torch

    flags: AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return flags


def unit(raw: np.ndarray) -> np.ndarray:
    """(n, d) of any length to unit length, float32; raises EncoderError where a vector is not finite or has no length."""
    norms = np.linalg.norm(raw, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms == 0).any():
        raise EncoderError("the tower gave a vector that is not finite or has no length; the checkpoint is damaged")
    unit: np.ndarray = (raw / norms).astype(np.float32)
    return unit


def _architecture(config: dict[str, Any]) -> dict[str, Any]:
    """open_clip's model configuration without spelled-out defaults and without what touches no vector (sources)."""
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg

    sources = {
        "timm_model_pretrained",
        "hf_model_pretrained",
        "hf_tokenizer_name",
        "tokenizer_kwargs",
        "tokenizer_mode",
    }
    plain: dict[str, Any] = {key: value for key, value in config.items() if not isinstance(value, dict) and value}
    for part, defaults in (("vision_cfg", asdict(CLIPVisionCfg())), ("text_cfg", asdict(CLIPTextCfg()))):
        given = config.get(part, {})
        plain[part] = {k: v for k, v in given.items() if k not in sources and v != defaults.get(k)}
    return plain


def _fingerprint(model: Any, tokenizer: Any, architecture: dict[str, Any]) -> str:
    """sha256 over what decides a vector, and nothing else: neither names nor places nor the device.

    Weights, architecture (the activation stands there: it has no weights), preprocessing, and what the tokenizer makes of
    a few probes.
    """
    digest = hashlib.sha256()
    digest.update(json.dumps(architecture, sort_keys=True, default=str).encode())
    digest.update(json.dumps(model.visual.preprocess_cfg, sort_keys=True, default=str).encode())
    digest.update(tokenizer(TOKENIZER_PROBES).numpy().tobytes())
    digest.update(b"unit length, float32")
    for name, weight in sorted(model.state_dict().items()):
        digest.update(f"{name} {tuple(weight.shape)} ".encode())
        digest.update(np.ascontiguousarray(weight.float().cpu().numpy()).tobytes())
    return digest.hexdigest()


def choice_as_dict(choice: EncoderChoice) -> dict[str, str | None]:
    """For the store's record; the inverse of `EncoderChoice(**…)`."""
    return asdict(choice)

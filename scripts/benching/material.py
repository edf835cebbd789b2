"""What the benchmark works on: JPEGs of 1,000 pixels with real detail, many small files, checkpoints with random weights."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from embed.catalog import Catalog

LONG_SIDE = 1000
SHAPES = ((1000, 563), (1000, 667), (667, 1000))  # 16:9, 3:2, a poster
SMALL = (96, 64)
BASES = 64  # different small pictures; the rest differ by a comment in the file
A_FOLDER = 1000  # files in each folder of the many

TINY_CLIP: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


def sources(folder: Path | None = None) -> list["Image.Image"]:
    """The pictures that the JPEGs are cut from: up to 200 of a folder, those of the bundled catalog where none is given.

    Raises CatalogError where the folder has none.
    """
    from artwork_assets import CATALOG
    from PIL import Image

    from embed.errors import CatalogError

    folder = folder or CATALOG / "pictures"
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"})
    if not found:
        raise CatalogError(f"no .jpg, .jpeg, .png or .webp below {folder}; give another --pictures")
    pictures = []
    for path in found[:200]:
        with Image.open(path) as picture:
            picture.draft("RGB", (2 * LONG_SIDE, 2 * LONG_SIDE))
            pictures.append(picture.convert("RGB"))
    return pictures


@dataclass(frozen=True)
class Large:
    """JPEGs whose long side is 1,000 pixels; the same number is the same picture."""

    folder: Path
    sources: Sequence["Image.Image"]

    def first(self, count: int) -> list[str]:
        """The names of so many in `folder`; those that are not there yet are made."""
        import numpy as np

        self.folder.mkdir(parents=True, exist_ok=True)
        names = [f"{number:06}.jpg" for number in range(count)]
        for number, name in enumerate(names):
            if not (self.folder / name).exists():
                rng = np.random.default_rng(number)
                picture = _mosaic(self.sources, SHAPES[number % len(SHAPES)], rng)
                picture.save(self.folder / name, quality=int(rng.integers(85, 93)))
        return names


def _mosaic(pictures: Sequence["Image.Image"], size: tuple[int, int], rng: "np.random.Generator") -> "Image.Image":
    """Crops side by side, scaled by little and flipped by chance: blowing one small picture up would leave it without detail."""
    from PIL import Image

    first = _one_of(pictures, rng)
    pieces = 1 if first.width >= size[0] and first.height >= size[1] else 2
    canvas, piece = Image.new("RGB", size), (-(-size[0] // pieces), -(-size[1] // pieces))
    for left in range(0, size[0], piece[0]):
        for top in range(0, size[1], piece[1]):
            canvas.paste(_cut(first, piece, rng), (left, top))
            first = _one_of(pictures, rng)
    return canvas


def _one_of(pictures: Sequence["Image.Image"], rng: "np.random.Generator") -> "Image.Image":
    return pictures[int(rng.integers(len(pictures)))]


def _cut(picture: "Image.Image", size: tuple[int, int], rng: "np.random.Generator") -> "Image.Image":
    """A crop of a picture, resized to `size` by a scale between 0.8 and 1.25 where the picture is large enough."""
    from PIL import Image

    most = min(picture.width / size[0], picture.height / size[1])
    scale = min(most, rng.uniform(0.8, 1.25))
    width, height = int(size[0] * scale), int(size[1] * scale)
    left, top = int(rng.integers(picture.width - width + 1)), int(rng.integers(picture.height - height + 1))
    cut = picture.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.LANCZOS)
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else cut


def small_pictures(folder: Path, count: int, pictures: Sequence["Image.Image"]) -> list[str]:
    """`count` small JPEGs, no two with the same bytes."""
    bases = [_jpeg(picture.resize(SMALL)) for picture in pictures[:BASES]]
    names = [f"{number // A_FOLDER:04}/{number:07}.jpg" for number in range(count)]
    for number, name in enumerate(names):
        if number % A_FOLDER == 0:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        comment = f"{number:08}".encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        base = bases[number % len(bases)]
        (folder / name).write_bytes(base[:2] + segment + base[2:])  # right after the start of image
    return names


def _jpeg(picture: "Image.Image") -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=90)
    return out.getvalue()


def write_catalog(folder: Path, paths: Sequence[str]) -> Path:
    """Tables for pictures at `paths`, all of one title."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / "titles.csv", [("title_id", "name"), ("t", "Title")])
    _write_csv(folder / "artwork.csv", [("artwork_id", "title_id", "path"), *((path, "t", path) for path in paths)])
    return folder


def catalog_of(folder: Path, pictures: Path, paths: Sequence[str]) -> "Catalog":
    """The same, read."""
    from embed.catalog import read_catalog

    return read_catalog(write_catalog(folder, paths), strict=True, only=("titles", "artwork"), pictures=str(pictures))


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def random_checkpoint(folder: Path, model_cfg: dict[str, Any]) -> Path:
    """A `local-dir:` checkpoint of that architecture with random weights and OpenAI's preprocessing: for speed it serves."""
    import torch
    from open_clip.model import CLIP
    from safetensors.torch import save_file

    from embed.preprocessing import MEAN, STD

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = CLIP(**model_cfg).state_dict()
    folder.mkdir(parents=True, exist_ok=True)
    preprocess = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "shortest"}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": model_cfg, "preprocess_cfg": preprocess}))
    save_file({name: weight.contiguous() for name, weight in state.items()}, folder / "open_clip_model.safetensors")
    return folder

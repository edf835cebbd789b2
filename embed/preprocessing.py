"""What open_clip does to a picture before the image tower, without torch: worker processes that decode must start at once.

Bit for bit the evaluation transform of open_clip (open_clip/transform.py: image_transform, and the torchvision functions that it
calls on Pillow's pictures). It is taken apart after the crop: 8-bit pixels are a quarter of the size on their way between processes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps

MEAN = (0.48145466, 0.4578275, 0.40821073)  # OpenAI's, which open_clip takes where a configuration is silent
STD = (0.26862954, 0.26130258, 0.27577711)

Size = tuple[int, int]
Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class Preprocessing:
    """A checkpoint's own preprocessing, as plain data. Make one with `preprocessing_of`."""

    size: Size  # (height, width) in pixels
    interpolation: str  # bicubic | bilinear
    resize_mode: str  # shortest | longest | squash
    mean: tuple[float, float, float]  # of channels in 0..1
    std: tuple[float, float, float]
    fill_color: int  # 0..255, around what is too narrow once its longest side fits

    @property
    def shortest(self) -> int:
        """A short side, in pixels, of which nothing is lost: no resize mode needs more of any picture."""
        return max(self.size)

    def resize(self, picture: Image.Image) -> np.ndarray:
        """(height, width, 3) uint8 of a whole picture: bit for bit what open_clip has before ToTensor."""
        width, height = self._resized(*picture.size)
        if picture.size != (width, height):
            picture = picture.resize((width, height), self._filter)
        if self.resize_mode != "squash":
            picture = _crop_or_pad(picture, self.size, self.fill_color)
        return np.array(picture.convert("RGB"))

    def resize_kept(self, picture: Image.Image, full: Size, box: Box) -> np.ndarray:
        """(height, width, 3) uint8: `resize` of nothing but what it keeps, which saves a third on 3:2.

        Of a whole picture, the same but for a rounding of 1 here and there; of one that was decoded smaller than it is, nearly
        the same. `full` is the (width, height) of the whole, which decides what is cut away. `box` says where in `picture` the
        whole lies: its sides are fractions of pixels, and taking them for whole ones would stretch the picture.
        """
        width, height = self._resized(*full)
        wide, high = min(width, self.size[1]), min(height, self.size[0])
        left, top = round((width - wide) / 2.0), round((height - high) / 2.0)
        across, down = (box[2] - box[0]) / width, (box[3] - box[1]) / height
        x, y = box[0] + left * across, box[1] + top * down
        kept = (x, y, min(x + wide * across, box[2]), min(y + high * down, box[3]))
        small = picture.resize((wide, high), self._filter, kept)
        return np.array(_crop_or_pad(small, self.size, self.fill_color).convert("RGB"))

    def normalise(self, pixels: np.ndarray) -> np.ndarray:
        """(n, height, width, 3) uint8 to (n, 3, height, width) float32: ToTensor and Normalize."""
        out = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32)
        out /= np.float32(255)
        out -= np.array(self.mean, np.float32)[:, None, None]
        out /= np.array(self.std, np.float32)[:, None, None]
        return out

    @property
    def _filter(self) -> Image.Resampling:
        square = self.size[0] == self.size[1]
        if self.resize_mode == "shortest" and not square:
            return Image.Resampling.BICUBIC  # open_clip forgets the interpolation here
        return Image.Resampling.BILINEAR if self.interpolation == "bilinear" else Image.Resampling.BICUBIC

    def _resized(self, width: int, height: int) -> Size:
        """The (width, height) to which a picture is resized before it is cropped or padded."""
        to_height, to_width = self.size
        if self.resize_mode == "squash":
            return to_width, to_height
        if self.resize_mode == "shortest" and to_width == to_height:  # torchvision cuts where the others round
            short, long = to_width, int(to_width * max(width, height) / min(width, height))
            return (short, long) if width <= height else (long, short)
        ratios = (height / to_height, width / to_width)
        ratio = max(ratios) if self.resize_mode == "longest" else min(ratios)
        return round(width / ratio), round(height / ratio)


def preprocessing_of(config: Mapping[str, Any]) -> Preprocessing:
    """The preprocessing that open_clip makes of `model.visual.preprocess_cfg`, with its defaults for what is left out."""
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return Preprocessing(
        size=(int(height), int(width)),
        interpolation="bilinear" if config.get("interpolation") == "bilinear" else "bicubic",
        resize_mode=config.get("resize_mode") or "shortest",
        mean=_per_channel(config.get("mean") or MEAN),
        std=_per_channel(config.get("std") or STD),
        fill_color=int(config.get("fill_color") or 0),
    )


def _per_channel(value: float | Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = value if isinstance(value, Sequence) else (value,) * 3
    return float(red), float(green), float(blue)


def _crop_or_pad(picture: Image.Image, size: Size, fill: int) -> Image.Image:
    """The middle of a picture, (height, width) large, with a border where it is smaller than that."""
    height, width = size
    missing = max(width - picture.width, 0), max(height - picture.height, 0)
    if any(missing):
        border = (missing[0] // 2, missing[1] // 2, (missing[0] + 1) // 2, (missing[1] + 1) // 2)
        bands = len(picture.getbands())
        picture = ImageOps.expand(picture, border, fill if bands == 1 else (fill,) * bands)
    left, top = round((picture.width - width) / 2.0), round((picture.height - height) / 2.0)
    return picture.crop((left, top, left + width, top + height))

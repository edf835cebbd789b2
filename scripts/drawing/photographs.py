"""The photographs: public-domain and CC0 files that ship inside scikit-image and matplotlib, opened and cropped. See CREDITS.md."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from artwork_doors.drawing.light import HEIGHT, WIDTH, Canvas, Mask, blur


class MissingPackageError(Exception):
    """The extra `catalog` is not installed."""


def folder(package: str) -> Path:
    """Where the package keeps its pictures."""
    try:
        if package == "matplotlib":
            import matplotlib

            return Path(matplotlib.get_data_path())
        import skimage

        return Path(skimage.__file__).parent / "data"
    except ImportError as error:
        raise MissingPackageError(f"{error.name} is missing; pip install 'artwork-matcher[catalog]'") from error


def photograph(name: str) -> Image.Image:
    """A photograph by its file's name."""
    path = folder("matplotlib") / "sample_data" / name if name == "grace_hopper.jpg" else folder("skimage") / name
    with Image.open(path) as picture:
        return picture.convert("RGBA" if picture.mode == "RGBA" else "RGB")


def crop(name: str, left: float, top: float, width: float) -> Canvas:
    """A 16:9 crop, its corner and width in shares of the photograph's width (top: of its height), scaled up softly."""
    picture = photograph(name)
    wide = width * picture.width
    box = (
        left * picture.width,
        top * picture.height,
        left * picture.width + wide,
        top * picture.height + wide * HEIGHT / WIDTH,
    )
    if box[2] > picture.width + 0.5 or box[3] > picture.height + 0.5:
        raise ValueError(f"{name}: the crop {box} leaves the picture, {picture.size}")
    scaled = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=box)
    soft = max(0.0, WIDTH / wide - 1.6) * 0.6
    return np.asarray(scaled.filter(ImageFilter.GaussianBlur(soft)), np.float32)[..., :3] / 255


def widened(name: str, top: float, height: float, place: float) -> Canvas:
    """An upright photograph in 16:9: full width from `top`, set at `place` (0 left, 1 right) on its own blurred surroundings."""
    picture = photograph(name)
    band = picture.crop((0, round(top * picture.height), picture.width, round((top + height) * picture.height)))
    wide = round(HEIGHT * band.width / band.height)
    left = round((WIDTH - wide) * place)
    sharp = band.resize((wide, HEIGHT), Image.Resampling.LANCZOS)
    around = Image.new("RGB", (WIDTH, HEIGHT))
    for x, side in ((left - wide, sharp.transpose(Image.Transpose.FLIP_LEFT_RIGHT)), (left, sharp), (left + wide, None)):
        around.paste(side or sharp.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (x, 0))
    around = around.filter(ImageFilter.GaussianBlur(0.06 * HEIGHT))
    inside = np.arange(WIDTH) - left
    seam = np.clip(
        np.minimum(inside if left > 0 else WIDTH, wide - inside if left + wide < WIDTH else WIDTH) / (0.12 * WIDTH), 0, 1
    )
    both = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    both[:, max(left, 0) : left + wide] = np.asarray(sharp, np.float32)[:, max(-left, 0) : WIDTH - left]
    return (np.asarray(around, np.float32) + (both - np.asarray(around, np.float32)) * seam[None, :, None]) / 255


def tiles(name: str, across: int, turned: bool = False) -> Canvas:
    """A texture repeated to fill the canvas."""
    texture = photograph(name)
    texture = texture.rotate(90) if turned else texture
    side = WIDTH // across
    tile = np.asarray(texture.resize((side, side), Image.Resampling.LANCZOS), np.float32) / 255
    return np.tile(tile, (HEIGHT // side + 1, across + 1, 1))[:HEIGHT, :WIDTH]


def horse(left: float, top: float, height: float) -> Mask:
    """scikit-image's horse, a silhouette, placed on the canvas."""
    alpha = photograph("horse.png")
    grey = (
        np.asarray(alpha.convert("L"), np.float32) if alpha.mode == "RGB" else np.asarray(alpha, np.float32)[..., :3].mean(-1)
    )
    solid = Image.fromarray((255 - grey).astype(np.uint8))
    size = round(height * HEIGHT * solid.width / solid.height), round(height * HEIGHT)
    mask = Image.new("L", (WIDTH, HEIGHT))
    mask.paste(solid.resize(size, Image.Resampling.LANCZOS), (round(left * HEIGHT), round(top * HEIGHT)))
    return blur(np.asarray(mask, np.float32) / 255, 0.001)

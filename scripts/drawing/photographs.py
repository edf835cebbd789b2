"""The photographs: public-domain and CC0 files that ship inside scikit-image and matplotlib, opened and cropped. See CREDITS.md."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from artwork_doors.drawing.light import HEIGHT, WIDTH, Canvas, Mask, blur


def folder(package: str) -> Path:
    """Where the package keeps its pictures (scikit-image) or its pictures and fonts (matplotlib)."""
    if package == "matplotlib":
        import matplotlib

        return Path(matplotlib.get_data_path())
    import skimage

    return Path(skimage.__file__).parent / "data"


def photograph(name: str) -> Image.Image:
    """A photograph by its file's name."""
    path = folder("matplotlib") / "sample_data" / name if name == "grace_hopper.jpg" else folder("skimage") / name
    with Image.open(path) as picture:
        return picture.convert("RGB")


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
    return np.asarray(scaled.filter(ImageFilter.GaussianBlur(soft)), np.float32) / 255


def widened(name: str, height: float, place: float) -> Canvas:
    """The top of an upright photograph in 16:9, set at `place` (0 left, 1 right) on its own mirrored and blurred surroundings."""
    picture = photograph(name)
    wide = round(HEIGHT * picture.width / (height * picture.height))
    left = round((WIDTH - wide) * place)
    sharp = picture.resize((wide, HEIGHT), Image.Resampling.LANCZOS, box=(0, 0, picture.width, height * picture.height))
    around, both = Image.new("RGB", (WIDTH, HEIGHT)), Image.new("RGB", (WIDTH, HEIGHT))
    for x in (left - wide, left + wide):
        around.paste(sharp.transpose(Image.Transpose.FLIP_LEFT_RIGHT), (x, 0))
    around.paste(sharp, (left, 0))
    both.paste(sharp, (left, 0))
    around = np.asarray(around.filter(ImageFilter.GaussianBlur(0.06 * HEIGHT)), np.float32)
    inside = np.arange(WIDTH) - left
    seam = np.clip(np.minimum(inside, wide - inside) / (0.12 * WIDTH), 0, 1)[None, :, None]
    return (around + (np.asarray(both, np.float32) - around) * seam) / 255


def tiles(name: str, across: int, turned: bool = False) -> Canvas:
    """A texture repeated to fill the canvas."""
    texture = photograph(name)
    texture = texture.rotate(90) if turned else texture
    side = WIDTH // across
    tile = np.asarray(texture.resize((side, side), Image.Resampling.LANCZOS), np.float32) / 255
    return np.tile(tile, (HEIGHT // side + 1, across + 1, 1))[:HEIGHT, :WIDTH]


def horse(left: float, top: float, height: float) -> Mask:
    """scikit-image's horse, a silhouette, placed on the canvas."""
    solid = ImageOps.invert(photograph("horse.png").convert("L"))
    size = round(height * HEIGHT * solid.width / solid.height), round(height * HEIGHT)
    mask = Image.new("L", (WIDTH, HEIGHT))
    mask.paste(solid.resize(size, Image.Resampling.LANCZOS), (round(left * HEIGHT), round(top * HEIGHT)))
    return blur(np.asarray(mask, np.float32) / 255, 0.001)

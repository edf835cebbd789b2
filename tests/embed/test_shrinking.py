"""A smaller picture is taken for the whole only where that is as good; where not, the whole is decoded, and what is kept is resized."""

import io
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from embed import shrinking
from embed.errors import PictureError
from embed.pictures import decode, open_picture
from embed.preprocessing import Preprocessing, preprocessing_of
from embed.shrinking import pixels_of

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def preprocessing() -> Preprocessing:
    return preprocessing_of({"size": 224})


def photograph(size: tuple[int, int]) -> Image.Image:
    with Image.open(HOPPER) as picture:
        large = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return large.filter(ImageFilter.GaussianBlur(max(size) / 1000))  # the scanned print's grain


def hatched(size: tuple[int, int]) -> Image.Image:
    """Lines three pixels apart over all of it."""
    picture = photograph(size)
    for x in range(-size[1], size[0], 3):
        ImageDraw.Draw(picture).line((x, 0, x + size[1] // 2, size[1]), "black")
    return picture


def jpeg(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85, **options)
    return buffer.getvalue()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The sizes at which pictures were decoded."""
    sizes: list[tuple[int, int]] = []

    def spy(data: bytes, *, shortest: int | None = None) -> Any:
        found = open_picture(data, shortest=shortest)
        sizes.append(found.picture.size)
        return found

    monkeypatch.setattr(shrinking, "open_picture", spy)
    return sizes


def assert_is_whole(pixels: np.ndarray, data: bytes, preprocessing: Preprocessing) -> None:
    """But for a rounding here and there: what is cut away was not resized."""
    whole = decode(data)
    assert np.array_equal(pixels, preprocessing.resize_kept(whole, whole.size, (0.0, 0.0, *whole.size)))
    off = np.abs(pixels.astype(int) - preprocessing.resize(whole))
    assert (off.max() <= 1, off.mean() < 1e-3) == (True, True)


@pytest.mark.parametrize(
    ("size", "smaller"), [((1000, 1500), (500, 750)), ((2003, 1901), (501, 476)), ((3584, 4000), (448, 500))]
)
def test_a_large_photograph_is_decoded_once_and_smaller(
    preprocessing: Preprocessing, opened: list[tuple[int, int]], size: tuple[int, int], smaller: tuple[int, int]
) -> None:
    data = jpeg(photograph(size))
    pixels, *found = pixels_of(data, preprocessing)
    assert (opened, tuple(found)) == ([smaller], size)
    assert (pixels.shape, pixels.dtype) == ((224, 224, 3), np.uint8)
    whole = preprocessing.resize(decode(data)).astype(int)
    assert 0 < np.abs(pixels - whole).mean() < 0.5


@pytest.mark.parametrize("size", [(895, 1200), (300, 200), (448, 448)])
def test_a_picture_that_would_come_out_below_twice_the_tower_s_size_is_decoded_whole(
    preprocessing: Preprocessing, opened: list[tuple[int, int]], size: tuple[int, int]
) -> None:
    data = jpeg(photograph(size))
    pixels, *found = pixels_of(data, preprocessing)
    assert (opened, tuple(found)) == ([size], size)
    assert_is_whole(pixels, data, preprocessing)


def test_hatching_is_decoded_whole(preprocessing: Preprocessing, opened: list[tuple[int, int]]) -> None:
    data = jpeg(hatched((1000, 1500)))
    pixels, *found = pixels_of(data, preprocessing)
    assert (opened, found) == ([(500, 750), (1000, 1500)], [1000, 1500])
    assert_is_whole(pixels, data, preprocessing)


def test_grain_is_decoded_whole(preprocessing: Preprocessing, opened: list[tuple[int, int]]) -> None:
    samples = np.asarray(photograph((1000, 1000)), np.float32) + np.random.default_rng(0).normal(0, 25, (1000, 1000, 1))
    data = jpeg(Image.fromarray(samples.clip(0, 255).astype(np.uint8)))
    assert_is_whole(pixels_of(data, preprocessing)[0], data, preprocessing)
    assert opened == [(500, 500), (1000, 1000)]


def test_without_shrinking_every_picture_is_open_clip_s_own(
    preprocessing: Preprocessing, opened: list[tuple[int, int]]
) -> None:
    from open_clip.transform import PreprocessCfg, image_transform_v2

    data = jpeg(photograph((1000, 1500)))
    pixels, *found = pixels_of(data, preprocessing, shrink=False)
    assert (opened, found) == ([(1000, 1500)], [1000, 1500])
    own = image_transform_v2(PreprocessCfg(size=224), is_train=False)
    assert np.array_equal(preprocessing.normalise(pixels[None])[0], own(Image.open(io.BytesIO(data))).numpy())


@pytest.mark.parametrize("resize_mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [224, (224, 160), (100, 260)])
def test_every_resize_mode_has_enough_left_to_resize(resize_mode: str, size: Any, opened: list[tuple[int, int]]) -> None:
    made = preprocessing_of({"size": size, "resize_mode": resize_mode, "fill_color": 200})
    data = jpeg(photograph((2400, 1300)))
    whole = made.resize(decode(data)).astype(int)
    pixels = pixels_of(data, made)[0]
    assert opened[0][0] < 2400
    assert min(opened[0]) >= 2 * max(made.size)
    assert (pixels.shape, np.abs(pixels - whole).mean() < 0.5) == (whole.shape, True)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_resized_at_the_right_place(preprocessing: Preprocessing, orientation: int) -> None:
    """An eighth of 3,593 x 3,601 is a whole number of pixels and an eighth, decoded as one more: on either side."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg(photograph((3593, 3601)), exif=exif)
    pixels, *found = pixels_of(data, preprocessing)
    assert tuple(found) == ((3593, 3601) if orientation < 5 else (3601, 3593))
    assert 0 < np.abs(pixels.astype(int) - preprocessing.resize(decode(data))).mean() < 0.5


def test_vectors_hardly_move(tiny_encoder: Any) -> None:
    """What scripts/evaluate_shrink.py measures on 1,000 pictures and a trained tower, in small."""
    datas = [jpeg(photograph(size), **options) for size, options in [((1400, 1800), {}), ((1999, 1280), {"progressive": True})]]
    shrunk = np.stack([pixels_of(data, tiny_encoder.preprocessing)[0] for data in datas])
    whole = np.stack([pixels_of(data, tiny_encoder.preprocessing, shrink=False)[0] for data in datas])
    assert (shrunk != whole).any(axis=(1, 2, 3)).all()
    cosines = (tiny_encoder.encode_pixels(shrunk) * tiny_encoder.encode_pixels(whole)).sum(axis=1)
    assert (cosines > 0.999).all()


def test_what_cannot_be_decoded_is_refused(preprocessing: Preprocessing) -> None:
    data = jpeg(photograph((1000, 1500)))
    with pytest.raises(PictureError, match="damaged or cut off"):
        pixels_of(data[: len(data) // 2], preprocessing)

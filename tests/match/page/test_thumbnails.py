"""Thumbnails: made once, whole or not at all, upright and in the colours of a screen."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms

from match.page import thumbnails
from match.page.thumbnails import thumbnail

SHA = "ab" + "0" * 62


@pytest.fixture
def store(tmp_path: Path, empty_store: Any) -> Any:
    """With pictures in `tmp_path`/catalog."""
    from embed.store import remember_pictures

    (tmp_path / "catalog").mkdir()
    return remember_pictures(empty_store, str(tmp_path / "catalog"))


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., None]:
    """put(picture, **how it is saved): as catalog/it.jpg."""

    def save(picture: Image.Image, **how: Any) -> None:
        picture.save(tmp_path / "catalog" / "it.jpg", "JPEG", quality=95, **how)

    return save


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    picture = Image.open(io.BytesIO(data))
    assert (picture.format, picture.mode) == ("WEBP", "RGB")
    return picture


def kept(store: Any, width: int = 160) -> Path:
    return store.root / "thumbnails" / str(width) / "ab" / f"{SHA}.webp"


def test_a_thumbnail_is_made_once(store: Any, put: Callable, drawing: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    put(drawing("kiss", (640, 360)))
    data = thumbnail(store, SHA, "it.jpg", 160)
    assert opened(data).size == (160, 90)
    assert kept(store).read_bytes() == data
    assert [path.name for path in kept(store).parent.iterdir()] == [f"{SHA}.webp"]
    monkeypatch.setattr(thumbnails, "_made", lambda *_: pytest.fail("it is kept"))
    assert thumbnail(store, SHA, "it.jpg", 160) == data


def test_each_width_is_one_of_its_own(store: Any, put: Callable, drawing: Callable) -> None:
    put(drawing("kiss", (360, 640)))
    assert opened(thumbnail(store, SHA, "it.jpg", 160)).size == (90, 160)
    assert opened(thumbnail(store, SHA, "it.jpg", 320)).size == (180, 320)


def test_a_small_picture_is_not_blown_up(store: Any, put: Callable, drawing: Callable) -> None:
    put(drawing("kiss", (96, 64)))
    assert opened(thumbnail(store, SHA, "it.jpg", 160)).size == (96, 64)


@pytest.mark.parametrize("content", [None, b"", b"no picture", b"\xff\xd8\xff\xe0 cut off"])
def test_a_picture_that_is_gone_or_cannot_be_read_has_none_and_leaves_nothing(
    store: Any, tmp_path: Path, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / "catalog" / "it.jpg").write_bytes(content)
    assert thumbnail(store, SHA, "it.jpg", 160) is None
    assert not kept(store).exists()


def test_what_was_made_stays_when_the_picture_goes(store: Any, put: Callable, drawing: Callable, tmp_path: Path) -> None:
    put(drawing("kiss", (640, 360)))
    data = thumbnail(store, SHA, "it.jpg", 160)
    (tmp_path / "catalog" / "it.jpg").unlink()
    assert thumbnail(store, SHA, "it.jpg", 160) == data


def test_what_cannot_be_kept_is_made_each_time(store: Any, put: Callable, drawing: Callable) -> None:
    put(drawing("kiss", (640, 360)))
    (store.root / "thumbnails").write_text("in the way of the folder", encoding="utf-8")
    assert opened(thumbnail(store, SHA, "it.jpg", 160)).size == (160, 90)
    assert opened(thumbnail(store, SHA, "it.jpg", 160)).size == (160, 90)


def test_a_write_that_fails_leaves_nothing_behind(
    store: Any, put: Callable, drawing: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(drawing("kiss", (640, 360)))

    def full(self: Path, target: Path) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", full)
    assert opened(thumbnail(store, SHA, "it.jpg", 160)).size == (160, 90)
    assert list(kept(store).parent.iterdir()) == []


def test_a_turned_picture_stands_upright(store: Any, put: Callable) -> None:
    picture = Image.new("RGB", (400, 200), "white")
    picture.paste((0, 0, 255), (0, 0, 200, 200))  # blue on the left: at the top, once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6  # turn to the right by a quarter
    put(picture, exif=exif)
    upright = opened(thumbnail(store, SHA, "it.jpg", 160))
    assert upright.size == (80, 160)
    blue, white = upright.getpixel((40, 30)), upright.getpixel((40, 130))
    assert blue[2] > 200 > 60 > blue[0]
    assert min(white) > 200


def test_four_inks_come_out_as_a_screen_shows_them(store: Any, put: Callable) -> None:
    put(Image.new("CMYK", (400, 200), (0, 255, 255, 0)))  # magenta and yellow: red
    red = opened(thumbnail(store, SHA, "it.jpg", 160)).getpixel((50, 50))
    assert red[0] > 180
    assert max(red[1:]) < 90


def test_a_picture_of_another_profile_comes_out_as_srgb(store: Any, put: Callable) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # named sRGB: taken as it is
    put(Image.new("RGB", (400, 200), (200, 40, 90)), icc_profile=lab.tobytes())
    found = opened(thumbnail(store, SHA, "it.jpg", 160)).getpixel((50, 50))
    assert max(abs(a - b) for a, b in zip(found, (200, 40, 90), strict=True)) < 8
    assert os.listdir(kept(store).parent) == [f"{SHA}.webp"]

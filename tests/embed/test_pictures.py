"""Bytes to an upright sRGB picture on white, or a reason why not. The pictures are made of a real photograph."""

import io
import os
import struct
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageCms

from embed import pictures
from embed.errors import PictureError
from embed.pictures import decode, read_bytes

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def hopper() -> Image.Image:
    with Image.open(HOPPER) as picture:
        return picture.convert("RGB").resize((96, 128))


def saved(picture: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def apart(one: Image.Image, other: Image.Image) -> float:
    """Mean distance of two pictures' samples, of 255."""
    assert (one.mode, one.size) == (other.mode, other.size)
    return float(np.abs(np.asarray(one, np.int16) - np.asarray(other, np.int16)).mean())


def profile_of_gamma_one() -> bytes:
    """sRGB's ICC profile with linear light in place of its curve: its mid grey 128 is 188 in sRGB."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    for tag in range(count):
        name, offset, _size = struct.unpack_from(">4sII", profile, 132 + 12 * tag)
        if name in (b"rTRC", b"gTRC", b"bTRC"):
            struct.pack_into(">4sIHHI", profile, offset, b"para", 0, 0, 0, 1 << 16)  # y = x ** 1
        if name == b"desc":  # the code leaves alone what calls itself sRGB
            profile[offset : offset + _size] = profile[offset : offset + _size].replace("sRGB".encode("utf-16-be"), b"\0X" * 4)
    return bytes(profile)


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that no pixel backs."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", pictures.FORMATS)
def test_every_listed_format_is_read(hopper: Image.Image, format: str) -> None:
    assert apart(decode(saved(hopper, format)), hopper) < (20 if format == "GIF" else 6)


@pytest.mark.parametrize("name", ["astronaut", "camera", "chelsea", "coffee"])
def test_real_photographs_come_out_as_rgb(name: str) -> None:
    import skimage

    [path] = (Path(skimage.__file__).parent / "data").glob(f"{name}.*")
    with Image.open(path) as raw:
        assert apart(decode(read_bytes(path)), raw.convert("RGB")) == 0


def test_mpo_is_read_as_its_first_picture(hopper: Image.Image) -> None:
    data = saved(hopper, "MPO", save_all=True, append_images=[Image.new("RGB", hopper.size)])
    assert apart(decode(data), hopper) < 6


TURNED_BACK = {  # what a camera did to the picture before it noted the orientation
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", TURNED_BACK)
def test_exif_orientation_is_undone(hopper: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    operation = TURNED_BACK[orientation]
    taken = hopper if operation is None else hopper.transpose(operation)
    assert apart(decode(saved(taken, "PNG", exif=exif)), hopper) == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's word on it; the job silences it for all pictures at once
def test_broken_exif_says_nothing_against_the_pixels(hopper: Image.Image) -> None:
    whole = saved(hopper, "JPEG")
    for payload in (
        b"Exif\0\0rubbish",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\x12\x01" * 20,
    ):
        app1 = b"\xff\xe1" + struct.pack(">H", len(payload) + 2) + payload
        assert apart(decode(whole[:2] + app1 + whole[2:]), decode(whole)) == 0


def test_cmyk_jpeg_with_and_without_adobe_marker(hopper: Image.Image) -> None:
    data = saved(hopper.convert("CMYK"), "JPEG", quality=95)
    assert apart(decode(data), hopper) < 6
    start = data.index(b"\xff\xee")
    assert data[start + 4 : start + 9] == b"Adobe"
    length = struct.unpack_from(">H", data, start + 2)[0]
    without = data[:start] + data[start + 2 + length :]
    assert apart(decode(without), decode(data)) == 0  # inverted in both, as every browser reads them


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_16_bit_grey_keeps_its_brightness(format: str) -> None:
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    data = saved(Image.fromarray(ramp), format)
    with Image.open(io.BytesIO(data)) as raw:
        assert raw.mode == "I;16"
    expected = np.repeat(np.round(ramp / 257)[:, :, None], 3, axis=2)
    assert np.array_equal(np.asarray(decode(data)), expected)


@pytest.mark.parametrize("mode", ["L", "1"])
def test_grey_and_black_and_white(hopper: Image.Image, mode: str) -> None:
    plain = hopper.convert(mode)
    assert apart(decode(saved(plain, "PNG")), plain.convert("RGB")) == 0


def half_transparent(mode: str) -> Image.Image:
    """Left half opaque, right half wholly transparent over a colour that must not show."""
    colour = (40,) if mode == "LA" else (200, 30, 60)
    picture = Image.new(mode, (64, 64), (*colour, 255))
    picture.paste((*colour, 0), (32, 0, 64, 64))
    return picture


@pytest.mark.parametrize(("mode", "left"), [("RGBA", (200, 30, 60)), ("LA", (40, 40, 40))])
def test_transparency_shows_white(mode: str, left: tuple[int, int, int]) -> None:
    picture = decode(saved(half_transparent(mode), "PNG"))
    assert (picture.getpixel((5, 5)), picture.getpixel((60, 60))) == (left, (255, 255, 255))


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_transparency_of_a_palette_shows_white(format: str) -> None:
    picture = Image.new("P", (64, 64), 1)
    picture.putpalette([9, 9, 9, 200, 30, 60])
    picture.paste(0, (32, 0, 64, 64))
    picture = decode(saved(picture, format, transparency=0))
    assert (picture.getpixel((5, 5)), picture.getpixel((60, 60))) == ((200, 30, 60), (255, 255, 255))


def test_half_transparency_is_mixed_with_white() -> None:
    assert decode(saved(Image.new("RGBA", (64, 64), (0, 0, 0, 128)), "PNG")).getpixel((9, 9)) == (127, 127, 127)


@pytest.mark.parametrize(("format", "options"), [("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_animations_give_their_first_frame(format: str, options: dict[str, object]) -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "lime", "blue")]
    data = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
    with Image.open(io.BytesIO(data)) as animation:
        assert animation.n_frames == 3
    assert decode(data).getpixel((9, 9)) == (255, 0, 0)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_go_through_the_embedded_profile(mode: str) -> None:
    picture = Image.new("RGB", (64, 64), (128, 128, 128))
    picture = picture.quantize(2) if mode == "P" else picture.convert(mode)
    data = saved(picture, "PNG", icc_profile=profile_of_gamma_one())
    red, green, blue = decode(data).getpixel((9, 9))
    assert red == green == blue
    assert abs(red - 188) <= 1


def test_a_broken_profile_says_nothing_against_the_pixels() -> None:
    data = saved(Image.new("RGB", (64, 64), (10, 20, 30)), "PNG", icc_profile=b"no profile at all")
    assert decode(data).getpixel((9, 9)) == (10, 20, 30)


SAVED_AS = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("WEBP", {}),
    ("WEBP", {"lossless": True}),
    ("GIF", {}),
    ("BMP", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("AVIF", {}),
]


@pytest.mark.parametrize(("format", "options"), SAVED_AS)
def test_a_picture_cut_off_is_never_half_decoded(hopper: Image.Image, format: str, options: dict[str, object]) -> None:
    data = saved(hopper, format, **options)
    for tenth in range(1, 10):
        with pytest.raises(PictureError, match=r"damaged or cut off|header is broken"):
            decode(data[: len(data) * tenth // 10])


@pytest.mark.parametrize(("format", "options"), SAVED_AS[:3])
def test_a_picture_cut_off_and_filled_with_zeros_is_never_half_decoded(
    hopper: Image.Image, format: str, options: dict[str, object]
) -> None:
    data = saved(hopper, format, **options)
    for tenth in range(1, 10):
        cut = len(data) * tenth // 10
        with pytest.raises(PictureError, match=r"damaged or cut off|header is broken"):
            decode(data[:cut] + bytes(len(data) - cut))


POSING = {
    "html": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"/>',
    "pdf": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n",
    "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n",
    "rubbish": bytes(range(256)) * 8,
}


@pytest.mark.parametrize("kind", POSING)
def test_what_is_no_picture_is_named(kind: str) -> None:
    with pytest.raises(PictureError, match="is none of JPEG, PNG"):
        decode(POSING[kind])


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (30_000, 30_000, r"over 89,478,485 pixels"),
        (10_000, 10_000, r"over 89,478,485 pixels"),
        (2_000, 50, r"2000 x 50 is a strip"),
        (50, 1_001, r"50 x 1001 is a strip"),
        (1, 1, r"1 x 1 is no thumbnail"),
        (15, 200, r"15 x 200 is no thumbnail"),
    ],
)
def test_sizes_that_no_thumbnail_has_are_refused_by_the_header(width: int, height: int, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode(png_of(width, height))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # as in the job
def test_a_size_of_which_pillow_only_warns_is_refused() -> None:
    with pytest.raises(PictureError, match=r"10000 x 10000 is over 89,478,485 pixels; export it smaller"):
        decode(png_of(10_000, 10_000))


def test_the_smallest_and_the_longest_that_pass() -> None:
    assert decode(saved(Image.new("RGB", (16, 16)), "PNG")).size == (16, 16)
    assert decode(saved(Image.new("RGB", (400, 20)), "PNG")).size == (400, 20)


@pytest.mark.parametrize("samples", [np.full((64, 64), 0.5, np.float32), np.full((64, 64), 70_000, np.int32)])
def test_samples_without_a_known_white_are_refused(samples: np.ndarray) -> None:
    with pytest.raises(PictureError, match="whose white nobody knows"):
        decode(saved(Image.fromarray(samples), "TIFF"))


def test_reading_gives_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"anything")
    assert read_bytes(tmp_path / "a.png") == b"anything"


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "large.png").write_bytes(b"123")
    os.mkfifo(tmp_path / "pipe.png")
    monkeypatch.setattr(pictures, "MAX_BYTES", 2)
    for name, reason in [
        ("none.png", "no such file"),
        (".", "no such file"),
        ("pipe.png", "no such file"),  # reading it would wait for ever
        ("x" * 300, "cannot be read: File name too long"),
        ("empty.png", "the file is empty"),
        ("large.png", "is no thumbnail; the limit is"),
    ]:
        with pytest.raises(PictureError, match=reason):
            read_bytes(tmp_path / name)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(b"anything")
    path.chmod(0)
    with pytest.raises(PictureError, match="cannot be read: Permission denied"):
        read_bytes(path)

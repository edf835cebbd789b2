"""Bytes to an upright sRGB picture on white, or a reason why not. The pictures are made of a real photograph."""

import io
import struct
import zlib
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageCms

from embed import pictures
from embed.errors import PictureError
from embed.pictures import decode, open_picture

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
        assert apart(decode(path.read_bytes()), raw.convert("RGB")) == 0


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


def jpeg(picture: Image.Image, **options: object) -> bytes:
    return saved(picture, "JPEG", quality=90, **options)


@pytest.fixture(scope="module")
def large(hopper: Image.Image) -> Image.Image:
    """1,003 x 1,501 pixels, which no half of has whole ones."""
    with Image.open(HOPPER) as picture:
        return picture.convert("RGB").resize((1003, 1501))


@pytest.mark.parametrize(
    ("shortest", "size"),
    [
        (None, (1003, 1501)),
        (502, (1003, 1501)),
        (501, (502, 751)),
        (250, (251, 376)),
        (126, (251, 376)),
        (125, (126, 188)),
        (9, (126, 188)),
    ],
)
def test_a_jpeg_is_decoded_smaller_and_never_below_what_is_asked(
    large: Image.Image, shortest: int | None, size: tuple[int, int]
) -> None:
    data = jpeg(large)
    assert decode(data, shortest=shortest).size == size
    opened = open_picture(data, shortest=shortest)
    scale = round(1003 / size[0])
    assert (opened.size, opened.box) == ((1003, 1501), (0, 0, 1003 / scale, 1501 / scale))
    assert opened.is_shrunk == (size != (1003, 1501))


def test_a_smaller_picture_looks_as_the_whole_does(large: Image.Image) -> None:
    opened = open_picture(jpeg(large), shortest=250)
    assert opened.picture.size == (251, 376)
    assert apart(opened.picture.resize((200, 300), box=opened.box), large.resize((200, 300))) < 2


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}])
def test_progressive_and_every_subsampling_is_decoded_smaller(large: Image.Image, options: dict[str, object]) -> None:
    assert decode(jpeg(large, **options), shortest=300).size == (502, 751)


def test_grey_jpegs_and_mpo_are_decoded_smaller(large: Image.Image) -> None:
    small = decode(jpeg(large.convert("L")), shortest=300)
    assert (small.mode, small.size) == ("RGB", (502, 751))
    data = saved(large, "MPO", save_all=True, append_images=[Image.new("RGB", large.size)])
    assert decode(data, shortest=300).size == (502, 751)


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_other_formats_are_decoded_whole(large: Image.Image, format: str) -> None:
    opened = open_picture(saved(large, format), shortest=100)
    assert (opened.picture.size, opened.size, opened.box) == ((1003, 1501), (1003, 1501), (0, 0, 1003, 1501))
    assert (opened.fineness, opened.is_shrunk) == (0, False)


def test_where_colours_are_converted_the_picture_is_decoded_whole(large: Image.Image) -> None:
    """The mean of converted colours is not the converted mean."""
    assert decode(jpeg(large.convert("CMYK")), shortest=100).size == (1003, 1501)
    assert decode(jpeg(large, icc_profile=profile_of_gamma_one()), shortest=100).size == (1003, 1501)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for harmless in (srgb, b"no profile at all"):
        assert decode(jpeg(large, icc_profile=harmless), shortest=100).size == (126, 188)


@pytest.mark.parametrize("orientation", TURNED_BACK)
def test_size_and_box_are_those_of_the_upright_picture(large: Image.Image, orientation: int) -> None:
    """Half of 1,003 x 1,501 has half a pixel too much, at the right and below as the camera held it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    operation = TURNED_BACK[orientation]
    taken = large if operation is None else large.transpose(operation)
    opened = open_picture(jpeg(taken, exif=exif), shortest=300)
    assert (opened.size, opened.picture.size) == ((1003, 1501), (502, 751))
    left, top = 0.5 * (orientation in (2, 3, 6, 7)), 0.5 * (orientation in (3, 4, 7, 8))
    assert opened.box == (left, top, left + 501.5, top + 750.5)
    at_its_place = opened.picture.resize((100, 150), Image.Resampling.BICUBIC, box=opened.box)
    assert apart(at_its_place, large.resize((100, 150), Image.Resampling.BICUBIC)) < 1


@pytest.mark.parametrize("orientation", [1, 6])
def test_size_of_a_turned_tiff_is_the_upright_one_s(hopper: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    taken = hopper if orientation == 1 else hopper.transpose(Image.Transpose.ROTATE_90)
    opened = open_picture(saved(taken, "TIFF", exif=exif), shortest=16)
    assert (opened.size, apart(opened.picture, hopper)) == ((96, 128), 0)


def test_fineness_is_of_the_picture_and_hardly_of_its_quality(large: Image.Image) -> None:
    noisy = Image.effect_noise(large.size, 80)
    fine = [open_picture(saved(noisy, "JPEG", quality=quality)).fineness for quality in (40, 60, 80, 90)]
    plain = [open_picture(saved(large, "JPEG", quality=quality)).fineness for quality in (40, 60, 80, 90)]
    for of_one in (fine, plain):
        assert max(of_one) < 2 * min(of_one)  # the files' sizes are 1 to 4
    assert min(fine) > 4 * max(plain)


def test_too_little_memory_is_said_to_be_that(hopper: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    def load(self: object) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", load)
    with pytest.raises(PictureError, match="needs more memory than there is"):
        decode(saved(hopper, "PNG"))

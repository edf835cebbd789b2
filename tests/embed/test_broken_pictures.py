"""The corpus of broken files, made here: whatever is wrong with one, it is set aside with its reason and nothing else changes.

All of it goes through the job's own worker processes, with good pictures in between.
"""

import io
import os
import re
import struct
import tempfile
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from embed.decoders import Decoded, Decoders
from embed.errors import PictureError
from embed.pictures import decode
from embed.preprocessing import preprocessing_of
from embed.shrinking import pixels_of

HOPPER = Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg"
PREPROCESSING = preprocessing_of({"size": 32})
SECONDS = 60.0

CUT_OFF = r"is damaged or cut off|or its header is broken"
NO_PICTURE = r"is none of JPEG, PNG, WEBP, GIF, BMP, TIFF, AVIF, or its header is broken; export it again"


def photograph(size: tuple[int, int] = (96, 128)) -> Image.Image:
    with Image.open(HOPPER) as picture:
        return picture.convert("RGB").resize(size)


def saved(picture: Image.Image, format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


SAVED_AS: dict[str, tuple[str, dict[str, Any]]] = {
    "jpeg": ("JPEG", {}),
    "jpeg, progressive": ("JPEG", {"progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {}),
    "webp, lossless": ("WEBP", {"lossless": True}),
    "gif": ("GIF", {}),
    "bmp": ("BMP", {}),
    "tiff": ("TIFF", {}),
    "tiff, lzw": ("TIFF", {"compression": "tiff_lzw"}),
    "tiff, deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
    "avif": ("AVIF", {}),
}
JPEGS = [kind for kind in SAVED_AS if kind.startswith("jpeg")]


@pytest.fixture
def outcomes(tmp_path: Path) -> Callable[[dict[str, bytes | None]], dict[str, Decoded]]:
    """outcomes({name: bytes of the file, or None where it is made already}) -> what became of each.

    A good picture stands before and after every one of them, and must be as good as ever.
    """
    folder = tmp_path / "pictures"
    folder.mkdir()

    def run(files: dict[str, bytes | None]) -> dict[str, Decoded]:
        good = saved(photograph(), "PNG")
        (folder / "good.png").write_bytes(good)
        for name, data in files.items():
            if data is not None:
                (folder / name).write_bytes(data)
        paths = ["good.png", *(path for name in files for path in (name, "good.png"))]
        with Decoders(str(folder), PREPROCESSING, workers=2, seconds=SECONDS) as decoders:
            found = list(decoders.decode(paths))
        expected = pixels_of(good, PREPROCESSING)[0]
        assert len(found) == len(paths)
        assert all(one.pixels is not None and np.array_equal(one.pixels, expected) for one in found[::2])
        return dict(zip(files, found[1::2], strict=True))

    return run


def assert_reasons(found: dict[str, Decoded], expected: dict[str, str]) -> None:
    assert found.keys() == expected.keys()
    for name, one in found.items():
        assert re.search(expected[name], one.reason), f"{name}: {one.reason!r} is not {expected[name]!r}"
        assert (one.pixels, one.width, one.height) == (None, 0, 0)


SMALL_SIZE, LARGE = (96, 128), (500, 400)  # the larger is decoded smaller where it is a JPEG


@pytest.mark.parametrize(("kind", "size"), [*((kind, SMALL_SIZE) for kind in SAVED_AS), *((kind, LARGE) for kind in JPEGS)])
def test_a_file_cut_off_anywhere_is_never_half_a_picture(
    outcomes: Callable[..., Any], kind: str, size: tuple[int, int]
) -> None:
    format, options = SAVED_AS[kind]
    data = saved(photograph(size), format, **options)
    cuts = {f"{percent:02}": data[: len(data) * percent // 100] for percent in range(5, 100, 5)}
    found = outcomes({**cuts, "whole": data})
    whole = found.pop("whole")
    assert whole.pixels is not None
    for name, one in found.items():
        if one.pixels is not None:
            assert np.array_equal(one.pixels, whole.pixels), f"half a picture at {name} %"
    refused = [name for name, one in found.items() if one.pixels is None]
    assert_reasons({name: found[name] for name in refused}, dict.fromkeys(refused, CUT_OFF))
    assert len(refused) >= 18  # a TIFF's tags may stand at its end, where 95 % of it are all pixels


@pytest.mark.parametrize(
    ("format", "options", "size"),
    [
        ("JPEG", {}, LARGE),
        ("JPEG", {"progressive": True}, LARGE),
        ("PNG", {}, LARGE),
        ("PNG", {"compress_level": 1}, SMALL_SIZE),
    ],
)
def test_a_file_cut_off_and_filled_with_zeros_is_refused(
    outcomes: Callable[..., Any], format: str, options: dict[str, Any], size: tuple[int, int]
) -> None:
    """As a download looks that was interrupted after its room was taken on the disk."""
    data = saved(photograph(size), format, **options)
    kept = {f"{percent:02}": len(data) * percent // 100 for percent in (*range(5, 100, 5), 99)}
    cuts = {name: data[:length] + bytes(len(data) - length) for name, length in kept.items()}
    assert_reasons(outcomes(cuts), dict.fromkeys(cuts, CUT_OFF))


def test_one_wrong_bit_in_a_png_is_found_by_its_checksums(outcomes: Callable[..., Any]) -> None:
    """The other formats have none."""
    data = saved(photograph(), "PNG")
    flipped = {
        f"{place}.png": data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :] for place in range(60, len(data), 1500)
    }
    assert_reasons(outcomes(flipped), dict.fromkeys(flipped, CUT_OFF))


def test_the_content_decides_and_not_the_name(outcomes: Callable[..., Any]) -> None:
    picture = photograph()
    found = outcomes(
        {
            "a.png": saved(picture, "JPEG"),
            "b.jpg": saved(picture, "PNG"),
            "c": saved(picture, "GIF"),
            "d.txt": saved(picture, "BMP"),
        }
    )
    for one in found.values():
        assert (one.reason, one.width, one.height) == ("", 96, 128)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey PNG of that size with these rows, each after its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")


def resized_header(data: bytes, width: int, height: int) -> bytes:
    """A baseline JPEG that claims another size."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def test_what_would_fill_the_memory_is_refused_by_its_header(outcomes: Callable[..., Any]) -> None:
    rows = bytes(30_001 * 3_000)
    jpeg = saved(photograph(), "JPEG")
    files = {
        "bomb.png": png(30_000, 3_000, rows),  # 90 MB of pixels in 90 KB
        "larger bomb.png": png(30_000, 30_000, rows),
        "60,000 wide.png": png(60_000, 3_000, b""),
        "60,000 x 60,000.png": png(60_000, 60_000, b""),
        "60,000 high.jpg": resized_header(jpeg, 3_000, 60_000),
        "60,000 wide strip.jpg": resized_header(jpeg, 60_000, 100),
        "60,000 high strip.png": png(20, 60_000, b""),
    }
    found = outcomes(files)
    assert len(files["bomb.png"]) < 2**17
    for name in ("60,000 wide strip.jpg", "60,000 high strip.png"):
        assert_reasons({name: found.pop(name)}, {name: r"is a strip; one side may be at most 20 times the other"})
    assert_reasons(found, dict.fromkeys(found, r"is over 89,478,485 pixels; export it smaller"))


def test_what_is_too_small_to_be_artwork_is_refused(outcomes: Callable[..., Any]) -> None:
    files = {
        f"1x1.{format}": saved(Image.new("RGB", (1, 1)), format) for format in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
    }
    found = outcomes({**files, "empty.jpg": b"", "zeros.jpg": bytes(10_000), "one byte.png": b"\x89"})
    assert_reasons(
        {name: found.pop(name) for name in files}, dict.fromkeys(files, "1 x 1 is no thumbnail; both sides must be at least 16")
    )
    assert_reasons(
        found, {"empty.jpg": "the file is empty; copy it again", "zeros.jpg": NO_PICTURE, "one byte.png": NO_PICTURE}
    )


FITS = b"".join(
    line.ljust(80)
    for line in (
        b"SIMPLE  =                    T",
        b"BITPIX  =                    8",
        b"NAXIS   =                    2",
        b"NAXIS1  =                   64",
        b"NAXIS2  =                   64",
        b"END",
    )
).ljust(2880) + bytes(5760)
PSD = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 64, 64, 8, 3) + struct.pack(">IIIH", 0, 0, 0, 0) + bytes(64 * 64 * 3)
SVG = (
    b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><rect width="64" height="64"/></svg>'
)
POSING = {
    "svg.jpg": SVG,
    "svg.svg": SVG,
    "pdf.jpg": b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n",
    "html.jpg": b"<!DOCTYPE html><html><body><h1>404 Not Found</h1></body></html>",
    "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\nshowpage\n",
    "psd.jpg": PSD,
    "psd.psd": PSD,
    "fits.jpg": FITS,
    "fits.fits": FITS,
    "rubbish.png": bytes(range(256)) * 8,
    "zip.webp": b"PK\x03\x04" + bytes(500),
}


def test_only_the_listed_formats_are_opened(outcomes: Callable[..., Any]) -> None:
    for data in (PSD, FITS):
        with Image.open(io.BytesIO(data)) as picture:  # that Pillow would open them is why they are not asked for
            assert picture.size == (64, 64)
    others = {
        f"photograph.{format.lower()}": saved(photograph(), format) for format in ("PPM", "TGA", "ICO", "JPEG2000", "PCX")
    }
    files = {**POSING, **others}
    assert_reasons(outcomes(files), dict.fromkeys(files, NO_PICTURE))


def ycck(picture: Image.Image) -> bytes:
    """A four-ink JPEG as Photoshop writes it: the first three as brightness and colour, all inverted, which its Adobe tag says."""
    cyan, magenta, yellow, black = picture.split()
    inverted = [
        band.point(lambda sample: 255 - sample) for band in Image.merge("RGB", (cyan, magenta, yellow)).convert("YCbCr").split()
    ]
    data = saved(Image.merge("CMYK", (*inverted, black)), "JPEG", quality=95, subsampling=0)
    place = data.index(b"Adobe") + 11
    assert data[place] == 0
    return data[:place] + b"\x02" + data[place + 1 :]


def test_odd_but_good_pictures_are_read_as_they_are_meant(outcomes: Callable[..., Any]) -> None:
    picture = photograph()
    cmyk = picture.convert("CMYK")
    frames = [picture, Image.new("RGB", picture.size, "red"), Image.new("RGB", picture.size, "blue")]
    grey = np.asarray(picture.convert("L"))
    found = outcomes(
        {
            "cmyk.jpg": saved(cmyk, "JPEG", quality=95),
            "ycck.jpg": ycck(cmyk),
            "animated.gif": saved(frames[0], "GIF", save_all=True, append_images=frames[1:]),
            "animated.webp": saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
            "16 bit.png": saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
            "16 bit.tiff": saved(Image.fromarray(grey.astype(np.uint16) * 257), "TIFF"),
        }
    )
    colours = PREPROCESSING.resize(picture).astype(int)
    shades = PREPROCESSING.resize(picture.convert("L")).astype(int)
    for name, one in found.items():
        assert (one.reason, one.width, one.height) == ("", 96, 128), name
        apart = np.abs(one.pixels - (shades if name.startswith("16") else colours)).mean()
        assert apart < (12 if name == "animated.gif" else 0.1 if name.startswith("16") else 3), name


def test_samples_without_a_known_white_are_refused(outcomes: Callable[..., Any]) -> None:
    files = {
        "float.tiff": saved(Image.fromarray(np.full((64, 64), 0.5, np.float32)), "TIFF"),
        "32 bit.tiff": saved(Image.fromarray(np.full((64, 64), 70_000, np.int32)), "TIFF"),
    }
    assert_reasons(outcomes(files), dict.fromkeys(files, "holds samples whose white nobody knows"))


def test_places_that_hold_no_file_are_named(outcomes: Callable[..., Any], tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    (tmp_path / "secret.png").write_bytes(saved(photograph(), "PNG"))
    (folder / "loop.png").symlink_to("loop back.png")
    (folder / "loop back.png").symlink_to("loop.png")
    (folder / "out.png").symlink_to("../secret.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    expected = {
        "loop.png": "cannot be read: Too many levels of symbolic links",
        "out.png": "leaves the folder of the pictures; put the file below it",
        "../secret.png": "leaves the folder of the pictures; put the file below it",
        "/etc/passwd": "leaves the folder of the pictures; put the file below it",
        "folder.png": "no such file; put the picture there or take the artwork out of the catalog",
        "pipe.png": "no such file",
        "none.png": "no such file",
        "caf\\udce9.png": "its name is no UTF-8; rename the file and correct the catalog",
        "\ud800.png": "no file can have such a name; correct the path in the catalog",
        "x" * 300: "cannot be read: File name too long",
    }
    found = outcomes(dict.fromkeys(expected))
    assert_reasons(found, expected)
    assert all(one.sha256 is None for one in found.values())


def test_a_name_that_is_no_utf_8_is_read_where_the_catalog_can_spell_it(outcomes: Callable[..., Any]) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    assert outcomes({name: saved(photograph(), "PNG")})[name].reason == ""


DROPS_ITS_RIGHTS = """
import os
from PIL import Image
plain = Image.open

def open_(file, *arguments, **options):
    Image.init()  # while it may read Pillow's own files
    if os.geteuid() == 0:
        os.seteuid(65534)
    return plain(file, *arguments, **options)

Image.open = open_
"""


def test_no_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read all, so that a worker of root's becomes nobody with its first picture."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        Path(folder, "site").mkdir()
        Path(folder, "site", "sitecustomize.py").write_text(DROPS_ITS_RIGHTS)
        monkeypatch.setenv("PYTHONPATH", f"{folder}/site")
        for name, mode in (("first.png", 0o644), ("closed.png", 0), ("last.png", 0o644)):
            Path(folder, name).write_bytes(saved(photograph(), "PNG"))
            Path(folder, name).chmod(mode)
        with Decoders(folder, PREPROCESSING, workers=1, seconds=SECONDS) as decoders:
            found = list(decoders.decode(["first.png", "closed.png", "last.png"]))
    assert [one.reason for one in found] == ["", "cannot be read: Permission denied", ""]


@pytest.fixture
def unsteady(tmp_path: Path) -> Iterator[Path]:
    """A large picture that is cut short and written again, over and over. Not faster than a file system's clock ticks."""
    path, data = tmp_path / "unsteady.bmp", saved(photograph((700, 700)), "BMP")
    path.write_bytes(data)
    over = threading.Event()

    def change() -> None:
        while not over.wait(0.02):
            with path.open("r+b") as file:
                file.truncate(len(data) // 3)
                time.sleep(0.002)
                file.write(data)

    thread = threading.Thread(target=change)
    thread.start()
    yield path
    over.set()
    thread.join()


def test_a_file_that_shrinks_while_it_is_read_is_whole_or_refused(unsteady: Path) -> None:
    expected = PREPROCESSING.resize(photograph((700, 700)))
    with Decoders(str(unsteady.parent), PREPROCESSING, workers=2, seconds=SECONDS) as decoders:
        found = list(decoders.decode([unsteady.name] * 300))
    for one in found:
        whole = one.pixels is not None and np.array_equal(one.pixels, expected)
        assert whole or one.reason.startswith(("is damaged or cut off", "changed while it was read")), one
    assert any(one.reason for one in found)
    assert any(not one.reason for one in found)


SMALL = [saved(photograph((24, 16)), *[format], **options) for format, options in SAVED_AS.values()]
SMALL += [
    ycck(photograph((16, 16)).convert("CMYK")),
    saved(photograph((20, 20)), "GIF", save_all=True, append_images=[photograph((20, 20))]),
]

EDITS = st.lists(
    st.tuples(st.sampled_from(["flip", "cut", "insert", "repeat"]), st.floats(0, 1), st.binary(min_size=1, max_size=8)),
    min_size=1,
    max_size=6,
)


def edited(data: bytes, edits: list[tuple[str, float, bytes]]) -> bytes:
    for what, where, new in edits:
        place = int(where * len(data))
        if what == "flip":
            data = data[:place] + new + data[place + len(new) :]
        elif what == "insert":
            data = data[:place] + new + data[place:]
        elif what == "repeat":
            data = data[:place] + data[place // 2 :]
        else:
            data = data[: max(place, 1)]
    return data


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(SMALL), EDITS)
def test_whatever_stands_in_a_file_decoding_gives_a_picture_or_a_reason(
    data: bytes, edits: list[tuple[str, float, bytes]]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in the workers
        try:
            picture = decode(edited(data, edits), shortest=8)
        except PictureError:
            return
    assert (picture.mode, min(picture.size) >= 8) == ("RGB", True)

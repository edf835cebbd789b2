"""A picture file's bytes to an upright sRGB picture, or a reason why not. Pillow decodes, and only the listed formats."""

import io
from pathlib import Path

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from embed.errors import PictureError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # JPEG opens MPO, too
MAX_PIXELS = 89_478_485  # Pillow's own bomb limit: a quarter of a gibibyte of RGB
MIN_SIDE = 16  # smaller ones are tracking pixels and spacers, not artwork
MAX_ASPECT = 20  # longer strips would be blown up past all memory when their short side is brought to the tower's size
MAX_BYTES = 200 * 2**20
BACKDROP = (255, 255, 255)  # what shows through where a picture is transparent, as on a browser's empty page


def read_bytes(path: Path) -> bytes:
    """The file's bytes; raises PictureError where it is missing, no file, not permitted, empty or over MAX_BYTES."""
    try:
        if not path.is_file():
            raise PictureError("no such file; put the picture there or take the artwork out of the catalog")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise PictureError(f"{size / 2**20:.0f} MiB is no thumbnail; the limit is {MAX_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise PictureError(f"cannot be read: {error.strerror}") from error
    if not data:
        raise PictureError("the file is empty; copy it again")
    return data


def decode(data: bytes) -> Image.Image:
    """The picture in `data`: RGB, sRGB, upright, the first frame of an animated one, on white where it is transparent.

    Raises PictureError with a reason that a person can act on.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            picture.verify()  # a PNG's checksums: without them one padded with zeros would pass; other formats have none
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            picture.load()
            return _to_srgb(ImageOps.exif_transpose(picture))
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"is none of {', '.join(FORMATS)}, or its header is broken; export it again") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"is over {MAX_PIXELS:,} pixels; export it smaller") from error
    except Exception as error:  # decoders raise what they like on damaged files: OSError, SyntaxError, struct.error, ...
        raise PictureError(f"is damaged or cut off ({error}); copy or export it again") from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"{width} x {height} is over {MAX_PIXELS:,} pixels; export it smaller")
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"{width} x {height} is no thumbnail; both sides must be at least {MIN_SIDE} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(f"{width} x {height} is a strip; one side may be at most {MAX_ASPECT} times the other")


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I;16"):
        picture = _from_16_bit(picture)
    elif picture.mode in ("F", "I"):  # floating point, 32 bits or signed
        raise PictureError("holds samples whose white nobody knows; export it with 8 or 16 bits, unsigned")
    if picture.has_transparency_data:
        above = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (*BACKDROP, 255)), above)
    if picture.mode in ("P", "RGBA"):
        picture = picture.convert("RGB")
    return _convert_profile(picture, profile)


def _from_16_bit(picture: Image.Image) -> Image.Image:
    """Pillow's own convert() clips 16-bit greys at 255 and so turns nearly all of them white."""
    import numpy as np

    samples = np.asarray(picture).astype(np.uint32)
    return Image.fromarray((samples / 257).round().astype(np.uint8))


def _convert_profile(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Through the embedded ICC profile to sRGB where there is one that works (CMYK prints need it), else plainly."""
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile is common and says nothing against the pixels
    return picture.convert("RGB")

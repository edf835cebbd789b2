"""A picture file's bytes to an upright sRGB picture, or a reason why not. Pillow decodes, and only the listed formats."""

import io
import math
from dataclasses import dataclass

from PIL import ExifTags, Image, ImageCms, ImageOps, UnidentifiedImageError

from embed.errors import PictureError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")  # JPEG opens MPO, too
MAX_PIXELS = 89_478_485  # Pillow's own bomb limit: a quarter of a gibibyte of RGB
MIN_SIDE = 16  # smaller ones are tracking pixels and spacers, not artwork
MAX_ASPECT = 20  # longer strips would be blown up past all memory when their short side is brought to the tower's size
BACKDROP = (255, 255, 255)  # what shows through where a picture is transparent, as on a browser's empty page

Box = tuple[float, float, float, float]  # left, top, right, bottom, in pixels


@dataclass(frozen=True)
class Opened:
    """A decoded picture, which may be smaller than its file's."""

    picture: Image.Image  # RGB, sRGB, upright
    size: tuple[int, int]  # (width, height) of the file's, upright
    box: Box  # where the whole lies in `picture`: a smaller one has a fraction of a pixel more at one side of each axis
    fineness: float  # bits that the file spends on a pixel, made comparable between qualities; 0 where it is no JPEG

    @property
    def is_shrunk(self) -> bool:
        """Whether it was decoded smaller than it is."""
        return self.picture.size != self.size


def decode(data: bytes, *, shortest: int | None = None) -> Image.Image:
    """The picture in `data`: RGB, sRGB, upright, the first frame of an animated one, on white where it is transparent.

    With `shortest`, a JPEG may come out at a half, a quarter or an eighth of its size, its short side never below `shortest`.
    Raises PictureError with a reason that a person can act on.
    """
    return open_picture(data, shortest=shortest).picture


def open_picture(data: bytes, *, shortest: int | None = None) -> Opened:
    """`decode`, with what is known of the file's own picture beside it."""
    try:
        _verify_checksums(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            _check_size(*picture.size)
            fineness = _fineness(picture, len(data))
            full, shrunk = picture.size, _shrink(picture, shortest)
            picture.load()
            upright = _to_srgb(ImageOps.exif_transpose(picture))
            size, box = _turned(full, shrunk, picture) if shrunk else (upright.size, (0.0, 0.0, *upright.size))
            return Opened(upright, size, box, fineness)
    except PictureError:
        raise
    except UnidentifiedImageError as error:
        raise PictureError(f"is none of {', '.join(FORMATS)}, or its header is broken; export it again") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(f"is over {MAX_PIXELS:,} pixels; export it smaller") from error
    except MemoryError as error:
        raise PictureError("needs more memory than there is; export it smaller or run with fewer workers") from error
    except Exception as error:  # decoders raise what they like on damaged files: OSError, SyntaxError, struct.error, ...
        raise PictureError(f"is damaged or cut off ({error}); copy or export it again") from error


def _verify_checksums(data: bytes) -> None:
    """A PNG's: without them one padded with zeros would pass. The other formats have none."""
    if data.startswith(b"\x89PNG"):
        with Image.open(io.BytesIO(data), formats=("PNG",)) as picture:
            _check_size(*picture.size)
            picture.verify()


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(f"{width} x {height} is over {MAX_PIXELS:,} pixels; export it smaller")
    if min(width, height) < MIN_SIDE:
        raise PictureError(f"{width} x {height} is no thumbnail; both sides must be at least {MIN_SIDE} pixels")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise PictureError(f"{width} x {height} is a strip; one side may be at most {MAX_ASPECT} times the other")


def _fineness(picture: Image.Image, size: int) -> float:
    """Bits per pixel, times the root of the mean quantiser: of one picture nearly the same at any quality."""
    tables = getattr(picture, "quantization", None)
    if not tables:
        return 0.0
    quantisers = tables[min(tables)]  # brightness
    return size * 8 / (picture.width * picture.height) * math.sqrt(sum(quantisers) / len(quantisers))


def _shrink(picture: Image.Image, shortest: int | None) -> Box | None:
    """Have a JPEG decoded smaller, and where the whole will then lie; None where it is decoded as it is.

    Not where colours are converted (four inks, another profile than sRGB): the mean of converted colours is another one.
    """
    plain = picture.format in ("JPEG", "MPO") and picture.mode in ("RGB", "L") and not _profile(picture)
    full = picture.size
    if not shortest or not plain or not (drafted := picture.draft(None, (shortest, shortest))):
        return None
    return drafted[1] if picture.size != full else None


def _turned(full: tuple[int, int], box: Box, picture: Image.Image) -> tuple[tuple[int, int], Box]:
    """Size and box once the picture stands upright. The fraction of a pixel, right and below, goes where its side goes."""
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    (width, height), right, bottom = picture.size, box[2], box[3]
    if orientation in (5, 6, 7, 8):
        full, width, height, right, bottom = full[::-1], height, width, bottom, right
    left = width - right if orientation in (2, 3, 6, 7) else 0.0
    top = height - bottom if orientation in (3, 4, 7, 8) else 0.0
    return full, (left, top, left + right, top + bottom)


def _to_srgb(picture: Image.Image) -> Image.Image:
    profile = _profile(picture)
    if picture.mode.startswith("I;16"):
        picture = _from_16_bit(picture)
    elif picture.mode in ("F", "I"):  # floating point, 32 bits or signed
        raise PictureError("holds samples whose white nobody knows; export it with 8 or 16 bits, unsigned")
    if picture.has_transparency_data:
        above = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", picture.size, (*BACKDROP, 255)), above)
    if picture.mode in ("P", "RGBA"):
        picture = picture.convert("RGB")
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        picture = _convert_profile(picture, profile)
    return picture if picture.mode == "RGB" else picture.convert("RGB")


def _from_16_bit(picture: Image.Image) -> Image.Image:
    """Pillow's own convert() clips 16-bit greys at 255 and so turns nearly all of them white."""
    import numpy as np

    samples = np.asarray(picture).astype(np.uint32)
    return Image.fromarray((samples / 257).round().astype(np.uint8))


def _profile(picture: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded ICC profile, but None where it is sRGB or broken, which is common and says nothing against the pixels."""
    try:
        if not (data := picture.info.get("icc_profile")):
            return None
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        return None if "sRGB" in ImageCms.getProfileDescription(profile) else profile
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _convert_profile(picture: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    """To sRGB; CMYK prints need it. As it is where the profile is of another colour space than the picture."""
    try:
        return ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB") or picture
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture

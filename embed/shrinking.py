"""A picture file's bytes to the tower's pixels, by way of a smaller picture where that is as good: most of decoding is saved.

libjpeg decodes a JPEG at a half, a quarter or an eighth of its size by leaving out the high frequencies of each block. Resizing
the whole never leaves them out entirely, so that two things are asked before the smaller picture is taken for the whole.
`scripts/evaluate_shrink.py` measures what they are worth.
"""

import math

import numpy as np

from embed.pictures import Opened, open_picture
from embed.preprocessing import Preprocessing

# The short side that a smaller picture has at least, in short sides of what it is resized to. Below 2, photographs and posters
# lose up to 0.02 of their cosine; above, only what the next rule finds loses more than 0.004.
SHRINK_MARGIN = 2.0
# Hatching, screens and grain: resizing makes a moiré of them that some towers take for the picture, and of a smaller picture
# another one. They are known by the many bits that the file spends on what is not to be seen in the tower's pixels. How much
# is too much was found on 3,100 JPEGs. It is no proof: of 1,000 fresh hatched pictures 160 were shrunk, and one fell to 0.9945;
# of 1,000 fresh ones of all sorts 329 were, the lowest at 0.9976.
HIDDEN_DETAIL = 1.25


def pixels_of(data: bytes, preprocessing: Preprocessing, *, shrink: bool = True) -> tuple[np.ndarray, int, int]:
    """(height, width, 3) uint8 of the tower's size, and the width and height in pixels of the full picture, upright.

    Without `shrink`, the pixels are bit for bit those of open_clip's own preprocessing. Raises PictureError.
    """
    opened = open_picture(data, shortest=round(preprocessing.shortest * SHRINK_MARGIN) if shrink else None)
    if not shrink:
        return preprocessing.resize(opened.picture), *opened.size
    pixels = preprocessing.resize_kept(opened.picture, opened.size, opened.box)
    if opened.is_shrunk and _hidden_detail(opened, pixels) > HIDDEN_DETAIL:
        opened = open_picture(data)
        pixels = preprocessing.resize_kept(opened.picture, opened.size, opened.box)
    return pixels, *opened.size


def _hidden_detail(opened: Opened, pixels: np.ndarray) -> float:
    scale = opened.size[0] / opened.picture.width
    before, seen = _contrast(np.asarray(opened.picture.getchannel("G"))), _contrast(pixels[..., 1])
    return opened.fineness * math.sqrt(before * scale) / seen


def _contrast(samples: np.ndarray) -> float:
    """1 and the mean difference between neighbours, below and beside, on every fourth line."""
    rows, columns = samples[::4].astype(np.int16), samples[:, ::4].astype(np.int16)
    return float(1 + np.abs(np.diff(rows, axis=1)).mean() + np.abs(np.diff(columns, axis=0)).mean())

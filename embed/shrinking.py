"""A picture file's bytes to the tower's pixels, by way of a smaller picture where that is as good: most of decoding is saved.

libjpeg decodes a JPEG at a half, a quarter or an eighth of its size by leaving out the high frequencies of each block. Resizing
the whole never leaves them out entirely, so that two things are asked before the smaller picture is taken for the whole.
`scripts/evaluate_shrink.py` measures what they are worth.
"""

import numpy as np

from embed.pictures import Opened, open_picture
from embed.preprocessing import Preprocessing

# The short side that a smaller picture has at least, in short sides of what it is resized to. Below 2, photographs and posters
# lose up to 0.02 of their cosine; above, only moiré of hatching, screens and grain, which the next rule finds, loses more than 0.004.
SHRINK_MARGIN = 2.0
# Bits that the file spends on fine detail, over the contrast between neighbours in the small picture. It is high where what the
# file spends its bits on is no longer seen.
UNSEEN_DETAIL = 0.4


def pixels_of(data: bytes, preprocessing: Preprocessing, *, shrink: bool = True) -> tuple[np.ndarray, int, int]:
    """(height, width, 3) uint8 of the tower's size, and the width and height in pixels of the full picture, upright.

    Without `shrink`, the pixels are bit for bit those of open_clip's own preprocessing. Raises PictureError.
    """
    opened = open_picture(data, shortest=round(preprocessing.shortest * SHRINK_MARGIN) if shrink else None)
    if opened.is_shrunk:
        pixels = preprocessing.resize_shrunk(opened.picture, opened.size, opened.box)
        if not _hides_detail(opened, pixels):
            return pixels, *opened.size
        opened = open_picture(data)
    return preprocessing.resize(opened.picture), *opened.size


def _hides_detail(opened: Opened, pixels: np.ndarray) -> bool:
    green = pixels[..., 1].astype(np.int16)
    contrast = np.abs(np.diff(green, axis=0)).mean() + np.abs(np.diff(green, axis=1)).mean()
    return bool(opened.fineness > UNSEEN_DETAIL * (contrast + 1))

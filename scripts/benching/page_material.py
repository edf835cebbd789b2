"""Published stores with pictures on disk, for the page that is measured: drawn vectors and users, and small JPEGs that differ."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from artwork_doors.benching.catalogs import DRAWN, Catalog, write_vectors
from artwork_doors.benching.serving import Scale, make_store

if TYPE_CHECKING:
    from embed.store import Store

SIZE = (480, 270)  # pixels
DISTINCT = 2000  # files; beyond, one file has several names, while each artwork's picture is known by a sha256 of its own
USERS = 1000


def pictured_store(folder: Path, artworks: int) -> "Store":
    """A store whose snapshot is published, each artwork's picture in folder/catalog/pictures."""
    from embed.store import remember_pictures
    from index.publish import publish_snapshot

    vectors = write_vectors(folder / "vectors.npy", artworks)
    store = make_store(folder / "store", vectors, Scale(Catalog(DRAWN, artworks), USERS))
    publish_snapshot(store)
    _draw(folder / "catalog" / "pictures", artworks)
    return remember_pictures(store, str(folder / "catalog"))


def _draw(folder: Path, artworks: int) -> None:
    folder.mkdir(parents=True)
    names = [folder / f"{row:08d}.jpg" for row in range(artworks)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(_picture, range(min(DISTINCT, artworks)), names))
    for row in range(DISTINCT, artworks):
        os.link(names[row % DISTINCT], names[row])


def _picture(number: int, path: Path) -> None:
    """Soft light and a little grain, which takes a codec about as long as a photograph."""
    from PIL import Image

    rng = np.random.default_rng(number)
    light = Image.fromarray(rng.integers(0, 256, (5, 8, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = rng.normal(0, 6, (SIZE[1], SIZE[0], 1))
    pixels = np.clip(np.asarray(light) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, "JPEG", quality=85)

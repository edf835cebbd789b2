"""A map of all artwork by its vectors: laid out once for a snapshot, and kept in store/maps."""

import io
import os
from collections.abc import Iterator
from functools import partial

import numpy as np

from embed.records import fold
from match.page.background import Progress
from match.page.catalog import Catalog
from match.page.documents.blocks import BLOCK
from match.page.layout import METHOD, Layout, lay_out
from match.page.layout_process import lay_out_apart
from match.page.once import Once, made_once
from match.page.parameters import Parameters
from match.page.site import Document, Site

MOST = 200_000  # artworks on a map; of more, as many that lie evenly in the catalog
FEW = 2000  # artworks that are laid out sooner than a process starts
FINE = 65535  # an axis is as many steps long
NEVER = -1  # the rate of what was never shown
GENRES = 9  # that have a colour of their own; the others share one
ARRAYS = ("vectors.npy", "changes.npy", "first_rows.npy", "first_vectors.npy")  # what a layout depends on


def answer(site: Site, parameters: Parameters) -> Document:
    """No parameters. {"state": "working", done, total} until it is laid out, then

    x, y: whole numbers from 0 to FINE; rates: of quality plays, in 1/10,000, NEVER where it was not shown; numbers: by which the
    artwork is asked for (see artworks), null where they count from 0; titles: with how many of the points, one after the other.
    """
    catalog, numbers = site.catalog, _numbers(site.catalog)
    made = _laid_out(site, catalog.rows[numbers])
    if not isinstance(made, Layout):
        return {"state": "working", "done": made[0], "total": made[1]}
    points = (made.points.clip(0, 1) * FINE).round().astype(np.int64)
    return {
        "state": "there",
        "x": points[:, 0].tolist(),
        "y": points[:, 1].tolist(),
        "rates": _rates(site, catalog.rows[numbers]),
        "numbers": None if len(numbers) == len(catalog.rows) else numbers.tolist(),
        "total": len(catalog.rows),
        "kept": made.kept,
        "block": BLOCK,
        **_titles(site, catalog.titles[numbers]),
    }


def _numbers(catalog: Catalog) -> np.ndarray:
    """(n,) int64: of the artwork on the map, among all."""
    total = len(catalog.rows)
    return np.arange(total) if total <= MOST else np.linspace(0, total - 1, MOST).round().astype(np.int64)


def _laid_out(site: Site, rows: np.ndarray) -> Layout | tuple[int, int]:
    def make(progress: Progress) -> Layout:
        take = partial(site.matcher.snapshot.index.vectors_of, rows)
        if not site.is_live or len(rows) < FEW:
            return lay_out(take(), progress)
        return lay_out_apart(take, progress, max(1, (os.cpu_count() or 1) - 1))  # a core is for who answers meanwhile

    def unpack(data: bytes) -> Layout:
        held = np.load(io.BytesIO(data))
        if held["points"].shape != (len(rows), 2) or not np.isfinite(held["points"]).all():
            raise ValueError("no map of these")
        return Layout(held["points"], float(held["kept"]))

    return made_once(site, Once("maps", ".npz", ARRAYS, (METHOD, rows.tobytes().hex()), make, _packed, unpack))


def _packed(made: Layout) -> bytes:
    data = io.BytesIO()
    np.savez(data, points=made.points, kept=made.kept)
    return data.getvalue()


def _rates(site: Site, rows: np.ndarray) -> list[int]:
    priors = site.matcher.catalog_priors.everyones
    rates = np.where(priors.impressions[rows] > 0, (priors.mean[rows] * 10_000).round(), NEVER)
    told: list[int] = rates.astype(np.int64).tolist()
    return told


def _titles(site: Site, titles: np.ndarray) -> Document:
    """titles: (n,) of the points, those of a title side by side."""
    begins = np.flatnonzero(np.diff(titles, prepend=-1))
    counts = np.diff(begins, append=len(titles))
    table = site.matcher.snapshot.titles.take(titles[begins])
    firsts = [genres[0] if genres else "" for genres in table["genres"].to_pylist()]
    shown, known = _genres(firsts, counts)
    told = zip(table["title_id"].to_pylist(), table["name"].to_pylist(), counts.tolist(), firsts, strict=True)
    return {
        "genres": shown,
        "titles": [
            {"id": title_id, "name": name, "points": points, "genre": known.get(fold(genre))}
            for title_id, name, points, genre in told
        ],
    }


def _genres(firsts: list[str], counts: np.ndarray) -> tuple[list[str], dict[str, int]]:
    """The first genres that most points have, and the number of each by its folded name."""
    points: dict[str, int] = {}
    names: dict[str, str] = {}
    for genre, count in zip(firsts, counts.tolist(), strict=True):
        if folded := fold(genre):
            points[folded] = points.get(folded, 0) + count
            names.setdefault(folded, genre)
    most = sorted(points, key=lambda genre: (-points[genre], genre))[:GENRES]
    return [names[genre] for genre in most], {genre: number for number, genre in enumerate(most)}


def written(site: Site) -> Iterator[Parameters]:
    """The only one."""
    yield Parameters()

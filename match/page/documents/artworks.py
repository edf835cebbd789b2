"""All artwork, a block at a time; `find`: that in whose title, caption, people or tags each of these words stands."""

from collections.abc import Iterator, Sequence
from typing import cast

import numpy as np

from embed.errors import QueryError
from match.page.documents.blocks import BLOCK, block, starts
from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """start, find; or at: numbers of artwork among all, divided by commas, as a map knows it."""
    catalog = site.catalog
    if "at" in parameters:
        return {"total": len(catalog.rows), "artworks": told_artworks(site, catalog.rows[_numbers(site, parameters)])}
    found = catalog.found(parameters.get("find", ""))
    there: np.ndarray = np.asarray(block(cast(Sequence[int], found), parameters), np.int64)
    return {"total": len(found), "artworks": told_artworks(site, catalog.rows[there])}


def told_artworks(site: Site, rows: np.ndarray) -> list[Document]:
    """What can be read of the artwork in these rows (n,) of the snapshot."""
    names = ("artwork_id", "title_id", "sha256", "path", "caption", "people", "tags")
    columns = [site.matcher.snapshot.take(name, rows).to_pylist() for name in names]
    return [
        {
            "id": artwork_id,
            "title": title_id,
            "name": site.names[title_id],
            "picture": sha256,
            "path": path,
            "caption": caption,
            "people": people,
            "tags": tags,
        }
        for artwork_id, title_id, sha256, path, caption, people, tags in zip(*columns, strict=True)
    ]


def _numbers(site: Site, parameters: Parameters) -> list[int]:
    """At most 2 * BLOCK. Raises QueryError where one is none of the catalog's."""
    texts = parameters.text("at").split(",")
    if len(texts) > 2 * BLOCK or not all(text.isdecimal() and int(text) < len(site.catalog.rows) for text in texts):
        raise QueryError(f"parameter 'at' takes at most {2 * BLOCK} numbers below {len(site.catalog.rows)}, divided by commas")
    return list(map(int, texts))


def written(site: Site) -> Iterator[Parameters]:
    """All blocks of all artwork."""
    return (Parameters(start=start) for start in starts(len(site.catalog.rows)))

"""The titles, a block at a time; `find`: those whose name or id has these letters."""

from collections.abc import Iterator, Sequence

from embed.records import fold
from match.page.documents.blocks import block, starts
from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """start, find."""
    titles = found(site, parameters)
    there = block(titles, parameters)
    return {"total": len(titles), "titles": [_told(site, title_id) for title_id in there]}


def found(site: Site, parameters: Parameters) -> Sequence[str]:
    """Those that `find` asks for; all where it is silent. app/blocks.js finds the same in a page in a file."""
    asked = fold(parameters.get("find", ""))
    if not asked:
        return site.title_ids
    return [title_id for title_id, letters in zip(site.title_ids, site.folded_titles, strict=True) if asked in letters]


def _told(site: Site, title_id: str) -> Document:
    number, first_rows = site.matcher.snapshot.title_numbers.get(title_id), site.matcher.snapshot.index.first_rows
    artworks = 0 if number is None else int(first_rows[number + 1] - first_rows[number])
    return {"id": title_id, "name": site.names.get(title_id, title_id), "artworks": artworks}


def written(site: Site) -> Iterator[Parameters]:
    """All blocks of all titles."""
    return (Parameters(start=start) for start in starts(len(site.title_ids)))

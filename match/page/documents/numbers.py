"""By which numbers the artwork is known in whose title, caption, people or tags each of the words of `find` stands."""

from collections.abc import Iterator

from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """find."""
    return {"numbers": site.catalog.found(parameters.text("find")).tolist()}


def written(site: Site) -> Iterator[Parameters]:
    """None: a page in a file has all artwork, and looks itself."""
    yield from ()

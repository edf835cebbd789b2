"""What the page is of at this moment, so that one that is open notices what was published since: small, and asked for often.

Every answer of a server carries it in its head, too (`HEADER`): two answers with the same are of one moment.
"""

import json
from collections.abc import Iterator

from match.page.parameters import Parameters
from match.page.site import Document, Site

HEADER = "X-Published"


def answer(site: Site, parameters: Parameters) -> Document:
    """No parameters. The snapshot by its name and time, the rest by the versions of its tables."""
    manifest = site.matcher.snapshot.manifest
    told = {"snapshot": manifest.name, "published_at": manifest.published_at}
    if (made := site.published) is None:
        return told
    return {**told, "users": _joined(made.users), "priors": _joined(made.priors), "weights": str(made.weights)}


def _joined(versions: tuple[int, ...]) -> str:
    return ".".join(map(str, versions))


def in_header(site: Site) -> dict[str, str]:
    """The same as a line of letters that any header may have."""
    return {HEADER: json.dumps(answer(site, Parameters()), separators=(",", ":"))}


def written(site: Site) -> Iterator[Parameters]:
    """None: a page in a file stays as it is."""
    yield from ()

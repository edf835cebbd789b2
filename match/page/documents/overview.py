"""What the page is of: the snapshot, its encoder, how much there is of everything, and what a unit of each part is worth."""

from collections.abc import Iterator
from dataclasses import asdict

from embed.store import open_store
from match.page.documents import rejected
from match.page.documents.blocks import BLOCK
from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """No parameters."""
    matcher, manifest = site.matcher, site.matcher.snapshot.manifest
    encoder = open_store(site.store.root, manifest.fingerprint).choice
    return {
        "snapshot": {"name": manifest.name, "published_at": manifest.published_at, "artworks": manifest.artworks},
        "encoder": {"name": str(encoder), "bundled": encoder.is_bundled, "fingerprint": manifest.fingerprint},
        "users": len(site.user_ids),
        "titles": len(site.title_ids),
        "lines": len(matcher.snapshot.lines),  # of copy
        "segments": matcher.catalog_priors.segments,
        "rejected": rejected.count(site),
        "weights": asdict(matcher.weights),
        "unseen": matcher.priors.unseen.mean,
        "live": site.is_live,
        "block": BLOCK,
    }


def written(site: Site) -> Iterator[Parameters]:
    """The only one."""
    yield Parameters()

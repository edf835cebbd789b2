"""Vectors to nearest artwork, by title and in the whole catalog, published as snapshots. Knows no CLIP and no clicks."""

from index.duplicates import near_duplicates
from index.everywhere import nearest
from index.manifest import Manifest
from index.publish import kept_snapshots, publish_snapshot, serve_snapshot
from index.snapshot import Snapshot, open_snapshot
from index.titles import TitleIndex, build_index

__all__ = [
    "Manifest",
    "Snapshot",
    "TitleIndex",
    "build_index",
    "kept_snapshots",
    "near_duplicates",
    "nearest",
    "open_snapshot",
    "publish_snapshot",
    "serve_snapshot",
]

"""Vectors to nearest artwork: FAISS with the title as inverted list, published as snapshots. Knows no CLIP and no clicks."""

from index.snapshot import Manifest, Snapshot, open_snapshot, publish_snapshot
from index.titles import TitleIndex, build_index

__all__ = ["Manifest", "Snapshot", "TitleIndex", "build_index", "open_snapshot", "publish_snapshot"]

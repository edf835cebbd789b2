"""What the project carries with it: `checkpoint/` (a small CLIP of its own) and `catalog/` (the demo's catalog).

Installed as the package `artwork_assets`, so that a wheel works without a model hub.
"""

from pathlib import Path

CHECKPOINT = Path(__file__).parent / "checkpoint"
CATALOG = Path(__file__).parent / "catalog"

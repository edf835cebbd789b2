"""Pixels and words to vectors: reads a catalog, runs CLIP over it, keeps the store. Knows nothing of FAISS or clicks."""

from embed.catalog import Catalog, Problem, read_catalog
from embed.encoder import Encoder, EncoderChoice, load_encoder
from embed.errors import ArtworkMatcherError
from embed.job import Event, JobReport, embed_artwork, switch_to
from embed.options import JobOptions
from embed.records import Phrase, Profile
from embed.store import Store, create_store, open_store
from embed.tastes.users import embed_users, profile_from_text

__all__ = [
    "ArtworkMatcherError",
    "Catalog",
    "Encoder",
    "EncoderChoice",
    "Event",
    "JobOptions",
    "JobReport",
    "Phrase",
    "Problem",
    "Profile",
    "Store",
    "create_store",
    "embed_artwork",
    "embed_users",
    "load_encoder",
    "open_store",
    "profile_from_text",
    "read_catalog",
    "switch_to",
]

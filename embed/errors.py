"""Every error this project raises, in one tree.

ArtworkMatcherError          all of ours; its text says what, where and the remedy
├── CatalogError             a catalog that is not there or cannot be read at all, or whose pictures' place cannot be reached;
│                            under --strict also its first bad row
├── PictureError             one picture that cannot be used; the job sets it aside with this text as its reason
├── EncoderError             a checkpoint that cannot be opened, or that gives unusable vectors
├── FingerprintError         vectors of two encoders would meet
├── ProfileError             an edited profile with a line that cannot be read, or a user who has no profile to edit
├── StoreError               a store folder that is not there, or not a store, or that lacks a table
├── SnapshotError            a snapshot that is not there, or is damaged, or is of a newer format
├── LogError                 impression or play logs that cannot be read
└── QueryError               a search for a person, tag, title or segment that nobody knows
"""


class ArtworkMatcherError(Exception):
    """The root of the tree: catch this to catch all that the project raises on purpose."""


class CatalogError(ArtworkMatcherError):
    """A catalog folder or table that cannot be used."""


class PictureError(ArtworkMatcherError):
    """A picture that cannot be used; `str(error)` is the reason that `rejected` keeps."""


class EncoderError(ArtworkMatcherError):
    """A checkpoint that cannot be opened, or a tower that gave vectors which are not finite."""


class FingerprintError(ArtworkMatcherError):
    """Vectors made by two different encoders were about to be compared."""


class ProfileError(ArtworkMatcherError):
    """A profile as text that cannot be taken back."""


class StoreError(ArtworkMatcherError):
    """A store folder or one of its tables that cannot be used."""


class SnapshotError(ArtworkMatcherError):
    """A published snapshot that cannot be opened."""


class LogError(ArtworkMatcherError):
    """Impression or play logs that cannot be aggregated."""


class QueryError(ArtworkMatcherError):
    """A search that asks for what the catalog or the logs do not have."""

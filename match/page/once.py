"""What follows from a snapshot's files alone and takes long: made once and kept, and in the background where the page is served."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar
from zipfile import BadZipFile

from match.page.background import Progress
from match.page.kept import keep, name_of, tidy
from match.page.site import Site

Made = TypeVar("Made")


@dataclass(frozen=True)
class Once(Generic[Made]):
    """How something is known, kept and made."""

    folder: str  # of the store
    suffix: str  # of its files
    files: Sequence[str]  # of the snapshot, from which it follows, ...
    parts: Sequence[object]  # ... with these: its method, and what was asked
    make: Callable[[Progress], Made]
    pack: Callable[[Made], bytes]
    unpack: Callable[
        [bytes], Made
    ]  # raises OSError, ValueError, KeyError or BadZipFile where they are damaged: then it is made anew


def made_once(site: Site, once: Once[Made]) -> Made | tuple[int, int]:
    """As it is kept, else made; (done, of how much) while it is being made in the background."""
    files = site.matcher.snapshot.manifest.files
    name = name_of([*once.parts, *(files[file]["checksum"] for file in once.files)])
    path = site.store.root / once.folder / f"{name}{once.suffix}"

    def made(progress: Progress) -> Made:
        with suppress(OSError, ValueError, KeyError, BadZipFile):
            return once.unpack(path.read_bytes())
        fresh = once.make(progress)
        keep(path, once.pack(fresh))
        tidy(path.parent)
        return fresh

    return site.background.ask((once.folder, name), made) if site.is_live else made(lambda done, total: None)

"""Vectors that are made once: of texts within a run, and of both kinds between runs where there is a folder to keep them in.

A file's name is a digest of the encoder's fingerprint and of what was encoded, so that nothing in it is ever out of date.
"""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields
from hashlib import sha256
from pathlib import Path

import numpy as np

from embed.encoder import Encoder
from embed.errors import PictureError
from embed.shrinking import pixels_of

CHUNK = 64  # pictures at a time: bounds memory
Progress = Callable[[int, int], None]  # (done, of how many)


@dataclass(frozen=True)
class Encodings(Encoder):
    """An Encoder that remembers: it goes wherever an Encoder goes. Make one with `remembering`."""

    cache: Path | None = None  # a folder, or None to keep nothing
    progress: Progress = lambda done, total: None
    known: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)  # text or file to vector (d,)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 unit vectors, as Encoder gives them."""
        if new := list(dict.fromkeys(text for text in texts if text not in self.known)):
            vectors = self._read(new)
            if vectors is None:
                vectors = Encoder.encode_texts(self, new)
                self._write(new, vectors)
            self.known.update(zip(new, vectors, strict=True))
        return self._together(texts)

    def encode_files(self, files: Sequence[Path]) -> np.ndarray:
        """(n, d) float32 unit vectors of picture files, decoded as the batch job decodes them.

        Raises PictureError where one cannot be read, OSError where it is not there.
        """
        new = [path for path in dict.fromkeys(files) if not self._remember(path)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for start in range(0, len(new), CHUNK):
                some = new[start : start + CHUNK]
                vectors = self.encode_pixels(np.stack(list(pool.map(self._pixels, some))))
                for path, vector in zip(some, vectors, strict=True):
                    self.known[str(path)] = vector
                    self._write([_stamp(path)], vector)
                self.progress(min(start + CHUNK, len(new)), len(new))
        return self._together([str(path) for path in files])

    def _together(self, names: Sequence[str]) -> np.ndarray:
        return np.array([self.known[name] for name in names], np.float32).reshape(-1, self.dimension)

    def _remember(self, path: Path) -> bool:
        """Whether the picture's vector is known, from this run or an earlier one."""
        if str(path) not in self.known and (vector := self._read([_stamp(path)])) is not None:
            self.known[str(path)] = vector
        return str(path) in self.known

    def _pixels(self, file: Path) -> np.ndarray:
        try:
            return pixels_of(file.read_bytes(), self.preprocessing)[0]
        except PictureError as error:
            raise PictureError(f"{file}: {error}") from error

    def _read(self, names: Sequence[str]) -> np.ndarray | None:
        place = self._place(names)
        return np.load(place) if place is not None and place.is_file() else None

    def _write(self, names: Sequence[str], vectors: np.ndarray) -> None:
        if (place := self._place(names)) is None:
            return
        place.parent.mkdir(parents=True, exist_ok=True)
        beside = place.with_suffix(f".{os.getpid()}.part")
        with beside.open("wb") as file:
            np.save(file, vectors)
        beside.replace(place)  # whole or not there at all

    def _place(self, names: Sequence[str]) -> Path | None:
        digest = sha256("\n".join([self.fingerprint, *names]).encode()).hexdigest()
        return self.cache / digest[:2] / f"{digest}.npy" if self.cache else None


def _stamp(path: Path) -> str:
    about = path.stat()
    return f"{path.name} {about.st_size} {about.st_mtime_ns}"


def remembering(encoder: Encoder, cache: Path | None, progress: Progress = lambda done, total: None) -> Encodings:
    """`encoder` with a memory."""
    return Encodings(**{part.name: getattr(encoder, part.name) for part in fields(Encoder)}, cache=cache, progress=progress)

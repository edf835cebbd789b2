"""The research data as plain records: photographs with captions, film posters, MovieLens' ratings, published recall.

None of it is the project's: whoever has it gives its folder.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embed.errors import ArtworkMatcherError


@dataclass(frozen=True)
class Photograph:
    """A picture and what people said of it."""

    file: Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Poster:
    """A film's poster, and what is known of the film."""

    file: Path
    film: str | None  # MovieLens' id
    name: str
    genres: tuple[str, ...]
    tags: tuple[str, ...]  # viewers' own words
    split: str  # train (the bundled checkpoint learned from it) or dev


@dataclass(frozen=True)
class Rating:
    """What one MovieLens user thought of one film."""

    user: str
    film: str
    stars: float  # 0.5..5
    time: int  # seconds since 1970, UTC


def read_photographs(data: Path) -> list[Photograph]:
    """`captions` of the data folder, in its order. Raises ArtworkMatcherError where it is not there."""
    folder = data / "captions"
    return [Photograph(folder / "images" / row["image"], tuple(row["captions"])) for row in _rows(folder / "captions.json")]


def read_posters(data: Path) -> list[Poster]:
    """`posters` of the data folder, in its order. Raises ArtworkMatcherError where it is not there."""
    folder = data / "posters"
    return [
        Poster(
            folder / "images" / row["image"],
            row["movielens_id"],
            row["title"] or row["image"],
            tuple(row["genres"]),
            tuple(row["tags"]),
            row["split"],
        )
        for row in _rows(folder / "index.json")
    ]


def read_ratings(data: Path) -> list[Rating]:
    """`movielens` of the data folder. Raises ArtworkMatcherError where it is not there."""
    return [
        Rating(row["userId"], row["movieId"], float(row["rating"]), int(row["timestamp"]))
        for row in _csv(data / "movielens" / "ratings.csv")
    ]


def published_recall(data: Path, model: str, pretrained: str | None) -> dict[str, float]:
    """CLIP_benchmark's recall@5 on Flickr8k by direction, as `retrieval` names them; empty for a checkpoint it does not have.

    Theirs is the test split, `captions` the validation split: of the same making, not the same pictures.
    """
    columns = {"text to image": "image_retrieval_recall@5", "image to text": "text_retrieval_recall@5"}
    for row in _csv(data / "refnumbers" / "clip_benchmark.csv") if pretrained else ():
        if (row["dataset"], row["model"], row["pretrained"]) == ("flickr8k", model.replace("/", "-"), pretrained):
            return {direction: float(row[column]) for direction, column in columns.items()}
    return {}


def _rows(path: Path) -> Any:
    return json.loads(_there(path).read_text(encoding="utf-8"))


def _csv(path: Path) -> Iterator[dict[str, str]]:
    with _there(path).open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _there(path: Path) -> Path:
    if not path.is_file():
        raise ArtworkMatcherError(f"no research data at {str(path)!r}; give the folder that has it with --data")
    return path

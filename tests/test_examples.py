"""The seed's three examples on real pictures: two genre tastes, two favourite people, many faces of one title.

On the catalog and the checkpoint that the project carries; and on open films and paintings, where that research data lies.
Nothing is hard-coded: swap the users and the choices swap.
"""

import dataclasses
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from artwork_assets import CATALOG, CHECKPOINT

OPEN_ART = Path(__file__).resolve().parents[2] / "shared/data/open_art"

PAINTINGS = "french-paintings"
PEOPLE = {"monet": "Claude Monet", "degas": "Edgar Degas"}
FACES = {"sea": "boats, the sea", "cows": "cows in a field", "women": "portraits of women", "fruit": "fruit, food"}

pytestmark = pytest.mark.skipif(not CHECKPOINT.is_dir(), reason="the bundled checkpoint is not there: train it first")

Tastes = Mapping[str, str]
Match = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def encoder() -> Any:
    from embed import load_encoder

    return load_encoder()


def _matching(folder: Path, root: Path, encoder: Any) -> Match:
    """match(title, [user, ...], tables) -> {user: the artwork's row}; `tables` replace those of the catalog in `folder`."""
    from embed import create_store, embed_artwork, embed_users, read_catalog
    from index import publish_snapshot
    from match import Matcher

    catalog = read_catalog(folder, strict=True)
    store = create_store(root / "store", encoder.choice, encoder.fingerprint, encoder.dimension)
    embed_artwork(catalog, store, encoder)
    publish_snapshot(store)
    rows = {row["artwork_id"]: row for row in catalog.artwork.to_pylist()}

    def match(title_id: str, users: list[str], **tables: pa.Table) -> dict[str, Any]:
        embed_users(dataclasses.replace(catalog, **tables), store, encoder)
        pages = Matcher.open(store).choose_many(users, [title_id])
        return {user: rows[page[0].artwork.artwork_id] for user, page in zip(users, pages, strict=True)}

    match.catalog = catalog  # type: ignore[attr-defined]
    return match


@pytest.fixture(scope="module")
def match(encoder: Any, tmp_path_factory: pytest.TempPathFactory) -> Match:
    return _matching(CATALOG, tmp_path_factory.mktemp("bundled"), encoder)


def _swapped(match: Match, a: str, b: str) -> dict[str, pa.Table]:
    """The catalog's history and tastes, with users `a` and `b` in each other's place."""
    names = {a: b, b: a}

    def swap(table: pa.Table) -> pa.Table:
        users = [names.get(user, user) for user in table["user_id"].to_pylist()]
        return table.set_column(table.schema.get_field_index("user_id"), table.schema.field("user_id"), pa.array(users))

    catalog = match.catalog  # type: ignore[attr-defined]
    return {"history": swap(catalog.history), "tastes": swap(catalog.tastes)}


def test_one_title_two_genre_tastes(match: Match) -> None:
    chosen = match("two-sugars", ["ada", "bo"])
    assert "couple" in chosen["ada"]["tags"]
    assert "comedian" in chosen["bo"]["tags"]


def test_one_title_two_favourite_people(match: Match) -> None:
    chosen = match("firsts", ["fay", "gus"])
    assert chosen["fay"]["people"] == ["Eileen Collins"]
    assert chosen["gus"]["people"] == ["Grace Hopper"]


def test_one_title_many_faces(match: Match) -> None:
    chosen = match("twelve-nights", ["bo", "cleo", "dario", "ivo"])
    assert len({row["artwork_id"] for row in chosen.values()}) >= 3


@pytest.mark.parametrize(
    ("title", "a", "b"), [("two-sugars", "ada", "bo"), ("firsts", "fay", "gus"), ("twelve-nights", "bo", "ivo")]
)
def test_swap_the_users_and_the_choices_swap(match: Match, title: str, a: str, b: str) -> None:
    before = match(title, [a, b])
    after = match(title, [a, b], **_swapped(match, a, b))
    assert (after[a], after[b]) == (before[b], before[a])
    assert before[a] != before[b]


def test_without_the_taste_the_choice_is_another(match: Match) -> None:
    """The romantic's artwork is the taste's doing: with no history and no words, she meets what anyone meets."""
    catalog = match.catalog  # type: ignore[attr-defined]
    others = {
        name: getattr(catalog, name).filter(pc.not_equal(getattr(catalog, name)["user_id"], "ada"))
        for name in ("history", "tastes")
    }
    assert match("twelve-nights", ["ada"]) != match("twelve-nights", ["ada"], **others)


@pytest.fixture(scope="module")
def open_art(encoder: Any, tmp_path_factory: pytest.TempPathFactory) -> Match:
    root = tmp_path_factory.mktemp("open-art")
    return _matching(_open_art_catalog(root / "catalog", PAINTINGS), root, encoder)


@pytest.mark.shared
@pytest.mark.skipif(not OPEN_ART.is_dir(), reason=f"needs the research data in {OPEN_ART}")
class TestOpenArt:
    """The same on paintings and stills that the project may not carry."""

    def _choose(self, open_art: Match, title: str, tastes: Tastes) -> dict[str, Any]:
        return open_art(title, list(tastes), tastes=_tastes(tastes))

    def test_one_title_two_genre_tastes(self, open_art: Match) -> None:
        tastes = {"romantic": "romance, lovers, a beautiful woman", "adventurer": "adventure, storms at sea, ships"}
        chosen = self._choose(open_art, PAINTINGS, tastes)
        assert chosen["romantic"] != chosen["adventurer"]

    def test_one_title_two_favourite_people(self, open_art: Match) -> None:
        chosen = self._choose(open_art, PAINTINGS, PEOPLE)
        assert {user: row["people"] for user, row in chosen.items()} == {user: [name] for user, name in PEOPLE.items()}

    def test_one_title_many_faces(self, open_art: Match) -> None:
        assert len({row["artwork_id"] for row in self._choose(open_art, PAINTINGS, FACES).values()}) >= 3

    def test_swap_the_users_and_the_choices_swap(self, open_art: Match) -> None:
        turned = dict(zip(FACES, reversed(FACES.values()), strict=True))
        before, after = (self._choose(open_art, PAINTINGS, tastes) for tastes in (FACES, turned))
        assert list(after.values()) == list(reversed(before.values()))


def _tastes(tastes: Tastes) -> pa.Table:
    from embed.records import TASTE

    rows = [{"user_id": user, "text": text, "weight": 1.0} for user, text in tastes.items()]
    return pa.Table.from_pylist(rows, schema=TASTE)


def _open_art_catalog(folder: Path, paintings: str) -> Path:
    """A catalog of two titles: all French paintings, and a film's stills."""
    folder.mkdir()
    (folder / "pictures").mkdir()
    artwork = []
    for row in json.loads((OPEN_ART / "index.json").read_text(encoding="utf-8")):
        artist = row.get("artist") or ""
        if "(French" not in artist and "Sintel" not in row["title"]:
            continue
        shutil.copy(OPEN_ART / row["file"], folder / "pictures")
        people = [name] if (name := re.sub(r"\s*\(.*", "", artist)) else []
        title_id = paintings if people else "sintel"
        artwork.append({"artwork_id": row["file"], "title_id": title_id, "path": f"pictures/{row['file']}", "people": people})
    titles = [{"title_id": paintings, "name": "French paintings"}, {"title_id": "sintel", "name": "Sintel"}]
    for name, rows in (("titles", titles), ("artwork", artwork)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def test_genres_are_alike_by_what_they_are_and_not_by_their_prompts(encoder: Any) -> None:
    """With the neutral text alone science fiction and romance were one interest."""
    from embed.tastes.interests import interests_of
    from embed.tastes.phrases import common_vectors, encode_phrases, encode_prompts, genre_phrase

    keys = [("genre", genre_phrase(genre)) for genre in ("science fiction", "romance", "mystery", "thriller", "comedy")]
    common = common_vectors(lambda groups: encode_prompts(groups, encoder))["genre"]
    numbers = interests_of(np.arange(5, 0, -1), encode_phrases(keys, encoder), common)
    assert len(set(numbers[[0, 1, 2, 4]].tolist())) == 4
    assert numbers[2] == numbers[3]

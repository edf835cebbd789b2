"""Stores whose vectors are given, so that the right choice is known by construction; no CLIP anywhere near."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

FINGERPRINT = "a" * 64
ROMANCE, COMEDY, HORROR, PLAIN = np.eye(4, dtype=np.float32)


@pytest.fixture(scope="session")
def write_artwork() -> Callable[..., None]:
    """write_artwork(store, titles, copy=(), words=None, vectors=True): the catalog as scripts/embed_artwork.py would leave it; see
    `make_store`. Without vectors, where they are there already."""
    from embed.records import ARTWORK, COPY, TITLE, embedding_schema, word_schema
    from embed.store import append_rows, replace_table, vector_array

    def write(
        store: Any,
        titles: Mapping[str, Sequence[dict[str, Any]]],
        copy: Sequence[dict[str, Any]] = (),
        words: Mapping[tuple[str, str], np.ndarray] | None = None,
        *,
        vectors: bool = True,
    ) -> None:
        rows = [{"title_id": title_id, **row} for title_id, artwork in titles.items() for row in artwork]
        filled = [
            {
                "path": f"{row['artwork_id']}.png",
                "people": [],
                "tags": [],
                "active": True,
                "sha256": sha256(row["artwork_id"].encode()).hexdigest(),
                **row,
            }
            for row in rows
        ]
        named = [
            {"title_id": title_id, "name": title_id.title(), "genres": [], "people": [], "keywords": []} for title_id in titles
        ]
        replace_table(store, "titles", pa.Table.from_pylist(named, schema=TITLE))
        replace_table(store, "artwork", pa.Table.from_pylist(filled, schema=ARTWORK))
        if vectors:
            columns = [
                pa.array([row["sha256"] for row in filled], pa.string()),
                *(pa.array([1] * len(filled), pa.int32()) for _ in range(2)),
                pa.array([store.fingerprint] * len(filled), pa.string()),
                vector_array(np.array([row["vector"] for row in filled], np.float32).reshape(-1, store.dimension)),
            ]
            append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(store.dimension)))
        if copy:
            replace_table(store, "copy", pa.Table.from_pylist([{"tags": [], **line} for line in copy], schema=COPY))
        if words is not None:
            columns = [
                pa.array([kind for kind, _ in words], pa.string()),
                pa.array([text for _, text in words], pa.string()),
                pa.array([1] * len(words), pa.int32()),
                pa.array([store.fingerprint] * len(words), pa.string()),
                vector_array(np.array(list(words.values()), np.float32).reshape(-1, store.dimension)),
            ]
            replace_table(store, "words", pa.Table.from_arrays(columns, schema=word_schema(store.dimension)))

    return write


@pytest.fixture(scope="session")
def write_users() -> Callable[..., None]:
    """write_users(store, users, neutral=PLAIN): tastes as scripts/embed_users.py would leave them; see `make_store`."""
    from embed.records import Phrase, Profile, phrase_schema
    from embed.store import append_rows, vector_array
    from embed.tastes.profiles import write_audience, write_profiles
    from embed.tastes.users import audience_of

    def write(store: Any, users: Mapping[str, Sequence[tuple[Any, ...]]], neutral: np.ndarray = PLAIN) -> None:
        vectors = {(kind, text): vector for phrases in users.values() for text, kind, _, vector, *_ in phrases}
        columns = [
            pa.array([kind for kind, _ in vectors], pa.string()),
            pa.array([text for _, text in vectors], pa.string()),
            pa.array([store.fingerprint] * len(vectors), pa.string()),
            vector_array(np.array(list(vectors.values()), np.float32).reshape(-1, store.dimension)),
        ]
        append_rows(store, "phrases", pa.Table.from_arrays(columns, schema=phrase_schema(store.dimension)))
        profiles = [
            Profile(
                user_id,
                tuple(Phrase(text, kind, weight, (), *interest) for text, kind, weight, _, *interest in phrases),
                np.array([phrase[3] for phrase in phrases], np.float32).reshape(-1, store.dimension),
                store.fingerprint,
            )
            for user_id, phrases in users.items()
        ]
        write_profiles(store, profiles)
        encoder: Any = SimpleNamespace(
            encode_texts=lambda texts: np.tile(neutral, (len(texts), 1)),
            dimension=store.dimension,
            fingerprint=store.fingerprint,
        )
        write_audience(store, audience_of(profiles, encoder))

    return write


@pytest.fixture(scope="session")
def make_store(write_artwork: Callable[..., None], write_users: Callable[..., None]) -> Callable[..., Any]:
    """make_store(folder, titles, users={}, neutral=None, publish=True, catalog=None, copy=(), words=None) -> Store.

    titles: title_id to artwork rows, each {"artwork_id", "vector", and what ARTWORK has besides}.
    users: user_id to phrases (text, kind, weight, vector[, interest]); the same (kind, text) has the same vector.
    copy: rows of COPY; words: (kind, text) to vector, of every tag and line that there is.
    """
    from embed.encoder import EncoderChoice
    from embed.store import create_store, remember_pictures
    from index.publish import publish_snapshot

    def make(
        folder: Path,
        titles: Mapping[str, Sequence[dict[str, Any]]],
        users: Mapping[str, Sequence[tuple[Any, ...]]] | None = None,
        *,
        neutral: np.ndarray = PLAIN,
        publish: bool = True,
        catalog: Path | None = None,
        copy: Sequence[dict[str, Any]] = (),
        words: Mapping[tuple[str, str], np.ndarray] | None = None,
    ) -> Any:
        store = create_store(folder, EncoderChoice("test", "given"), FINGERPRINT, len(neutral))
        write_artwork(store, titles, copy, words)
        if users is not None:
            write_users(store, users, neutral)
        if publish:
            publish_snapshot(store)
        return remember_pictures(store, str(catalog)) if catalog else store

    return make


@pytest.fixture(scope="session")
def titles() -> dict[str, list[dict[str, Any]]]:
    """ "harbour" has a picture for each taste, "caper" two (with two faces), "lone" one, "bare" none."""
    return {
        "harbour": [
            {"artwork_id": "clown", "vector": COMEDY},
            {"artwork_id": "ghost", "vector": HORROR},
            {"artwork_id": "kiss", "vector": ROMANCE},
        ],
        "caper": [
            {"artwork_id": "caper-ben", "vector": PLAIN, "people": ["Ben Marsh"]},
            {"artwork_id": "caper-cleo", "vector": PLAIN, "people": ["Cleo  VANCE", "A Stranger"]},
        ],
        "lone": [{"artwork_id": "only", "vector": HORROR}],
        "bare": [],
    }


@pytest.fixture(scope="session")
def users() -> dict[str, list[tuple[Any, ...]]]:
    """rosa loves romance and Cleo Vance, carl comedy and Ben Marsh, hugo horror but not Ben Marsh; wil has no phrases."""
    return {
        "rosa": [("romantic films", "genre", 0.8, ROMANCE), ("Cleo Vance", "person", 0.2, PLAIN)],
        "carl": [("funny films", "genre", 0.8, COMEDY), ("Ben Marsh", "person", 0.2, PLAIN)],
        "hugo": [("horror films", "genre", 0.8, HORROR), ("Ben Marsh", "person", -0.2, PLAIN)],
        "wil": [],
    }


@pytest.fixture(scope="session")
def shared_store(
    tmp_path_factory: pytest.TempPathFactory,
    make_store: Callable[..., Any],
    titles: dict[str, list[dict[str, Any]]],
    users: dict[str, list[tuple[Any, ...]]],
) -> Any:
    """`titles` and `users` in a store that no test changes."""
    return make_store(tmp_path_factory.mktemp("shared") / "store", titles, users)


@pytest.fixture
def given_store(
    tmp_path: Path,
    make_store: Callable[..., Any],
    titles: dict[str, list[dict[str, Any]]],
    users: dict[str, list[tuple[Any, ...]]],
) -> Any:
    """`titles` and `users` in a store of one's own."""
    return make_store(tmp_path / "store", titles, users)


@pytest.fixture
def empty_store(tmp_path: Path) -> Any:
    """A store without any table, and without the torch that the one of all tests costs."""
    from embed.encoder import EncoderChoice
    from embed.store import create_store

    return create_store(tmp_path / "store", EncoderChoice("test", "given"), FINGERPRINT, 4)


@pytest.fixture(scope="session")
def matcher(shared_store: Any) -> Any:
    """A Matcher on `shared_store`."""
    from match.matcher import Matcher

    return Matcher.open(shared_store)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The snapshots of which a Matcher was opened."""
    from match.matcher import Matcher

    found: list[str | None] = []
    original = Matcher.open.__func__  # type: ignore[attr-defined]

    def noted(cls: Any, *args: Any, **kwargs: Any) -> Matcher:
        found.append(kwargs.get("snapshot"))
        return original(cls, *args, **kwargs)

    monkeypatch.setattr(Matcher, "open", classmethod(noted))
    return found

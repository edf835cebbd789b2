"""What is published piece by piece answers as what is published from scratch: over random histories, bit for bit."""

import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.encoder import EncoderChoice
from embed.errors import StoreError
from embed.records import ARTWORK, COPY, TITLE, embedding_schema, word_schema
from embed.store import Store, append_rows, create_store, has_table, read_table, replace_table, vector_array
from index import changes
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot

DIMENSION = 8
World = dict[str, dict[str, str]]  # title_id to artwork_id to the content of its picture
Said = dict[str, str]  # artwork_id to what is said of it, and copy_id to a line of the title before its colon


def vector_of(content: str) -> np.ndarray:
    vector = np.random.default_rng(int(sha256(content.encode()).hexdigest()[:8], 16)).normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def write(store: Store, world: World, said: Said | None = None) -> None:
    """The world as scripts/embed_artwork.py would leave it."""
    said = said or {}
    hashed = {content: sha256(content.encode()).hexdigest() for artwork in world.values() for content in artwork.values()}
    known = set(read_table(store, "embeddings", ["sha256"])["sha256"].to_pylist()) if has_table(store, "embeddings") else set()
    fresh = {digest: vector_of(content) for content, digest in hashed.items() if digest not in known}
    columns = [
        pa.array(list(fresh), pa.string()),
        *(pa.array([8] * len(fresh), pa.int32()) for _ in range(2)),
        pa.array([store.fingerprint] * len(fresh), pa.string()),
        vector_array(np.array(list(fresh.values()), np.float32).reshape(-1, DIMENSION)),
    ]
    append_rows(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(DIMENSION)))
    rows = [
        {
            "title_id": title_id,
            "artwork_id": artwork_id,
            "path": f"{content}.png",
            "sha256": hashed[content],
            "people": [content[0], content[0].upper()],
            "tags": [f"tag {said[artwork_id]}", f"Tag {said[artwork_id].upper()}"] if artwork_id in said else [],
            "copy": f"A line {content}" if artwork_id in said else None,
            "locale": "en" if content in "abc" else None,
            "active": True,
        }
        for title_id, artwork in world.items()
        for artwork_id, content in artwork.items()
    ]
    names = [{"title_id": title_id, "name": title_id, "genres": [], "people": [], "keywords": []} for title_id in world]
    lines = [
        {
            "copy_id": copy_id,
            "title_id": copy_id.split(":")[0],
            "text": f"A line {text}",
            "locale": locale,
            "tags": ["no tag a"],
        }
        for copy_id, text in said.items()
        if copy_id.split(":")[0] in world
        for locale in ("en", "de", None)[len(text) % 3 :][:1]
    ]
    replace_table(store, "copy", pa.Table.from_pylist(lines, schema=COPY))
    keys = [("tag", f"tag {text}") for text in said.values()] + [
        ("copy", f"A line {text * count}") for text in "abcdefghij" for count in (1, 2, 3)
    ]
    write_words(store, keys)
    replace_table(store, "titles", pa.Table.from_pylist(names, schema=TITLE))
    replace_table(store, "artwork", pa.Table.from_pylist(rows, schema=ARTWORK))


def write_words(store: Store, keys: list[tuple[str, str]]) -> None:
    """Vectors of the words that have none yet."""
    table = read_table(store, "words", ["kind", "text"]).to_pylist() if has_table(store, "words") else []
    new = sorted(set(keys) - {(row["kind"], row["text"]) for row in table})
    columns = [
        pa.array([kind for kind, _ in new], pa.string()),
        pa.array([text for _, text in new], pa.string()),
        pa.array([1] * len(new), pa.int32()),
        pa.array([store.fingerprint] * len(new), pa.string()),
        vector_array(np.array([vector_of(f"{kind} {text}") for kind, text in new], np.float32).reshape(-1, DIMENSION)),
    ]
    append_rows(store, "words", pa.Table.from_arrays(columns, schema=word_schema(DIMENSION)))


def answers(snapshot: Snapshot) -> tuple[Any, ...]:
    """All that a matcher could read of it."""
    page = snapshot.index.page(np.array([vector_of("a query"), vector_of("another")]), np.arange(snapshot.index.titles))
    return (
        snapshot.titles.to_pylist(),
        snapshot.artwork.to_pylist(),
        page.starts.tolist(),
        page.similarities.tolist(),
        page.best().tolist(),
        snapshot.means.tolist(),
        snapshot.title_numbers,
        snapshot.people,
        [column.tolist() for column in snapshot.shown],
        said_of(snapshot),
    )


def said_of(snapshot: Snapshot) -> tuple[Any, ...]:
    """All that a matcher could read of words and lines."""
    words, lines = snapshot.words, snapshot.lines
    rows = np.arange(snapshot.index.artworks)
    return (
        words.table.to_pylist(),
        words.vectors.tolist(),
        words.cosines(np.array([vector_of("a query")]), rows).tolist(),
        words.means(rows).tolist(),
        words.scatter.tolist(),
        lines.table.to_pylist(),
        lines.first.tolist(),
        lines.words.tolist(),
        lines.scatter.tolist(),
        lines.opposed.tolist(),
    )


TITLES = st.sampled_from([f"t{number}" for number in range(5)])
ARTWORKS = st.integers(0, 5)
CONTENTS = st.sampled_from("abcdefghij")
STEPS = st.one_of(
    st.tuples(st.just("put"), TITLES, ARTWORKS, CONTENTS),  # adds it, or replaces its picture
    st.tuples(st.just("retire"), TITLES, ARTWORKS, CONTENTS),
    st.tuples(st.just("retire title"), TITLES, ARTWORKS, CONTENTS),
    st.tuples(st.just("say"), TITLES, ARTWORKS, CONTENTS),  # tags the artwork anew, its picture stays
    st.tuples(st.just("line"), TITLES, ARTWORKS, CONTENTS),
    st.tuples(st.just("hush"), TITLES, ARTWORKS, CONTENTS),
)


def apply(world: World, said: Said, step: tuple[str, str, int, str]) -> None:
    what, title_id, number, content = step
    artwork_id = f"{title_id}-{number}"
    if what == "say":
        said[artwork_id] = content
    elif what == "line":
        said[f"{title_id}:{number}"] = content * (1 + number % 3)
    elif what == "hush":
        said.pop(artwork_id, None)
        said.pop(f"{title_id}:{number}", None)
    elif what == "put":
        world.setdefault(title_id, {})[artwork_id] = content
    elif what == "retire":
        world.get(title_id, {}).pop(artwork_id, None)
    else:
        world.pop(title_id, None)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.lists(st.tuples(st.just("put"), TITLES, ARTWORKS, CONTENTS), min_size=1, max_size=25),
    nights=st.lists(st.lists(STEPS, max_size=3), min_size=1, max_size=4),
    most=st.sampled_from([0.25, 0.9, 9.0]),
)
def test_a_history_of_changes_ends_as_a_rebuild(
    tmp_path_factory: pytest.TempPathFactory, first: list, nights: list, most: float
) -> None:
    store = create_store(tmp_path_factory.mktemp("history") / "store", EncoderChoice("test", "given"), "a" * 64, DIMENSION)
    world: World = {"empty": {}}
    said: Said = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changes, "MOST_CHANGED", most)
        for night in [first, *nights]:
            for step in night:
                apply(world, said, step)
            write(store, world, said)
            publish_snapshot(store)
            changed = open_snapshot(store)
        publish_snapshot(store, rebuild=True)
    rebuilt = open_snapshot(store)
    assert rebuilt.manifest.changed == 0
    assert answers(changed) == answers(rebuilt)
    np.testing.assert_allclose(changed.scatter_sum, rebuilt.scatter_sum, atol=1e-5)


@pytest.fixture
def large(tmp_path: Path) -> tuple[Store, World]:
    """(a store with a published snapshot, its world): 40 titles of 5 artworks."""
    store = create_store(tmp_path / "store", EncoderChoice("test", "given"), "a" * 64, DIMENSION)
    world = {f"t{title:02}": {f"t{title:02}-{n}": f"{title} {n}" for n in range(5)} for title in range(40)}
    write(store, world)
    publish_snapshot(store)
    return store, world


@pytest.fixture
def publish(large: tuple[Store, World]) -> Callable[[], Snapshot]:
    """publish() writes the world as it is now, publishes and opens it."""

    def run() -> Snapshot:
        write(*large)
        publish_snapshot(large[0])
        return open_snapshot(large[0])

    return run


def test_only_what_changed_is_written_and_the_base_is_one_file(
    large: tuple[Store, World], publish: Callable[[], Snapshot]
) -> None:
    store, world = large
    world["t07"]["t07-9"] = "new"
    del world["t11"]
    world["t40"] = {"t40-0": "of a new title"}
    world["t12"]["t12-0"] = "replaced"
    snapshot = publish()
    assert (snapshot.manifest.base, snapshot.manifest.changed) == ("000001", 6 + 5 + 1)
    files = [store.snapshots / name / "vectors.npy" for name in ("000001", "000002")]
    assert os.path.samefile(*files)
    assert len(snapshot.index.parts[1]) == 12


def test_what_changes_back_is_taken_from_the_base_again(large: tuple[Store, World], publish: Callable[[], Snapshot]) -> None:
    _, world = large
    world["t12"]["t12-0"] = "replaced"
    assert publish().manifest.changed == 5
    world["t12"]["t12-0"] = "12 0"
    assert publish().manifest.changed == 5  # the base no longer says what it has of that title
    world["t12"]["t12-1"] = "replaced"
    assert publish().manifest.changed == 5


def test_a_night_without_a_change_writes_no_vectors(publish: Callable[[], Snapshot]) -> None:
    snapshot = publish()
    assert (snapshot.manifest.base, snapshot.manifest.changed) == ("000001", 0)


def test_words_change_without_vectors(large: tuple[Store, World], publish: Callable[[], Snapshot]) -> None:
    store, _ = large
    artwork = read_table(store, "artwork")
    column = artwork.schema.get_field_index("caption")
    captioned = artwork.set_column(column, artwork.schema.field(column), pa.array(["a caption"] * len(artwork)))
    replace_table(store, "artwork", captioned)
    publish_snapshot(store)
    snapshot = open_snapshot(store)
    assert snapshot.manifest.changed == 0
    assert set(snapshot.artwork["caption"].to_pylist()) == {"a caption"}


def test_when_much_has_changed_the_base_is_written_anew(large: tuple[Store, World], publish: Callable[[], Snapshot]) -> None:
    _, world = large
    for number in range(4):  # dead and outside count: a quarter is reached before half of it has changed
        world[f"t{number:02}"][f"t{number:02}-0"] = "replaced"
    assert publish().manifest.base == "000001"
    for number in range(4, 9):
        del world[f"t{number:02}"]
    snapshot = publish()
    assert (snapshot.manifest.base, snapshot.manifest.changed) == ("000003", 0)
    assert len(snapshot.index.parts[0]) == snapshot.index.artworks


def test_a_damaged_base_is_mended_by_the_next_one(large: tuple[Store, World], publish: Callable[[], Snapshot]) -> None:
    store, _ = large
    before = answers(open_snapshot(store))
    with (store.snapshots / "000001" / "vectors.npy").open("r+b") as file:
        file.seek(500)
        file.write(b"\x01\x02")
    snapshot = publish()
    assert snapshot.manifest.base == "000002"
    assert answers(snapshot) == before


def test_the_same_base_is_held_open_once(large: tuple[Store, World]) -> None:
    store, world = large
    held = open_snapshot(store)
    world["t07"]["t07-9"] = "new"
    write(store, world)
    publish_snapshot(store)
    taken_over, afresh = open_snapshot(store, held), open_snapshot(store)
    assert taken_over.index.parts[0] is held.index.parts[0]
    assert answers(taken_over) == answers(afresh)
    publish_snapshot(store, rebuild=True)
    assert open_snapshot(store, held).index.parts[0] is not held.index.parts[0]


def test_a_scatter_that_went_away_leaves_no_noise(tmp_path: Path) -> None:
    """What is left of the difference of two large numbers would be taken for a taste of somebody's."""
    store = create_store(tmp_path / "store", EncoderChoice("test", "given"), "a" * 64, DIMENSION)
    world = {f"single {n}": {f"s{n}": f"alone {n}"} for n in range(40)} | {"pair": {"p0": "one", "p1": "other"}}
    write(store, world)
    publish_snapshot(store)
    assert open_snapshot(store).scatter.any()
    del world["pair"]
    write(store, world)
    assert not publish_snapshot(store).changed
    assert not open_snapshot(store).scatter.any()


@pytest.mark.parametrize("spoil", [np.nan, np.inf, 0.0, 2.0], ids=str)
def test_a_vector_that_is_none_is_not_published(large: tuple[Store, World], spoil: float) -> None:
    store, world = large
    world["t07"]["t07-9"] = "new"
    write(store, world)
    table = read_table(store, "embeddings")
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    vectors[-1] *= spoil
    column = table.schema.get_field_index("vector")
    replace_table(store, "embeddings", table.set_column(column, table.schema.field(column), vector_array(vectors)))
    with pytest.raises(StoreError, match=r"the vector of 'new\.png' is not finite and of unit length"):
        publish_snapshot(store)
    assert open_snapshot(store).manifest.name == "000001"


@pytest.mark.parametrize("table", ["artwork", "titles"])
def test_an_id_that_stands_twice_is_not_published(large: tuple[Store, World], table: str) -> None:
    store, _ = large
    rows = read_table(store, table)
    replace_table(store, table, pa.concat_tables([rows, rows.slice(3, 1)]))
    with pytest.raises(StoreError, match=rf"has {table} 't.*' 2 times, and an id stands for one"):
        publish_snapshot(store)

"""Words in a snapshot: who bears which, each title's lines, and what contradicts what; by ten-line oracles."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embed.encoder import EncoderChoice
from embed.errors import FingerprintError, SnapshotError, StoreError
from embed.records import ARTWORK, COPY, TITLE, embedding_schema, word_schema
from embed.store import Store, append_rows, create_store, read_table, replace_table, vector_array
from embed.tags import contradict
from embed.words import word_of_copy, word_of_tag
from index import wording
from index.filters import speaks
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot

DIMENSION = 8
Row = dict[str, Any]
FINGERPRINT = "a" * 64


def vector_of(text: str) -> np.ndarray:
    vector = np.random.default_rng(list(text.encode())).normal(size=DIMENSION)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def write(store: Store, titles: dict[str, list[Row]], copy: list[Row], *, words: bool = True) -> None:
    """titles: title_id to artwork rows; as scripts/embed_artwork.py would leave it."""
    rows = [
        {
            "title_id": title_id,
            "path": f"{row['artwork_id']}.png",
            "sha256": row["artwork_id"],
            "active": True,
            "people": [],
            **row,
        }
        for title_id, artwork in titles.items()
        for row in artwork
    ]
    named = [{"title_id": title_id, "name": title_id, "genres": [], "people": [], "keywords": []} for title_id in titles]
    columns = [
        pa.array([row["sha256"] for row in rows], pa.string()),
        *(pa.array([8] * len(rows), pa.int32()) for _ in range(2)),
        pa.array([FINGERPRINT] * len(rows), pa.string()),
        vector_array(np.array([vector_of(row["sha256"]) for row in rows], np.float32).reshape(-1, DIMENSION)),
    ]
    replace_table(store, "embeddings", pa.Table.from_arrays(columns, schema=embedding_schema(DIMENSION)))
    replace_table(store, "titles", pa.Table.from_pylist(named, schema=TITLE))
    replace_table(store, "artwork", pa.Table.from_pylist(rows, schema=ARTWORK))
    replace_table(store, "copy", pa.Table.from_pylist(copy, schema=COPY))
    if words:
        write_words(store, rows, copy)


def write_words(store: Store, rows: list[Row], copy: list[Row]) -> None:
    keys = {("tag", word_of_tag(tag)) for row in rows for tag in row["tags"]}
    keys |= {("copy", word_of_copy(line)) for line in [row.get("copy") for row in rows] + [row["text"] for row in copy] if line}
    known = sorted((kind, word) for kind, word in keys if word)[::-1]  # in another order than the snapshot's
    columns = [
        pa.array([kind for kind, _ in known], pa.string()),
        pa.array([word for _, word in known], pa.string()),
        pa.array([1] * len(known), pa.int32()),
        pa.array([FINGERPRINT] * len(known), pa.string()),
        vector_array(np.array([vector_of(f"{kind} {word}") for kind, word in known], np.float32).reshape(-1, DIMENSION)),
    ]
    replace_table(store, "words", pa.Table.from_arrays(columns, schema=word_schema(DIMENSION)))


def art(name: str, *tags: str, **more: Any) -> Row:
    return {"artwork_id": name, "tags": list(tags), **more}


def line(name: str, title_id: str, text: str, locale: str | None = None, tags: tuple[str, ...] = ()) -> Row:
    return {"copy_id": name, "title_id": title_id, "text": text, "locale": locale, "tags": list(tags)}


TITLES = {
    "bare": [art("z")],
    "one": [
        art("a", "Night", "night", "no people", copy="Who  knows?", locale="en"),
        art("b", "season: winter", locale="pt-BR"),
        art("c"),
    ],
    "two": [art("d", "night", "sea", "people"), art("e", "season: summer", "season: autumn", locale="de")],
}
COPY_LINES = [
    line("l4", "two", "Waves.", tags=("no night",)),
    line("l1", "one", "Who knows?", "en-GB", ("season: summer",)),
    line("l2", "one", "Ninguém sabe.", "pt", ("people",)),
    line("l3", "two", "Leaves.", "fr", ("season: autumn",)),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "store", EncoderChoice("test", "given"), FINGERPRINT, DIMENSION)


@pytest.fixture
def publish(store: Store) -> Callable[..., Snapshot]:
    """publish(titles, copy) -> the snapshot."""

    def run(titles: dict[str, list[Row]] = TITLES, copy: list[Row] = COPY_LINES) -> Snapshot:
        write(store, titles, copy)
        publish_snapshot(store)
        return open_snapshot(store)

    return run


def test_each_artwork_bears_its_words_once(publish: Callable[..., Snapshot]) -> None:
    snapshot = publish()
    texts = [f"{row['kind']} {row['text']}" for row in snapshot.words.table.to_pylist()]
    assert texts == sorted(texts)
    borne = {
        artwork_id: [texts[number] for number in snapshot.words.of(np.array([row]))]
        for row, artwork_id in enumerate(snapshot.artwork["artwork_id"].to_pylist())
    }
    assert borne == {
        "z": [],
        "a": ["copy Who knows?", "tag night"],
        "b": ["tag winter"],
        "c": [],
        "d": ["tag night", "tag people", "tag sea"],
        "e": ["tag autumn", "tag summer"],
    }
    for text, vector in zip(texts, snapshot.words.vectors, strict=True):
        assert (vector == vector_of(text)).all()


def test_lines_stand_by_title_with_the_words_of_their_texts(publish: Callable[..., Snapshot]) -> None:
    snapshot = publish()
    lines = snapshot.lines
    assert lines.table["copy_id"].to_pylist() == ["l1", "l2", "l3", "l4"]
    assert lines.first.tolist() == [0, 0, 2, 4]  # bare, one, two
    assert snapshot.words.table["text"].take(pa.array(lines.words)).to_pylist() == lines.table["text"].to_pylist()
    assert (snapshot.manifest.words, snapshot.manifest.lines) == (10, 4)


def test_what_contradicts_in_locale_or_tags(publish: Callable[..., Snapshot]) -> None:
    snapshot = publish()
    rows = {artwork_id: row for row, artwork_id in enumerate(snapshot.artwork["artwork_id"].to_pylist())}
    pairs = [(number, row) for number in range(4) for row in range(len(rows))]
    lines, beside = map(np.array, zip(*pairs, strict=True))
    clash = snapshot.lines.contradict(lines, beside)
    names = snapshot.lines.table["copy_id"].to_pylist()
    ids = {row: artwork_id for artwork_id, row in rows.items()}
    found = {(names[number], ids[row]) for (number, row), clashes in zip(pairs, clash, strict=True) if clashes}
    assert found == {
        ("l1", "b"),  # neither en-GB and pt-BR nor summer and winter
        ("l2", "a"),  # neither pt and en nor people and none of them
        ("l3", "e"),  # fr and de; autumn would do
        ("l4", "d"),  # no night
    }


def test_lines_by_the_viewer_s_locale(publish: Callable[..., Snapshot]) -> None:
    lines = publish().lines
    assert lines.speak(None) is None
    read = {locale: lines.speak(locale).tolist() for locale in ("en", "pt-PT", "fr", "ja")}  # type: ignore[union-attr]
    assert read == {
        "en": [True, False, False, True],
        "pt-PT": [False, True, False, True],
        "fr": [False, False, True, True],
        "ja": [False, False, False, True],
    }
    assert publish(copy=[line("l1", "one", "Hm.")]).lines.speak("ja") is None


def test_without_words_there_is_nothing(publish: Callable[..., Snapshot]) -> None:
    snapshot = publish({"one": [art("a"), art("b", "no people")]}, [])
    assert not snapshot.words
    assert not len(snapshot.lines)
    assert snapshot.words.cosines(np.ones((2, DIMENSION), np.float32), np.array([0, 1, 1])).tolist() == [[0, 0, 0]] * 2
    assert snapshot.words.means(np.array([1])).tolist() == [[0.0] * DIMENSION]
    assert snapshot.lines.contradict(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []


def test_a_store_of_an_earlier_release_has_no_words_yet(store: Store) -> None:
    write(store, TITLES, [], words=False)
    publish_snapshot(store)
    assert not open_snapshot(store).words
    replace_table(store, "copy", pa.Table.from_pylist(COPY_LINES, schema=COPY))
    with pytest.raises(StoreError, match=r"has lines of copy and no vectors of words; run scripts/embed_artwork\.py again"):
        publish_snapshot(store)


TAGS = st.lists(st.sampled_from(["x", "X", "no x", "y", "g: x", "G:y", "no g: x", ""]), max_size=3)
LOCALES = st.sampled_from([None, "en", "en-GB", "pt_br", "PT"])
WORLDS = st.dictionaries(
    st.sampled_from("tuvw"),
    st.tuples(
        st.lists(st.tuples(TAGS, st.sampled_from([None, "A  line", "b"]), LOCALES), max_size=4),
        st.lists(st.tuples(TAGS, st.sampled_from(["A line", "b", "c"]), LOCALES), max_size=3),
    ),
    min_size=1,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS, pairs=st.sampled_from([1, 3, 1 << 22]))
def test_as_by_looking_at_every_artwork_and_line(tmp_path_factory: pytest.TempPathFactory, world: Any, pairs: int) -> None:
    store = create_store(tmp_path_factory.mktemp("w") / "store", EncoderChoice("test", "given"), FINGERPRINT, DIMENSION)
    titles = {
        title_id: [art(f"{title_id}{n}", *tags, copy=copy, locale=locale) for n, (tags, copy, locale) in enumerate(artwork)]
        for title_id, (artwork, _) in world.items()
    }
    copy = [
        line(f"{t}{n}", t, text, locale, tuple(tags))
        for t, (_, some) in world.items()
        for n, (tags, text, locale) in enumerate(some)
    ]
    write(store, titles, copy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wording, "PAIRS", pairs)
        publish_snapshot(store)
    snapshot = open_snapshot(store)
    queries = np.array([vector_of("q"), vector_of("r")])
    ids = snapshot.artwork["artwork_id"].to_pylist()
    rows = np.arange(len(ids))[::-1]
    art_of = {row["artwork_id"]: row for artwork in titles.values() for row in artwork}
    expected, means = np.zeros((2, len(ids))), {}
    for place, row in enumerate(rows.tolist()):
        said = art_of[ids[row]]
        keys = {f"tag {word}" for tag in said["tags"] if (word := word_of_tag(tag))}
        keys |= {f"copy {word_of_copy(said['copy'])}"} if said["copy"] else set()
        if keys:
            means[ids[row]] = np.mean([vector_of(key) for key in keys], axis=0)
            expected[:, place] = queries @ means[ids[row]]
            np.testing.assert_allclose(snapshot.words.means(np.array([row]))[0], means[ids[row]], atol=1e-6)
    np.testing.assert_allclose(snapshot.words.cosines(queries, rows), expected, atol=1e-6)
    groups = [[means[row["artwork_id"]] for row in artwork if row["artwork_id"] in means] for artwork in titles.values()]
    of_lines = [[vector_of(f"copy {row['text']}") for row in copy if row["title_id"] == title_id] for title_id in titles]
    for scatter, vectors in ((snapshot.words.scatter, groups), (snapshot.lines.scatter, of_lines)):
        apart = [vector - np.mean(group, axis=0) for group in vectors for vector in group]
        apart = [vector for vector in apart if np.linalg.norm(vector) > 1e-3]
        np.testing.assert_allclose(scatter, sum(np.outer(a, a) for a in apart) / max(len(apart), 1), atol=1e-6)
    clashes = {
        number * len(ids) + ids.index(artwork["artwork_id"])
        for number, said in enumerate(sorted(copy, key=lambda row: (row["title_id"], row["copy_id"])))
        for artwork in titles[said["title_id"]]
        if contradict(said["tags"], artwork["tags"])
        or (said["locale"] and artwork["locale"] and not speaks(said["locale"], artwork["locale"]))
    }
    assert snapshot.lines.opposed.tolist() == sorted(clashes)


def test_of_many_artworks_some_titles_measure_the_scatter(
    publish: Callable[..., Snapshot], monkeypatch: pytest.MonkeyPatch
) -> None:
    titles = {f"t{n}": [art(f"{n}a", f"x{n}"), art(f"{n}b", f"y{n}")] for n in range(9)}
    whole = publish(titles, []).words.scatter
    monkeypatch.setattr(wording, "SAMPLED", 6)
    some = publish({title_id: titles[title_id] for title_id in ("t0", "t3", "t6")}, []).words.scatter
    assert (publish(titles, []).words.scatter == some).all()
    assert not np.allclose(whole, some)


# What must not be published or opened


@pytest.mark.parametrize(
    ("spoil", "error", "match"),
    [
        (
            lambda table: table.filter(pa.array([False] + [True] * (len(table) - 1))),
            StoreError,
            r"no vector of the tag 'winter'",
        ),
        (
            lambda table: table.set_column(3, table.schema.field(3), pa.array(["b" * 64] * len(table))),
            FingerprintError,
            "holds words",
        ),
        (
            lambda table: table.set_column(4, table.schema.field(4), vector_array(np.full((len(table), DIMENSION), np.nan))),
            StoreError,
            r"the vector of the copy .* is not finite and of unit length",
        ),
    ],
)
def test_words_that_cannot_be(store: Store, publish: Callable, spoil: Callable, error: type[Exception], match: str) -> None:
    publish()
    replace_table(store, "words", spoil(read_table(store, "words")))
    with pytest.raises(error, match=match):
        publish_snapshot(store)
    assert open_snapshot(store).manifest.name == "000001"


def test_a_line_of_no_title_is_not_published(store: Store, publish: Callable) -> None:
    publish()
    append_rows(store, "copy", pa.Table.from_pylist([line("l9", "nine", "Hm.")], schema=COPY))
    with pytest.raises(StoreError, match=r"has copy of title 'nine' and no such title: the last run"):
        publish_snapshot(store)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("word_vectors", lambda array: array[:-1]),
        ("first_lines", lambda array: array[:-1]),
        ("first_lines", lambda array: array[::-1].copy()),
        ("opposed", lambda array: array[::-1].copy()),
    ],
)
def test_files_that_do_not_fit_are_refused(store: Store, publish: Callable, name: str, change: Callable) -> None:
    """With the right checksums: FAISS would read outside the files."""
    from index.manifest import describe_files

    publish()
    folder = store.snapshots / "000001"
    path = folder / f"{name}.npy"
    array = change(np.load(path))
    path.unlink()
    np.save(path, array)
    record = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").unlink()
    record["files"] = describe_files(folder, {})
    (folder / "manifest.json").write_text(json.dumps(record))
    with pytest.raises(SnapshotError, match="its files do not fit its manifest; publish the index again"):
        open_snapshot(store)

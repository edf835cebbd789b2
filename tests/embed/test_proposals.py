"""The file of proposals: a person's decisions outlive every rerun, and what is accepted stands beside the publisher's tables."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.catalog import read_catalog
from embed.errors import CatalogError
from embed.proposals import COLUMNS, Proposals, accept_proposals, merge_proposals, read_proposals, write_proposals
from embed.tagging import Proposal

HEADER = ",".join(COLUMNS)


def proposal(artwork_id: str, tag: str, score: float = 0.5) -> Proposal:
    return Proposal(artwork_id, "t", f"{artwork_id}.png", tag, score)


def row(artwork_id: str, tag: str, decision: str = "", score: str = "0.500", **others: str) -> dict[str, str]:
    fields = {"artwork_id": artwork_id, "title_id": "t", "path": f"{artwork_id}.png", "tag": tag, "score": score}
    return {**fields, "decision": decision, **others}


def test_a_first_file(tmp_path: Path) -> None:
    before = read_proposals(tmp_path / "p.csv")
    merged = merge_proposals(before, [proposal("b", "sea, calm", 0.61849), proposal("a", "Café")], ["a", "b"])
    write_proposals(tmp_path / "p.csv", merged.proposals)
    assert (tmp_path / "p.csv").read_text(encoding="utf-8") == (
        f'{HEADER}\na,t,a.png,Café,0.500,\nb,t,b.png,"sea, calm",0.618,\n'
    )
    assert (merged.decided, merged.added, merged.dropped) == (0, 2, 0)
    assert list(tmp_path.iterdir()) == [tmp_path / "p.csv"]


def test_decided_rows_stay_word_for_word_and_the_others_follow_the_scores() -> None:
    before = Proposals(
        (*COLUMNS, "note"),
        (
            row("a", "sea", " Yes", "0.9", note="clear"),
            row("a", "Cat", "no", "0.4", note=""),
            row("a", "ship", "", "0.4", note="ask Ada"),
            row("b", "night", "", "0.5", note="lost"),
            row("gone", "van", "yes", "0.8", note=""),
        ),
    )
    fresh = [proposal("a", "SEA", 0.1), proposal("a", "cat", 0.99), proposal("a", "ship", 0.6), proposal("b", "moon", 0.4)]
    merged = merge_proposals(before, fresh, ["b", "a"])
    assert merged.proposals.columns == (*COLUMNS, "note")
    assert merged.proposals.rows == (
        row("b", "moon", score="0.400"),
        before.rows[0],
        before.rows[1],
        row("a", "ship", score="0.600", note="ask Ada"),
        before.rows[4],
    )
    assert (merged.decided, merged.added, merged.dropped) == (3, 1, 1)


PAIRS = st.tuples(st.sampled_from("abc"), st.sampled_from("xyz"))
RUNS = st.lists(st.dictionaries(PAIRS, st.floats(0, 1), max_size=9), min_size=1, max_size=4)
DECISIONS = st.lists(
    st.dictionaries(PAIRS, st.sampled_from(["yes", "no", "NO ", "perhaps"]), max_size=4), min_size=4, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(runs=RUNS, decisions=DECISIONS)
def test_whatever_is_proposed_decisions_survive(
    tmp_path_factory: pytest.TempPathFactory,
    runs: list[dict[tuple[str, str], float]],
    decisions: list[dict[tuple[str, str], str]],
) -> None:
    path = tmp_path_factory.mktemp("runs") / "p.csv"
    decided: dict[tuple[str, str], tuple[str, str]] = {}  # the oracle: pair to (score, decision) when it was decided
    for scores, said in zip(runs, decisions, strict=False):
        fresh = [proposal(artwork_id, tag, score) for (artwork_id, tag), score in scores.items()]
        write_proposals(path, merge_proposals(read_proposals(path), fresh, list("abc")).proposals)
        found = {(one["artwork_id"], one["tag"]): one for one in read_proposals(path).rows}
        assert found.keys() == decided.keys() | scores.keys()
        for pair, one in found.items():
            assert (one["score"], one["decision"]) == decided.get(pair, (f"{scores.get(pair, 0):.3f}", ""))
        for pair in said.keys() & found.keys() - decided.keys():
            found[pair]["decision"] = said[pair]
            decided[pair] = (found[pair]["score"], said[pair])
        write_proposals(path, Proposals(COLUMNS, tuple(found.values())))


BAD = [  # (the file, the message)
    ("artwork_id,tag\na,b\n", r"p\.csv has no column 'decision'; give a file that scripts/tag_artwork\.py wrote"),
    ("artwork_id;tag;decision\na;b;\n", r"p\.csv has no column 'artwork_id'; .*, and commas between the columns"),
    ("", r"p\.csv has no column 'artwork_id'"),
    ("artwork_id,tag,decision\na,b\n", r"p\.csv, row 1, -: has not as many values as the header"),
    ("artwork_id,tag,decision\na,b,,c\n", r"p\.csv, row 1, -: has not as many values as the header"),
    ("artwork_id,tag,decision\na,b,\na, ,yes\n", r"p\.csv, row 2, tag: is missing; restore it, or remove the row"),
    ('artwork_id,tag,decision\na,"b,\n', r"p\.csv cannot be read as CSV in UTF-8"),
]


@pytest.mark.parametrize(("text", "message"), BAD)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(CatalogError, match=message):
        read_proposals(tmp_path / "p.csv")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"artwork_id,tag,decision\na,caf\xe9,yes\n")
    with pytest.raises(CatalogError, match=r"p\.csv cannot be read as CSV in UTF-8: .*; mend it, or give another name"):
        read_proposals(tmp_path / "p.csv")


def test_a_spreadsheet_s_file_reads_the_same(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\r\na,t,a.png,sea,0.500,YES\r\n".encode())
    assert read_proposals(tmp_path / "p.csv").rows == (row("a", "sea", "YES"),)


@pytest.fixture
def decide(tmp_path: Path) -> Callable[..., Path]:
    """decide((artwork_id, tag, decision), …) -> a file of proposals."""

    def decide(*rows: tuple[str, str, str]) -> Path:
        write_proposals(tmp_path / "p.csv", Proposals(COLUMNS, tuple(row(*one) for one in rows)))
        return tmp_path / "p.csv"

    return decide


def accepted(folder: Path) -> list[tuple[str, str]]:
    with (folder / "accepted_tags.csv").open(encoding="utf-8", newline="") as lines:
        return [(one["artwork_id"], one["tag"]) for one in csv.DictReader(lines)]


def tags_of(folder: Path) -> dict[str, list[str]]:
    artwork = read_catalog(folder, strict=True).artwork
    return dict(zip(artwork["artwork_id"].to_pylist(), artwork["tags"].to_pylist(), strict=True))


def test_accepted_tags_take_part_where_there_are_none(catalog_folder: Path, decide: Callable[..., Path]) -> None:
    before, table = tags_of(catalog_folder), (catalog_folder / "artwork.csv").read_bytes()
    file = decide(
        ("lone-only", "sea", "yes"), ("lone-only", "cat", "no"), ("lone-only", "van", ""), ("caper-van", "sea", "yes")
    )
    done = accept_proposals(read_catalog(catalog_folder), file)
    assert accepted(catalog_folder) == [("lone-only", "sea")]
    assert (done.tags, done.artworks, done.added, done.removed) == (1, 1, 1, 0)
    assert (done.passed_over, done.undecided) == (1, 1)  # caper-van has a tag of its own
    assert tags_of(catalog_folder) == {**before, "lone-only": ["sea"]}
    assert (catalog_folder / "artwork.csv").read_bytes() == table


def test_accepting_again_changes_what_was_changed(catalog_folder: Path, decide: Callable[..., Path]) -> None:
    accept_proposals(read_catalog(catalog_folder), decide(("lone-only", "sea", "yes"), ("lone-only", "van", "1")))
    accept_proposals(read_catalog(catalog_folder), decide(("lone-only", "Cat", "TRUE")))
    assert accepted(catalog_folder) == [("lone-only", "sea"), ("lone-only", "van"), ("lone-only", "Cat")]
    done = accept_proposals(read_catalog(catalog_folder), decide(("lone-only", "SEA", " No"), ("lone-only", "cat", "yes")))
    assert accepted(catalog_folder) == [("lone-only", "van"), ("lone-only", "Cat")]
    assert (done.tags, done.added, done.removed) == (2, 0, 1)


def test_rows_and_columns_of_a_person_s_own_stay(catalog_folder: Path, decide: Callable[..., Path]) -> None:
    (catalog_folder / "accepted_tags.csv").write_text("by,artwork_id,tag\nAda,gone,ship\nBen,lone-only,sea\n")
    accept_proposals(read_catalog(catalog_folder), decide(("lone-only", "cat", "yes"), ("lost", "cat", "yes")))
    assert (catalog_folder / "accepted_tags.csv").read_text() == (
        "by,artwork_id,tag\nAda,gone,ship\nBen,lone-only,sea\n,lone-only,cat\n"
    )


def test_nothing_accepted_writes_nothing(catalog_folder: Path, decide: Callable[..., Path]) -> None:
    accept_proposals(read_catalog(catalog_folder), decide(("lone-only", "sea", ""), ("lone-only", "cat", "no")))
    assert not (catalog_folder / "accepted_tags.csv").exists()


def test_a_decision_that_is_neither_is_named_and_nothing_is_written(catalog_folder: Path, decide: Callable[..., Path]) -> None:
    file = decide(("lone-only", "sea", "yes"), ("lone-only", "cat", "maybe"))
    with pytest.raises(CatalogError, match=r"p\.csv, row 2, decision: 'maybe' is neither yes nor no; write yes or no"):
        accept_proposals(read_catalog(catalog_folder), file)
    assert not (catalog_folder / "accepted_tags.csv").exists()


def test_what_cannot_be_accepted(catalog_folder: Path, decide: Callable[..., Path], tmp_path: Path) -> None:
    catalog = read_catalog(catalog_folder)
    with pytest.raises(CatalogError, match=r"no file of proposals at '.*none\.csv'; scripts/tag_artwork\.py CATALOG --store S"):
        accept_proposals(catalog, tmp_path / "none.csv")
    (catalog_folder / "accepted_tags.jsonl").write_text("")
    with pytest.raises(CatalogError, match=r"accepted_tags\.jsonl is there, and accepting writes accepted_tags\.csv"):
        accept_proposals(catalog, decide(("lone-only", "sea", "yes")))

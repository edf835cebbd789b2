"""What artwork must bear: people, tags, titles and a locale, against the rows of the catalog itself."""

import pytest

from embed.errors import QueryError
from embed.store import Store, read_table, replace_table
from index.publish import publish_snapshot
from index.snapshot import Snapshot, open_snapshot
from index.wanted import Wanted, conditions, near_spellings, passing


@pytest.fixture
def snapshot(store: Store) -> Snapshot:
    publish_snapshot(store)
    return open_snapshot(store)


def ids(snapshot: Snapshot, wanted: Wanted) -> set[str]:
    return set(snapshot.take("artwork_id", passing(snapshot, conditions(snapshot, wanted))).to_pylist())


def test_each_condition_and_all_of_them_together(snapshot: Snapshot) -> None:
    assert ids(snapshot, Wanted(people=("Ben Marsh",))) == {"harbour-couple", "caper-ben"}
    assert ids(snapshot, Wanted(people=("Ben Marsh", "Ada Quill"))) == {"harbour-couple"}
    assert ids(snapshot, Wanted(tags=("portrait",))) == {"harbour-ada", "caper-ben", "caper-cleo", "abyss-dora"}
    assert ids(snapshot, Wanted(tags=("sea", "night"))) == {"harbour-sea"}
    assert ids(snapshot, Wanted(titles=("caper", "lone"))) == {"caper-ben", "caper-cleo", "caper-van", "lone-only"}
    assert ids(snapshot, Wanted(people=("Ben Marsh",), tags=("portrait",), titles=("The Tin Caper",))) == {"caper-ben"}
    assert ids(snapshot, Wanted(people=("Ada Quill",), tags=("van",))) == set()
    assert len(ids(snapshot, Wanted())) == 9


def test_names_meet_as_they_are_folded(snapshot: Snapshot) -> None:
    assert ids(snapshot, Wanted(people=(" ada  QUILL",))) == {"harbour-couple", "harbour-ada"}
    assert ids(snapshot, Wanted(tags=("Portrait ",), titles=("harbour lights",))) == {"harbour-ada"}


def test_rows_rise_and_each_condition_tells_what_meets_it_alone(snapshot: Snapshot) -> None:
    asked = conditions(snapshot, Wanted(people=("Ben Marsh",), tags=("portrait",), titles=("caper",), locale="de"))
    assert [(one.words, int(one.meets.sum())) for one in asked] == [
        ("shows Ben Marsh", 2),
        ("tagged portrait", 4),
        ("of caper", 3),
        ("for de", 9),
    ]
    assert passing(snapshot, asked).tolist() == [2]
    assert passing(snapshot, []).tolist() == list(range(9))


def test_a_locale_takes_what_is_made_for_all_and_hides_nothing_else(store: Store) -> None:
    rows = read_table(store, "artwork").to_pylist()
    for number, row in enumerate(rows):
        row["locale"] = ("pt-BR", "de", None)[number % 3]
        row["spoiler"] = True
    replace_table(store, "artwork", read_table(store, "artwork").schema.empty_table().from_pylist(rows, schema=_schema(store)))
    publish_snapshot(store)
    found = ids(open_snapshot(store), Wanted(locale="pt"))
    assert found == {row["artwork_id"] for row in rows if row["locale"] != "de"}


def _schema(store: Store) -> object:
    return read_table(store, "artwork").schema


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(people=("Ben Marx",)), r"--person 'Ben Marx': is on no artwork of snapshot 000001; near it: 'Ben Marsh'"),
        (Wanted(people=("cleo",)), r"near it: 'Cleo Vance'"),
        (Wanted(people=("Zzz",)), r"look into the people of the catalog's artwork table"),
        (Wanted(people=("",)), r"look into the people of the catalog's artwork table"),
        (Wanted(tags=("portraits",)), r"--tag 'portraits': no artwork of snapshot 000001 has it; near it: 'portrait'"),
        (Wanted(tags=("xyz",)), r"the tags are those of the artwork table, and what scripts/tag_artwork\.py --accept"),
        (Wanted(titles=("The Tin Can",)), r"--title 'The Tin Can': is neither .* in 000001; near it: 'The Tin Caper'"),
        (Wanted(titles=("xyz",)), r"give a title_id or a name of the catalog's titles"),
    ],
    ids=str,
)
def test_what_nobody_knows_is_refused_with_what_is_near(snapshot: Snapshot, wanted: Wanted, said: str) -> None:
    with pytest.raises(QueryError, match=said):
        conditions(snapshot, wanted)


def test_near_spellings_are_first_those_that_have_all_words() -> None:
    known = ["Uma Thurman", "Uma Karuna Thurman", "Umar Thurmann", "Bo Derek"]
    assert near_spellings("THURMAN uma", known)[:2] == ["Uma Karuna Thurman", "Uma Thurman"]
    assert near_spellings("uma thurmann", known)[0] in {"Umar Thurmann", "Uma Thurman"}
    assert near_spellings("Greta", known) == []

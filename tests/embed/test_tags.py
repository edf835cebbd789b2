"""Tags as they are compared: what a tag says, and which sets of them cannot both be true."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed.tags import Tag, can_contradict, contradict, read_tag


@pytest.mark.parametrize(
    ("tag", "read"),
    [
        ("Night", Tag("", "night", False)),
        ("  no   NIGHT", Tag("", "night", True)),
        ("not night", Tag("", "night", True)),
        ("no", Tag("", "no", False)),  # nothing is denied
        ("nobody", Tag("", "nobody", False)),
        ("Season: Winter", Tag("season", "winter", False)),
        ("season :winter", Tag("season", "winter", False)),
        ("no season: winter", Tag("season", "winter", True)),
        ("time: 12:30", Tag("time", "12:30", False)),
        (": winter", Tag("", ": winter", False)),  # no group, so a tag as it stands
        ("winter:", Tag("", "winter:", False)),
        ("", Tag("", "", False)),
    ],
)
def test_a_tag_is_read(tag: str, read: Tag) -> None:
    assert read_tag(tag) == read
    assert can_contradict(tag) == (read.denied or bool(read.group))


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (["night"], ["no night"], True),
        (["NIGHT", "sea"], ["not  night"], True),
        (["no night"], ["no night"], False),
        (["night"], ["day"], False),  # whether these are one another's opposites nobody said
        (["season: winter"], ["season: summer"], True),
        (["season: winter", "season: spring"], ["season: spring"], False),
        (["season: winter"], ["mood: dark"], False),
        (["season: winter"], ["winter"], False),
        (["season: winter"], ["no season: winter"], True),
        (["season: winter"], ["no season: summer"], False),
        (["season: summer", "sea"], [], False),
        (["night", "no night"], ["sea"], False),  # what contradicts itself is the publisher's
    ],
)
def test_what_contradicts(one: list[str], other: list[str], expected: bool) -> None:
    assert contradict(one, other) == expected
    assert contradict(other, one) == expected


TAGS = st.lists(
    st.builds(
        lambda denial, group, value: f"{denial}{group}{value}",
        st.sampled_from(["", "", "no ", "not "]),
        st.sampled_from(["", "g: ", "h:"]),
        st.sampled_from("abc"),
    ),
    max_size=4,
)


@given(TAGS, TAGS)
def test_as_by_looking_at_every_pair(one: list[str], other: list[str]) -> None:
    here, there = ([read_tag(tag) for tag in tags] for tags in (one, other))
    denied = any((a.group, a.value) == (b.group, b.value) and a.denied != b.denied for a in here for b in there)
    said = [[tag for tag in tags if tag.group and not tag.denied] for tags in (here, there)]
    shared = {tag.group for tag in said[0]} & {tag.group for tag in said[1]}
    apart = any(all(a.value != b.value for a in said[0] for b in said[1] if a.group == b.group == group) for group in shared)
    assert contradict(one, other) == (denied or apart)
    assert not contradict(one, one) or any(
        (a.group, a.value, not a.denied) in {(b.group, b.value, b.denied) for b in here} for a in here
    )

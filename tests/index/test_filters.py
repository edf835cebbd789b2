"""What may be shown, held against a few plain lines per artwork."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.records import ARTWORK
from index.filters import NAMES, Blocked, Context, Flags, in_words

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TIMES = st.none() | st.sampled_from([NOW + timedelta(hours=hours) for hours in (-30, -1, 0, 1, 30)])
LOCALES = ["en", "pt", "pt-BR", "pt_PT", "PT-br", "p", "en-GB"]


@st.composite
def artworks(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "locale": draw(st.none() | st.sampled_from(LOCALES)),
        "maturity": draw(st.none() | st.sampled_from([0.0, 12.0, 18.0])),
        "spoiler": draw(st.none() | st.booleans()),
        "shown_from": draw(TIMES),
        "shown_until": draw(TIMES),
        "width": draw(st.none() | st.sampled_from([100, 150, 178, 300])),
        "height": draw(st.none() | st.sampled_from([100, 150, 178])),
    }


CONTEXTS = st.builds(
    Context,
    locale=st.none() | st.sampled_from(LOCALES),
    aspect=st.none() | st.sampled_from([16 / 9, 1.0, 2 / 3]),
    maturity=st.none() | st.sampled_from([6.0, 12.0, 18.0]),
    seen=st.sets(st.sampled_from(["seen", "other"])),
    at=st.just(NOW),
    allow=st.none() | st.sets(st.sampled_from([f"a{number}" for number in range(8)])),
    deny=st.sets(st.sampled_from([f"a{number}" for number in range(8)])),
)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    filled = [{"artwork_id": f"a{number}", **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=pa.schema([pa.field(f.name, f.type) for f in ARTWORK]))


def stopped(artwork_id: str, row: dict[str, Any], known: bool, context: Context) -> str:
    """The first filter that stops the artwork, by hand; "" where it may be shown."""

    def tag(locale: str) -> list[str]:
        return locale.lower().replace("_", "-").split("-")

    def meet(one: list[str], other: list[str]) -> bool:
        shorter = min(len(one), len(other))
        return one[:shorter] == other[:shorter]

    if (row["shown_from"] and row["shown_from"] > NOW) or (row["shown_until"] and row["shown_until"] <= NOW):
        return "campaign"
    if context.maturity is not None and (row["maturity"] or 0) > context.maturity:
        return "maturity"
    if row["spoiler"] and not known:
        return "spoiler"
    if artwork_id in context.deny:
        return "deny list"
    if context.allow is not None and artwork_id not in context.allow:
        return "allow list"
    if context.locale and row["locale"] and not meet(tag(context.locale), tag(row["locale"])):
        return "locale"
    if context.aspect and row["width"] and row["height"]:
        share = row["width"] / row["height"] / context.aspect
        if min(share, 1 / share) < 0.75:
            return "aspect"
    return ""


@settings(deadline=None, max_examples=300)
@given(rows=st.lists(artworks(), max_size=8), context=CONTEXTS, data=st.data())
def test_each_artwork_is_stopped_by_the_first_that_has_something_against_it(
    rows: list[dict[str, Any]], context: Context, data: st.DataObject
) -> None:
    table = table_of(rows)
    known = np.array([data.draw(st.booleans()) and "seen" in context.seen for _ in rows], bool)
    asked = np.array(data.draw(st.permutations(range(len(rows)))), np.int64)[: data.draw(st.integers(0, 8))]
    blocked = Flags.of(table).block(
        context, asked, lambda: known[asked], lambda: table["artwork_id"].combine_chunks().take(pa.array(asked))
    )
    by = blocked.by if blocked is not None else np.zeros(len(asked), np.int8)
    by_hand = [stopped(f"a{row}", rows[row], bool(known[row]), context) for row in asked]
    assert [NAMES[number] for number in by] == by_hand
    if blocked is not None:
        assert blocked.free.tolist() == [name == "" for name in by_hand]
        assert blocked.as_fallback.tolist() == [name in ("", "locale", "aspect") for name in by_hand]


def test_a_catalog_that_says_nothing_is_asked_nothing() -> None:
    flags = Flags.of(table_of([{}, {}]))
    never: Any = None  # not called
    assert flags.block(Context(locale="en", aspect=1.0, maturity=6, at=NOW), np.arange(2), never, never) is None


def test_campaigns_and_spoilers_hold_without_being_asked_for() -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    flags = Flags.of(table_of([{"shown_until": past}, {"spoiler": True}, {}]))
    blocked = flags.block(Context(), np.arange(3), lambda: np.zeros(3, bool), lambda: pa.chunked_array([[]]))
    assert blocked is not None
    assert [NAMES[number] for number in blocked.by] == ["campaign", "spoiler", ""]


@pytest.mark.parametrize("at", [NOW, NOW.replace(tzinfo=None), NOW.astimezone(tz=None)], ids=["utc", "no zone", "local"])
def test_a_campaign_ends_at_its_moment(at: datetime) -> None:
    flags = Flags.of(table_of([{"shown_until": NOW}, {"shown_until": NOW + timedelta(microseconds=1)}, {"shown_from": NOW}]))
    blocked = flags.block(Context(at=at), np.arange(3), lambda: np.zeros(3, bool), lambda: pa.chunked_array([[]]))
    assert blocked is not None
    assert blocked.free.tolist() == [False, True, True]


@pytest.mark.parametrize("aspect", [0, -1.5, np.nan, np.inf])
def test_an_aspect_that_is_none_is_refused(aspect: float) -> None:
    flags = Flags.of(table_of([{"width": 16, "height": 9}]))
    with pytest.raises(ValueError, match=r"width / height, above 0"):
        flags.block(Context(aspect=aspect), np.arange(1), lambda: np.zeros(1, bool), lambda: pa.chunked_array([[]]))


def test_what_stopped_a_title_is_counted_most_first() -> None:
    by = [NAMES.index(name) for name in ("locale", "campaign", "locale", "", "maturity")]
    counts = Blocked(np.array(by, np.int8)).counts(np.array([0, 3, 3, 5]))
    assert [in_words(one) for one in counts.tolist()] == ["2 by locale, 1 by campaign", "", "1 by maturity"]

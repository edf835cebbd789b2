"""The schemas as documentation: every field says what it holds, and is named once."""

import pyarrow as pa
import pytest

from embed import records
from embed.records import Phrase, Profile, fold

SCHEMAS = {name: value for name, value in vars(records).items() if isinstance(value, pa.Schema)}
SCHEMAS |= {f.__name__: f(4) for f in (records.embedding_schema, records.phrase_schema, records.audience_schema)}
FIELDS = [pytest.param(field, id=f"{name}.{field.name}") for name, schema in SCHEMAS.items() for field in schema]


def test_all_records_of_the_design_are_there() -> None:
    assert {"TITLE", "ARTWORK", "WATCH", "TASTE", "IMPRESSION", "PLAY"} <= SCHEMAS.keys()


@pytest.mark.parametrize("name", SCHEMAS)
def test_names_are_unique(name: str) -> None:
    assert len(set(SCHEMAS[name].names)) == len(SCHEMAS[name].names)


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_says_what_it_holds(field: pa.Field) -> None:
    assert field.metadata[b"doc"].decode().strip()
    assert field.metadata.keys() <= {b"doc", b"range", b"by"}
    assert field.metadata.get(b"by", b"job") == b"job"


@pytest.mark.parametrize("field", FIELDS)
def test_every_range_can_be_read_and_is_of_a_number(field: pa.Field) -> None:
    if b"range" in field.metadata:
        low, high = map(float, field.metadata[b"range"].decode().split(".."))
        assert low < high
        assert pa.types.is_floating(field.type)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Uma Thurman", "uma  THURMAN ", True),
        ("Zoë", "Zoe\u0308", True),  # composed and decomposed, as macOS writes file names
        ("Straße", "STRASSE", True),
        ("Uma Thurman", "Uma Thurmann", False),
    ],
)
def test_folded_names(one: str, other: str, same: bool) -> None:
    assert (fold(one) == fold(other)) == same


def profile(*weights: float) -> Profile:
    """A profile whose phrases stand on the axes of a space of four dimensions."""
    import numpy as np

    phrases = tuple(Phrase(text, "stated", weight) for text, weight in zip("abcd", weights, strict=False))
    return Profile("u", phrases, np.eye(4, dtype=np.float32)[: len(weights)], "f")


def test_a_profile_reads_as_a_person_would_say_it() -> None:
    phrases = (
        Phrase("romantic films", "genre", 0.5),
        Phrase("Uma Thurman", "person", 0.2),
        Phrase("dark, rainy cities", "stated", 0.2),
        Phrase("horror", "stated", -0.1),
    )
    text = Profile("u", phrases, profile(1, 1, 1, 1).vectors, "f").text
    assert text == "romantic films; Uma Thurman; dark, rainy cities; not horror"


def test_a_profile_s_vector_is_the_weighted_sum_at_unit_length() -> None:
    vector = profile(3.0, -4.0).vector
    assert vector.dtype == "float32"
    assert vector.tolist() == pytest.approx([0.6, -0.8, 0, 0])


def test_a_profile_without_phrases_has_no_direction() -> None:
    assert profile().vector.tolist() == [0, 0, 0, 0]
    assert profile().text == ""

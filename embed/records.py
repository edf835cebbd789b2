"""The records: one Arrow schema each, every field named once; and what a taste is in memory.

A field's metadata says what it holds (`doc`), the closed range of its numbers (`range`), and `by: job` where the batch job
measures it rather than the catalog. `nullable=False` means that a catalog row without it is set aside.
Times are UTC with microseconds. Lists are never null: an empty list says "none".
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

UTC = pa.timestamp("us", tz="UTC")
TEXTS = pa.list_(pa.string())


def _field(name: str, type_: pa.DataType, doc: str, *, required: bool = False, **metadata: str) -> pa.Field:
    return pa.field(name, type_, nullable=not required, metadata={"doc": doc, **metadata})


TITLE = pa.schema(
    [
        _field("title_id", pa.string(), "the publisher's id of the title", required=True),
        _field("name", pa.string(), "as a viewer reads it", required=True),
        _field("genres", TEXTS, "such as drama, comedy"),
        _field("people", TEXTS, "who is in it or made it"),
        _field("keywords", TEXTS, "what it is about, and its places"),
        _field("moods", TEXTS, "how it feels, such as tense, heart-warming"),
        _field("synopsis", pa.string(), "a few sentences"),
        _field(
            "fallback", pa.string(), "the artwork_id to show where the viewer's locale and screen leave none of its artwork"
        ),
    ]
)

ARTWORK = pa.schema(
    [
        _field("artwork_id", pa.string(), "the publisher's id of the artwork", required=True),
        _field("title_id", pa.string(), "the title it stands for", required=True),
        _field("path", pa.string(), "the picture's file, relative to the catalog folder", required=True),
        _field("people", TEXTS, "who is to be seen on it"),
        _field("tags", TEXTS, "what is to be seen on it; 'no NIGHT' denies a tag, 'season: winter' is one of a group"),
        _field("caption", pa.string(), "a description of the picture"),
        _field("copy", pa.string(), "the line of micro-copy on or beside it"),
        _field("locale", pa.string(), "the language or market it is made for, such as en or pt-BR; empty for all"),
        _field("prominence", pa.float32(), "how large a part what it shows has in the title", range="0..1"),
        _field("maturity", pa.float32(), "the youngest age in years that may see it; empty for all", range="0..21"),
        _field("spoiler", pa.bool_(), "whether it gives the story away: shown only to who knows the title"),
        _field("shown_from", UTC, "when its campaign begins; empty: it has begun"),
        _field("shown_until", UTC, "when its campaign is over; empty: never"),
        _field("added_at", UTC, "when it joined the catalog; the first run that saw it, where the catalog is silent"),
        _field("sha256", pa.string(), "of the file's bytes, hexadecimal", by="job"),
        _field("width", pa.int32(), "pixels, upright", by="job"),
        _field("height", pa.int32(), "pixels, upright", by="job"),
        _field("stamp", pa.string(), "the file's size and time of change when its sha256 was taken", by="job"),
        _field("active", pa.bool_(), "false once its row or file is gone, or the file cannot be read", by="job"),
    ]
)

COPY = pa.schema(
    [
        _field("copy_id", pa.string(), "the publisher's id of the line of micro-copy", required=True),
        _field("title_id", pa.string(), "the title it speaks of", required=True),
        _field("text", pa.string(), "the line as a viewer reads it beside a picture", required=True),
        _field("locale", pa.string(), "the language or market it is written for, such as en or pt-BR; empty for all"),
        _field("tags", TEXTS, "what it says of the picture beside it, as an artwork's tags: it goes with none they contradict"),
    ]
)

ACCEPTED_TAG = pa.schema(
    [
        _field("artwork_id", pa.string(), "the artwork that has no tags of its own", required=True),
        _field("tag", pa.string(), "what is to be seen on it, as a person accepted it", required=True),
    ]
)

WATCH = pa.schema(
    [
        _field("user_id", pa.string(), "who watched", required=True),
        _field("title_id", pa.string(), "what was watched", required=True),
        _field("fraction", pa.float32(), "how much of it was watched", required=True, range="0..1"),
        _field("watched_at", UTC, "when", required=True),
    ]
)

TASTE = pa.schema(
    [
        _field("user_id", pa.string(), "who says it", required=True),
        _field("text", pa.string(), "phrases divided by commas, such as: dark forests, Uma Thurman", required=True),
        _field("weight", pa.float32(), "how much it counts; below 0 a dislike; 1 where silent", range="-100..100"),
    ]
)

USER = pa.schema(
    [
        _field("user_id", pa.string(), "who; of several rows of one user the last one holds", required=True),
        _field("locale", pa.string(), "the user's language or market, such as en or pt-BR"),
        _field("segment", pa.string(), "the audience segment of the user"),
    ]
)

IMPRESSION = pa.schema(
    [
        _field("impression_id", pa.string(), "one artwork shown once to one user", required=True),
        _field("user_id", pa.string(), "who saw it", required=True),
        _field("title_id", pa.string(), "the title it stood for", required=True),
        _field("artwork_id", pa.string(), "the artwork shown", required=True),
        _field("copy_id", pa.string(), "the line of micro-copy shown beside it; empty for none"),
        _field("propensity", pa.float64(), "probability with which the policy chose it", range="0..1"),
        _field("policy", pa.string(), "the name of the policy that chose"),
        _field("segment", pa.string(), "the audience segment of the user"),
        _field("device", pa.string(), "such as tv, phone"),
        _field("country", pa.string(), "ISO 3166 code"),
        _field("row", pa.int32(), "the row of the page, from 0"),
        _field("position", pa.int32(), "the place in the row, from 0"),
        _field("shown_at", UTC, "when", required=True),
    ]
)

PLAY = pa.schema(
    [
        _field("impression_id", pa.string(), "the impression that led to it", required=True),
        _field("played_at", UTC, "when it began", required=True),
        _field("seconds", pa.float32(), "how long was watched", range="0..1000000"),
        _field("fraction", pa.float32(), "how much of the title was watched", range="0..1"),
    ]
)

CONSIDERED = pa.struct(
    [
        ("artwork_id", pa.string()),
        ("score", pa.float64()),  # log-odds; the parts add up to it
        ("prior", pa.float64()),
        ("similarity", pa.float64()),
        ("people", pa.float64()),
        ("words", pa.float64()),
        ("plays", pa.float64()),  # the Beta posterior behind the prior: alpha ...
        ("failures", pa.float64()),  # ... and beta
        ("propensity", pa.float64()),
    ]
)

CHOICE_LOG = pa.schema(
    [
        *IMPRESSION,  # so that a log of choices can be read as one of impressions
        _field("period", pa.int64(), "the number of the period in which the title keeps its artwork for the user"),
        _field("snapshot", pa.string(), "the name of the snapshot that served"),
        _field("parameters", pa.string(), "of the policy, as JSON; `weights` are those that the parts were made with"),
        _field("seed", pa.int64(), "of the policy's draws"),
        _field("kept", pa.string(), "why what was shown before was kept (period, budget); empty where it was drawn"),
        _field("notes", TEXTS, "the guards that spoke, and how much of the title they set aside"),
        _field("considered", pa.list_(CONSIDERED), "what could have been shown, with the chance that each had"),
    ]
)

REJECTED = pa.schema(
    [
        _field("artwork_id", pa.string(), "the artwork whose picture was set aside", required=True),
        _field("title_id", pa.string(), "its title", required=True),
        _field("path", pa.string(), "its file", required=True),
        _field("sha256", pa.string(), "of the bytes that failed; null where the file could not be read"),
        _field("reason", pa.string(), "why, with the remedy", required=True),
        _field("rejected_at", UTC, "when it first failed with these bytes", required=True),
    ]
)

PHRASE = pa.struct(
    [("text", pa.string()), ("kind", pa.string()), ("weight", pa.float32()), ("titles", TEXTS), ("interest", pa.int32())]
)

PROFILE = pa.schema(
    [
        _field("user_id", pa.string(), "whose taste", required=True),
        _field("text", pa.string(), "the taste as a person reads it", required=True),
        _field("phrases", pa.list_(PHRASE), "strongest first, with the titles each came from", required=True),
        _field("fingerprint", pa.string(), "of the encoder whose vectors the phrases have", required=True),
        _field("source", pa.string(), "what it was made of: history, stated, history and stated, edited; empty: of nothing"),
        _field("locale", pa.string(), "the user's language or market, where the catalog says it"),
        _field("segment", pa.string(), "the audience segment of the user, where the catalog says it"),
    ]
)

EDIT = pa.schema(
    [
        _field("user_id", pa.string(), "whose taste", required=True),
        _field("phrases", pa.list_(PHRASE), "as a person left them; `interest` says nothing here", required=True),
        _field("edited_at", UTC, "when", required=True),
    ]
)

PRIOR = pa.schema(
    [
        _field("title_id", pa.string(), "the title", required=True),
        _field("artwork_id", pa.string(), "the artwork", required=True),
        _field("impressions", pa.int64(), "how often it was shown", required=True),
        _field("plays", pa.int64(), "how many of them led to a quality play", required=True),
        _field("mean", pa.float64(), "P(quality play | impression), the Beta posterior's mean", required=True, range="0..1"),
        _field("effective", pa.float64(), "impressions as they count, by age, place and segment"),
        _field("strength", pa.float64(), "impressions the mean is worth: alpha is mean * strength, beta the rest of strength"),
    ]
)

TITLE_PRIOR = pa.schema(
    [
        _field("title_id", pa.string(), "the title; empty: any other"),
        _field("mean", pa.float64(), "the same of an artwork of it that was never shown", required=True, range="0..1"),
        _field("strength", pa.float64(), "as PRIOR has it", required=True),
        _field("fit_weight", pa.float64(), "log-odds that a unit of the average fit is worth; only of any other title"),
        _field("fit_error", pa.float64(), "its standard deviation"),
    ]
)

SEGMENT_PRIOR = pa.schema(
    [
        _field("segment", pa.string(), "the audience segment, by its folded name", required=True),
        _field("title_id", pa.string(), "the title; empty where the artwork is"),
        _field("artwork_id", pa.string(), "the artwork, where it was shown there; empty: of any other in the segment"),
        _field("impressions", pa.int64(), "how often it was shown there", required=True),
        _field("plays", pa.int64(), "how many of them led to a quality play", required=True),
        _field("mean", pa.float64(), "as PRIOR has it, in the segment", required=True, range="0..1"),
        _field(
            "strength",
            pa.float64(),
            "as PRIOR has it; where there is no artwork, impressions that an artwork's rate elsewhere is worth here",
            required=True,
        ),
    ]
)

COPY_PRIOR = pa.schema(
    [
        _field("title_id", pa.string(), "the title", required=True),
        _field("copy_id", pa.string(), "the line of micro-copy", required=True),
        _field("impressions", pa.int64(), "how often it was shown", required=True),
        _field("plays", pa.int64(), "how many of them led to a quality play", required=True),
        _field("effective", pa.float64(), "impressions as they count, by age"),
        _field("effective_plays", pa.float64(), "quality plays likewise"),
    ]
)

CLICK_FACT = pa.schema(
    [
        _field("impression_id", pa.string(), "as IMPRESSION has it, one row each", required=True),
        _field("user_id", pa.string(), "likewise"),
        _field("title_id", pa.string(), "likewise; empty: a play whose impression has not come"),
        _field("artwork_id", pa.string(), "likewise"),
        _field("copy_id", pa.string(), "likewise"),
        _field("segment", pa.string(), "likewise"),
        _field("place", pa.int64(), "row and position of the page as one number"),
        _field("shown_us", pa.int64(), "when, in microseconds since 1970, UTC"),
        _field("played_us", pa.int64(), "when the first quality play began, likewise"),
        _field("quality", pa.int64(), "1 where it led to a quality play, else 0", required=True),
    ]
)

CLICK_DAY = pa.schema(
    [
        _field(
            "kind", pa.string(), "what is counted: segment, place, copy, delay, or why impressions are left out", required=True
        ),
        _field("shown_day", pa.int64(), "days since 1970, UTC"),
        _field("title_id", pa.string(), "the title"),
        _field("artwork_id", pa.string(), "the artwork"),
        _field("name", pa.string(), "of the segment or the line of copy"),
        _field("place", pa.int64(), "as CLICK_FACT has it; of a delay, the power of two of seconds that it stays below"),
        _field("impressions", pa.int64(), "how many", required=True),
        _field("plays", pa.int64(), "how many of them led to a quality play", required=True),
    ]
)

BLEND = pa.schema(
    [
        _field("similarity", pa.float64(), "what a unit of it is worth in a score, in log-odds", required=True, range="0..5"),
        _field("people", pa.float64(), "likewise", required=True, range="0..5"),
        _field("words", pa.float64(), "likewise", required=True, range="0..5"),
        _field("copy", pa.float64(), "likewise, of a line of copy", required=True, range="0..5"),
        _field("fitted_at", UTC, "when", required=True),
        _field("choices", pa.int64(), "how many choices of a log they were fitted on", required=True),
        _field("plays", pa.int64(), "how many of them led to a quality play", required=True),
        _field("users", pa.int64(), "whose they were", required=True),
        _field("snapshots", TEXTS, "the names of the snapshots that served"),
        _field("gain", pa.float64(), "log loss of the defaults less theirs, on later days, in nats a choice", required=True),
        _field("gain_low", pa.float64(), "the lower end of its 95 % interval", required=True),
        _field("gain_high", pa.float64(), "the upper end", required=True),
        _field("report", pa.string(), "all that the fit said, as JSON", required=True),
    ]
)


def fold(name: str) -> str:
    """A name as it is compared: neither case nor spacing nor the way an accent is encoded tell two people apart."""
    return " ".join(unicodedata.normalize("NFC", name.casefold()).split())


def vector(dimension: int) -> pa.DataType:
    """A unit vector of CLIP's space: `dimension` float32 numbers."""
    return pa.list_(pa.float32(), dimension)


def embedding_schema(dimension: int) -> pa.Schema:
    """One row per picture content: an artwork finds its vector by sha256, wherever its file lies."""
    return pa.schema(
        [
            _field("sha256", pa.string(), "of the file's bytes", required=True),
            _field("width", pa.int32(), "pixels, upright", required=True),
            _field("height", pa.int32(), "pixels, upright", required=True),
            _field("fingerprint", pa.string(), "of the encoder that made the vector", required=True),
            _field("vector", vector(dimension), "unit length", required=True),
        ]
    )


def phrase_schema(dimension: int) -> pa.Schema:
    """One row per phrase of anyone's taste: users share phrases, so each is encoded once."""
    return pa.schema(
        [
            _field("kind", pa.string(), "genre, mood, person, keyword or stated: it decides the prompts", required=True),
            _field("text", pa.string(), "the phrase", required=True),
            _field("fingerprint", pa.string(), "of the encoder that made the vector", required=True),
            _field("vector", vector(dimension), "unit length", required=True),
        ]
    )


def word_schema(dimension: int) -> pa.Schema:
    """One row per tag or line of micro-copy of a catalog: artworks share tags, so each is encoded once."""
    return pa.schema(
        [
            _field("kind", pa.string(), "tag or copy: it decides the prompts", required=True),
            _field("text", pa.string(), "what the text tower reads of it", required=True),
            _field("pieces", pa.int32(), "in how many it was divided to be read whole; 1 where it was not", required=True),
            _field("fingerprint", pa.string(), "of the encoder that made the vector", required=True),
            _field("vector", vector(dimension), "unit length", required=True),
        ]
    )


def audience_schema(dimension: int) -> pa.Schema:
    """One row: what users have in common, against which one user's taste is personal."""
    return pa.schema(
        [
            _field("fingerprint", pa.string(), "of the encoder that made the vectors", required=True),
            _field("users", pa.int64(), "how many users stand behind it", required=True),
            _field("neutral", vector(dimension), "of a picture of nothing in particular", required=True),
            _field("mean", vector(dimension), "of the users' interests, each user counting once", required=True),
            _field(
                "moment",
                vector(dimension * dimension),
                "mean outer product of (interest - what they have in common)",
                required=True,
            ),
            _field("kinds", TEXTS, "genre, person and so on: of phrases"),
            _field("commons", pa.list_(vector(dimension)), "of each of them: what all its phrases have in common"),
        ]
    )


def picture_interest_schema(dimension: int) -> pa.Schema:
    """One row per user who played titles after seeing artwork: what the artwork played has in common."""
    return pa.schema(
        [
            _field("user_id", pa.string(), "whose", required=True),
            _field("weight", pa.float64(), "the share it takes of the user's interests", required=True, range="0..1"),
            _field("fingerprint", pa.string(), "of the encoder that made the vectors", required=True),
            _field("vector", vector(dimension), "unit length, of pictures", required=True),
        ]
    )


def average_schema(dimension: int) -> pa.Schema:
    """One row per segment and locale: what its users have in common."""
    return pa.schema(
        [
            _field("kind", pa.string(), "segment or locale", required=True),
            _field("name", pa.string(), "of the segment or locale", required=True),
            _field("users", pa.int64(), "how many users stand behind it", required=True),
            _field("fingerprint", pa.string(), "of the encoder that made the vectors", required=True),
            _field("mean", vector(dimension), "as the audience's, shrunk towards it where the users are few", required=True),
        ]
    )


@dataclass(frozen=True)
class Phrase:
    """One thing a user likes (weight > 0) or dislikes (weight < 0), and the titles it was learned from."""

    text: str
    kind: str  # genre, mood, person, keyword or stated
    weight: float  # share of the taste: in a profile that was made, the sizes of all phrases' sum to 1
    titles: tuple[str, ...] = ()  # title_ids
    interest: int = field(default=0, compare=False)  # which of the user's interests it belongs to; -1 for a dislike

    def __str__(self) -> str:
        return self.text if self.weight >= 0 else f"not {self.text}"


@dataclass(frozen=True)
class Profile:
    """A user's taste: phrases, and what they are in the encoder's space."""

    user_id: str
    phrases: tuple[Phrase, ...]  # strongest first
    vectors: np.ndarray  # (phrases, d) float32, unit vectors
    fingerprint: str  # of the encoder whose vectors they are
    source: str = ""  # what it was made of: see PROFILE
    locale: str | None = None
    segment: str | None = None

    @property
    def text(self) -> str:
        """The taste as a person reads it: "romantic films; Uma Thurman; dark, rainy cities; not horror"."""
        return "; ".join(str(phrase) for phrase in self.phrases)

    def _repr_html_(self) -> str:
        """As a notebook shows it."""
        from embed.notebook import profile_html

        return profile_html(self)

    @property
    def vector(self) -> np.ndarray:
        """The taste as one unit vector (d,) float32: the phrases' vectors, weighted; zeros where there are no phrases."""
        weights = np.array([phrase.weight for phrase in self.phrases], np.float32)
        total = weights @ self.vectors.reshape(len(weights), -1) if len(weights) else np.zeros(self.vectors.shape[-1])
        norm = float(np.linalg.norm(total))
        return (total / norm if norm else total).astype(np.float32)

    @property
    def interests(self) -> tuple[np.ndarray, np.ndarray]:
        """(shares (k,) float64, which sum to 1, unit vectors (k, d) float32): the user's interests, the one that weighs most first.

        Each is its phrases' vectors, weighted, less all that the user dislikes in the proportion that likes and dislikes have
        together. One interest of dislikes alone where nothing is liked; none without phrases.
        """
        weights = np.array([phrase.weight for phrase in self.phrases], np.float32)
        numbers = np.array([phrase.interest if phrase.weight > 0 else -1 for phrase in self.phrases], np.int64)
        kept = np.unique(numbers[numbers >= 0])
        member = (numbers == kept[:, None]).astype(np.float32)  # (k, p)
        worth = (member * weights).sum(axis=1, dtype=np.float64)
        dislikes = np.where(numbers < 0, weights, 0)
        if len(kept):
            mixed = member * weights * (worth.sum() / worth)[:, None].astype(np.float32) + dislikes
            shares = worth / worth.sum()
        else:
            count = min(len(weights), 1)
            mixed, shares = dislikes.reshape(count, len(weights)), np.ones(count)
        totals = (mixed @ self.vectors).astype(np.float32)
        norms = np.linalg.norm(totals, axis=1, keepdims=True)
        return shares, np.divide(totals, norms, out=np.zeros_like(totals), where=norms > 0)


@dataclass(frozen=True)
class Audience:
    """What the users of a store have in common: see `audience_schema` and `average_schema`. All arrays float32."""

    fingerprint: str
    users: int
    neutral: np.ndarray  # (d,)
    mean: np.ndarray  # (d,)
    moment: np.ndarray  # (d, d)
    averages: tuple["Average", ...] = ()
    commons: Mapping[str, np.ndarray] = field(
        default_factory=dict
    )  # kind of a phrase to (d,), what all of the kind have in common


@dataclass(frozen=True)
class Average:
    """What the users of one segment or locale have in common."""

    kind: str  # segment or locale
    name: str
    users: int
    mean: np.ndarray  # (d,) float32

    def __str__(self) -> str:
        return f"the average of {self.kind} {self.name!r} ({self.users} users)"

"""Phrases and what the text tower is told of them: prompts by kind, averaged; texts longer than it reads are divided, never cut."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.records import fold
from embed.tastes.vocabulary import PhraseKey

if TYPE_CHECKING:
    from embed.encoder import Encoder

FILMS = " films"
# Words in which a genre describes what people like; the others read well as "{genre} films".
ADJECTIVES = {
    "romance": "romantic", "comedy": "funny", "drama": "dramatic", "animation": "animated", "adventure": "adventure",
    "mystery": "mystery", "history": "historical", "music": "music", "family": "family",
}  # fmt: skip

# Averaged per phrase (Radford et al. 2021, section 3.1.4); worded for posters and stills rather than for objects.
# A genre's phrase goes in without its "films".
PROMPTS = {
    "genre": ("a poster of a {} movie", "a still from a {} film", "{} films"),
    "mood": ("a {} scene", "a still from a {} film", "{}"),
    "person": ("a photo of {}", "a portrait of {}", "{}"),
    "keyword": ("a picture of {}", "a still from a film about {}", "{}"),
    "stated": ("a picture of {}", "a still from a film with {}", "{}"),
}
NEUTRAL = ("a picture", "a poster of a movie", "a still from a film", "a photo")
PROMPT = "prompt"  # the kind of what is a prompt already, and is encoded as it stands

EncodePrompts = Callable[[Sequence[Sequence[str]]], list[np.ndarray]]  # `encode_prompts` with an encoder, or PhraseBook's


@dataclass(frozen=True)
class Divided:
    """A text that was longer than the text tower reads, and where it stands."""

    table: str
    where: str  # such as "title 'sintel'" or "user 'ada'"
    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.table}, {self.where}, {self.field}: longer than the text tower reads, so divided: {self.text}"


def genre_phrase(genre: str) -> str:
    """ "Comedy" to "funny films"."""
    folded = fold(genre)
    return ADJECTIVES.get(folded, folded) + FILMS


def split_phrases(text: str) -> list[str]:
    """ "dark forests, monsters" to its phrases; with a semicolon anywhere, commas belong to the phrases."""
    parts = re.split(r"[;\n]" if re.search(r"[;\n]", text) else ",", text)
    return [phrase for part in parts if (phrase := " ".join(part.split()).strip(" ,"))]


def pieces_of(text: str, encoder: "Encoder") -> list[str]:
    """`text` in pieces that the text tower reads whole, whatever their kind."""
    return in_pieces(text, [template for templates in PROMPTS.values() for template in templates], encoder)


def in_pieces(text: str, templates: Sequence[str], encoder: "Encoder") -> list[str]:
    """`text`, halved until every piece fits the tower's context in the longest of the templates; never cut in silence.

    At a space where there is one (not every script writes them).
    """
    if len(text) < 2 or encoder.fits(max((template.format(text) for template in templates), key=len)):
        return [text]
    words, joint = (text.split(), " ") if " " in text else (list(text), "")
    halves = joint.join(words[: len(words) // 2]), joint.join(words[len(words) // 2 :])
    return [piece for half in halves for piece in in_pieces(half, templates, encoder)]


def encode_phrases(keys: Sequence[PhraseKey], encoder: "Encoder") -> np.ndarray:
    """(n, d) float32: each phrase's prompts, averaged on the unit sphere."""
    vectors = encode_prompts([_prompts(kind, text, encoder) for kind, text in keys], encoder)
    return np.array(vectors, np.float32).reshape(len(keys), encoder.dimension)


def encode_prompts(groups: Sequence[Sequence[str]], encoder: "Encoder") -> list[np.ndarray]:
    """(d,) float32 of each group of texts that say the same: their unit vectors, averaged on the unit sphere."""
    vectors = iter(encoder.encode_texts([text for group in groups for text in group]))
    return [mean_unit(np.stack([next(vectors) for _ in group])) for group in groups]


def common_vectors(encode: EncodePrompts) -> dict[str, np.ndarray]:
    """Kind to (d,) float32: what the prompts of all its phrases have in common, which is what they say of nothing."""
    groups = [[" ".join(template.format("").split()) or NEUTRAL[0] for template in templates] for templates in PROMPTS.values()]
    return dict(zip(PROMPTS, encode(groups), strict=True))


def neutral_vector(encode: EncodePrompts) -> np.ndarray:
    """(d,) float32: what texts have in common that say nothing in particular."""
    return encode([NEUTRAL])[0]


def _prompts(kind: str, text: str, encoder: "Encoder") -> list[str]:
    """What has a name (a genre, a mood, a person) stays one phrase however long it is: its pieces have prompts of their own."""
    if kind == PROMPT:
        return [text]
    subject = text.removesuffix(FILMS) if kind == "genre" else text
    subjects = [subject] if kind in ("keyword", "stated") else pieces_of(subject, encoder)
    return [template.format(piece) for piece in subjects for template in PROMPTS[kind]]


def mean_unit(vectors: np.ndarray) -> np.ndarray:
    """(d,): unit vectors (n, d), averaged on the unit sphere."""
    mean = vectors.mean(axis=0)
    unit: np.ndarray = mean / np.linalg.norm(mean)
    return unit

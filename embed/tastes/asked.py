"""What someone asks for in words, as phrases that the text tower reads whole, each a vector of the same making as a stated taste's."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from embed.encoder import unit
from embed.records import fold
from embed.tastes.phrases import PROMPTS, encode_prompts, pieces_of, split_phrases

if TYPE_CHECKING:
    from embed.encoder import Encoder


@dataclass(frozen=True)
class Said:
    """A phrase that was asked for."""

    text: str
    pieces: tuple[str, ...]  # itself, or its parts where the text tower does not read it whole
    vector: np.ndarray  # (d,) float32 unit: the mean of its pieces


def phrases_asked(words: str, encoder: "Encoder") -> list[Said]:
    """The phrases of `words`, divided as a stated taste is, each once; none where there are only commas."""
    texts: dict[str, str] = {}
    for text in split_phrases(words):
        texts.setdefault(fold(text), text)
    return [_said(text, encoder) for text in texts.values()]


def whole(words: str, phrases: list[Said], encoder: "Encoder") -> np.ndarray | None:
    """(d,) float32 of all the words as one phrase; None where that is what a phrase is already, or the text tower would cut it."""
    text = " ".join(words.split())
    if len(phrases) < 2 or len(pieces_of(text, encoder)) > 1:
        return None
    return _said(text, encoder).vector


def _said(text: str, encoder: "Encoder") -> Said:
    pieces = pieces_of(text, encoder)
    vectors = encode_prompts([[template.format(piece) for template in PROMPTS["stated"]] for piece in pieces], encoder)
    return Said(text, tuple(pieces), unit(np.mean(vectors, axis=0, keepdims=True))[0])

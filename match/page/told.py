"""Choices and scores as documents have them: short names, plain values; the four parts add up to the score."""

from typing import Any

from match.blend import Prior
from match.lines import Line
from match.matcher import Choice
from match.page.site import Document, Site
from match.scored import Scored


def told_artwork(site: Site, artwork: Scored) -> Document:
    """An artwork of a title as one user sees it."""
    why = artwork.why
    return {
        "id": artwork.artwork_id,
        "path": artwork.path,
        "picture": site.pictures.get(artwork.artwork_id),
        "score": artwork.score,
        "parts": {
            "prior": why.prior_part,
            "similarity": why.similarity_part,
            "people": why.people_part,
            "words": why.words_part,
        },
        "phrase": why.phrase,
        "cosine": why.phrase_similarity,
        "people": list(why.people),
        "word": why.word,
        "prior": told_prior(why.prior),
    }


def told_prior(prior: Prior) -> Document:
    """What clicks say, and the counts behind it."""
    return prior._asdict()


def told_line(line: Line | None, reason: str) -> Document:
    """The line of copy beside an artwork, and why."""
    if line is None:
        return {"id": None, "reason": reason}
    told = {"id": line.copy_id, "text": line.text, "similarity": line.similarity_part, "prior": told_prior(line.prior)}
    return {**told, "reason": reason}


def told_choice(site: Site, choice: Choice) -> Document:
    """What was chosen for a title; `second` is the runner-up, None where there is none or where it was not asked for."""
    return {
        "title": choice.title_id,
        "reason": choice.reason,
        "artwork": choice.artwork and told_artwork(site, choice.artwork),
        "second": told_artwork(site, choice.others[0]) if choice.others else None,
        "copy": told_line(choice.copy, choice.copy_reason),
        "propensity": choice.propensity,
        "guards": list(choice.guards),
    }


DIGITS = 6  # of a number in a document: as many as scores are compared by


def shortened(document: Document) -> Document:
    """A document with its numbers rounded: a page in a file has many, and seventeen digits of each."""
    return {name: _shortened(value) for name, value in document.items()}


def _shortened(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return shortened(value)
    return [_shortened(one) for one in value] if isinstance(value, list) else value

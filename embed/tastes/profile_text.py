"""A profile as text that a person reads and edits: one phrase a line, and back without a loss.

    # ada's taste: weight, kind, phrase  # the titles it came from
     0.45   genre    romantic films      # two-sugars, saltwind
    -0.2    stated   "a phrase with a # in it"

What stands after a "#" is for the reader. A phrase that could be mistaken (with a "#", a quote or unusual white space in it) stands
in quotes, as JSON has it.
"""

import json
import math
import re
from collections.abc import Sequence

import numpy as np

from embed.errors import ProfileError
from embed.records import Phrase, Profile, fold
from embed.tastes.phrases import PROMPTS
from embed.tastes.selection import PHRASES

MOST = 100.0  # the size of a weight, as of a stated taste
PLAIN = re.compile(r"[^\s\"#]+( [^\s\"#]+)*")
KINDS = ", ".join(PROMPTS)
HEAD = (
    "# The taste of {user}: weight, kind ({kinds}), phrase; a weight below 0 is a dislike.",
    "# What stands after a # is only to be read: the titles that a phrase came from.",
)


def as_text(profile: Profile) -> str:
    """The profile, one phrase a line; `phrases_of_text` reads it back."""
    head = [line.format(user=_quoted(profile.user_id), kinds=KINDS) for line in HEAD]
    return "\n".join([*head, *map(_line, profile.phrases)]) + "\n"


def phrases_of_text(text: str, file: str, before: Sequence[Phrase] = ()) -> tuple[Phrase, ...]:
    """The phrases of an edited profile, in the order of its lines; each keeps the titles it had among the phrases `before`.

    Raises ProfileError naming `file` and the line, for the first line that cannot be read.
    """
    titles = {(phrase.kind, phrase.text): phrase.titles for phrase in before}
    seen: dict[str, int] = {}
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{file}, line {number}"
        weight, kind, words = _parts(line, where)
        if (first := seen.setdefault(fold(words), number)) != number:
            raise ProfileError(f"{where}, phrase: {words!r} already stands in line {first}; keep one of them")
        if len(seen) > PHRASES:
            raise ProfileError(f"{where}: a profile has {PHRASES} phrases at most; remove those that say least")
        found.append(Phrase(words, kind, weight, titles.get((kind, words), ())))
    return tuple(found)


def _line(phrase: Phrase) -> str:
    titles = ", ".join(map(_quoted, phrase.titles))
    stated = f"{np.float32(phrase.weight)!s:<14} {phrase.kind:<8} {_quoted(phrase.text)}"
    return f"{stated}  # {titles}" if titles else stated


def _quoted(text: str) -> str:
    """As it is, where nobody could mistake it."""
    return text if PLAIN.fullmatch(text) else json.dumps(text)


def _parts(line: str, where: str) -> tuple[float, str, str]:
    parts = line.split(maxsplit=2)
    if len(parts) < 3 or parts[2].startswith("#"):
        raise ProfileError(
            f"{where}: {line.strip()!r} is no phrase; write weight, kind and phrase, such as: 0.5 stated dark forests"
        )
    return _weight(parts[0], where), _kind(parts[1], where), _words(parts[2], where)


def _weight(word: str, where: str) -> float:
    try:
        weight = float(word)
    except ValueError:
        weight = math.nan
    if not abs(weight) <= MOST:  # in this form true for what is no number, too
        raise ProfileError(f"{where}, weight: {word!r} is no number from -{MOST:g} to {MOST:g}; below 0 is a dislike")
    kept = float(np.float32(weight))
    if not kept:
        raise ProfileError(f"{where}, weight: a phrase that weighs {word} says nothing; remove the line")
    return kept


def _kind(word: str, where: str) -> str:
    if word not in PROMPTS:
        raise ProfileError(f"{where}, kind: {word!r} is none we know; give one of {KINDS}")
    return word


def _words(rest: str, where: str) -> str:
    if not rest.startswith('"'):
        return rest.split("#", 1)[0].strip()
    try:
        words, end = json.JSONDecoder().raw_decode(rest)
        words.encode("utf-8")
    except ValueError as error:
        problem = str(error)
    else:
        after = rest[end:].strip()
        if words.strip() and (not after or after.startswith("#")):
            return str(words)
        problem = "something follows it" if after else "it is empty"
    raise ProfileError(f"{where}, phrase: {rest!r} cannot be read ({problem}); close the quotes, or leave them out")

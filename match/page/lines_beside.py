"""All lines of copy of a title as one user sees them, beside the artwork chosen."""

import numpy as np

from embed.records import Profile
from index.titles import ABSENT
from match.lines import Line, PageLines, scored
from match.matcher import Choice, Matcher

CONTRADICTS = "it contradicts the artwork"


def lines_beside(matcher: Matcher, user: str | Profile, choice: Choice, rows: dict[str, int]) -> list[tuple[Line, str]]:
    """Each line of the title but the one chosen, the best first, and why it may not stand there; "" where it may.

    rows: of the title's artwork, by artwork_id.
    """
    snapshot = matcher.snapshot
    number = snapshot.title_numbers.get(choice.title_id)
    taste = matcher.taste(user)
    lines = None if number is None else PageLines.of(snapshot, np.array([number]), taste.of_lines, None)
    if lines is None:
        return []
    row = ABSENT if choice.artwork is None else rows[choice.artwork.artwork_id]
    _, _, parts = matcher.best_lines(taste, lines, slice(0, len(taste.of_lines)), np.array([row]))
    told = scored(snapshot, matcher.line_columns, lines.numbers, parts)
    clash = snapshot.lines.contradict(lines.numbers, np.full(len(told), row)) & (row != ABSENT)
    chosen = choice.copy and choice.copy.copy_id
    found = [(line, CONTRADICTS if stops else "") for line, stops in zip(told, clash.tolist(), strict=True)]
    return sorted((one for one in found if one[0].copy_id != chosen), key=lambda one: (one[1], -one[0].score))

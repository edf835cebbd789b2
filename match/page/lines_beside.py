"""All lines of copy of a title as one user sees them, beside the artwork chosen."""

import numpy as np

from index.titles import ABSENT
from match.lines import Line, PageLines, scored
from match.matcher import Choice, Matcher
from match.tastes import Taste

CONTRADICTS, UNREAD = "it contradicts the artwork", "it is of another locale"


def lines_beside(
    matcher: Matcher, taste: Taste, choice: Choice, rows: dict[str, int], locale: str | None
) -> list[tuple[Line, str]]:
    """Each line of the title but the one chosen, the best first, and why it may not stand there; "" where it may.

    rows: of the title's artwork, by artwork_id.
    """
    snapshot = matcher.snapshot
    number = snapshot.title_numbers.get(choice.title_id)
    lines = None if number is None else PageLines.of(snapshot, np.array([number]), taste.of_lines, None)
    if lines is None:
        return []
    row = ABSENT if choice.artwork is None else rows[choice.artwork.artwork_id]
    _, _, parts = matcher.best_lines(taste, lines, slice(0, len(taste.of_lines)), np.array([row]))
    told = scored(snapshot, matcher.line_columns, lines.numbers, parts)
    clash = snapshot.lines.contradict(lines.numbers, np.full(len(told), row)) & (row != ABSENT)
    chosen = choice.copy and choice.copy.copy_id
    read = snapshot.lines.speak(locale)
    unread = np.zeros(len(told), bool) if read is None else ~read[lines.numbers]
    why = [UNREAD if foreign else CONTRADICTS if stops else "" for foreign, stops in zip(unread, clash, strict=True)]
    found = zip(told, why, strict=True)
    return sorted((one for one in found if one[0].copy_id != chosen), key=lambda one: (one[1], -one[0].score))

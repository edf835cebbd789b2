"""Tags as they are compared, and when two sets of them contradict each other.

    night             it is so
    no night          it is not so; "not night" is the same
    season: winter    of the group "season" it is winter

Two sets contradict each other where one denies what the other says, or where both name a group and no value of it in common.
Neither case nor spacing tells two tags apart.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from embed.records import fold

DENIALS = ("no ", "not ")


@dataclass(frozen=True)
class Tag:
    """A tag, read. All folded."""

    group: str  # "" where it is of none
    value: str
    denied: bool


def read_tag(tag: str) -> Tag:
    """What a tag says."""
    text, denied = fold(tag), False
    for denial in DENIALS:
        if text.startswith(denial):
            text, denied = text.removeprefix(denial), True
            break
    group, _, value = (part.strip() for part in text.partition(":"))
    return Tag(group, value, denied) if group and value else Tag("", text, denied)


def contradict(one: Iterable[str], other: Iterable[str]) -> bool:
    """Whether two sets of tags cannot both be true of a picture."""
    here, there = ({read_tag(tag) for tag in tags} for tags in (one, other))
    if any(Tag(tag.group, tag.value, not tag.denied) in there for tag in here):
        return True
    groups = [_groups(tags) for tags in (here, there)]
    return any(not groups[0][group] & groups[1][group] for group in groups[0].keys() & groups[1].keys())


def can_contradict(tag: str) -> bool:
    """Whether the tag alone could contradict another that is no denial: most say only what is there."""
    read = read_tag(tag)
    return read.denied or bool(read.group)


def _groups(tags: set[Tag]) -> dict[str, set[str]]:
    """Group to the values that are said of it."""
    found: dict[str, set[str]] = {}
    for tag in tags:
        if tag.group and not tag.denied:
            found.setdefault(tag.group, set()).add(tag.value)
    return found

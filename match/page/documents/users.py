"""The users, a block at a time; `find`: those whose id has these letters."""

from collections.abc import Iterator

from embed.records import fold
from match.page.documents.blocks import block, starts
from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """start, find."""
    asked = fold(parameters.get("find", ""))
    found = site.user_ids
    if asked:
        found = [user_id for user_id, letters in zip(site.user_ids, site.folded_users, strict=True) if asked in letters]
    there = block(found, parameters)
    return {"total": len(found), "users": [{"id": user_id, "taste": _words(site, user_id)} for user_id in there]}


def _words(site: Site, user_id: str) -> str:
    profile = site.matcher.profiles.get(user_id)
    return profile.text if profile else ""


def written(site: Site) -> Iterator[Parameters]:
    """All blocks of all users."""
    return (Parameters(start=start) for start in starts(len(site.user_ids)))

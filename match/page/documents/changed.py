"""What a trial changes for a user: the titles whose artwork or line of copy is another under the blend or the taste that is tried."""

from collections.abc import Iterator, Sequence

from match.matcher import Choice
from match.page.documents.blocks import block
from match.page.documents.titles import found
from match.page.parameters import Parameters
from match.page.site import Document, Site
from match.page.told import told_choice


def answer(site: Site, parameters: Parameters) -> Document:
    """user, start, find (as of titles); similarity, people, words and copy: the blend; taste: the edited profile.

    total: how many changed, of `of` titles; changes: a block of them, each title with its choice before and now.
    """
    titles, user_id, tried = found(site, parameters), parameters.text("user"), site.user_of(parameters)
    changed = _changed(site.matcher.choose(user_id, titles), site.matcher_of(parameters).choose(tried, titles))
    some = block(changed, parameters)
    before, now = (
        matcher.choose(user, some, with_others=True)
        for matcher, user in ((site.matcher, user_id), (site.matcher_of(parameters), tried))
    )
    told = [
        {"title": old.title_id, "name": site.names.get(old.title_id, old.title_id), "before": told_choice(site, old)}
        | {"now": told_choice(site, new)}
        for old, new in zip(before, now, strict=True)
    ]
    return {"total": len(changed), "of": len(titles), "changes": told}


def _changed(before: Sequence[Choice], now: Sequence[Choice]) -> list[str]:
    return [old.title_id for old, new in zip(before, now, strict=True) if _shown(old) != _shown(new)]


def _shown(choice: Choice) -> tuple[str | None, str | None]:
    return (choice.artwork.artwork_id if choice.artwork else None), (choice.copy.copy_id if choice.copy else None)


def written(site: Site) -> Iterator[Parameters]:
    """None: a page in a file tries nothing out."""
    return iter(())

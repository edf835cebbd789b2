"""What a user meets: the artwork chosen for a block of titles."""

from collections.abc import Iterator

from match.page.documents.blocks import block, starts
from match.page.documents.titles import found
from match.page.parameters import Parameters
from match.page.site import Document, Site
from match.page.told import told_choice


def answer(site: Site, parameters: Parameters) -> Document:
    """user; start and find as of titles, or title: that one alone; similarity, people, words and copy: the blend; taste: the edited
    profile."""
    matcher, user = site.matcher_of(parameters), site.user_of(parameters)
    titles = [parameters["title"]] if "title" in parameters else found(site, parameters)
    chosen = matcher.choose(user, block(titles, parameters), with_others=True)
    return {"total": len(titles), "choices": [told_choice(site, choice) for choice in chosen]}


def written(site: Site) -> Iterator[Parameters]:
    """All blocks of titles for every user."""
    return (Parameters(user=user_id, start=start) for user_id in site.user_ids for start in starts(len(site.title_ids)))

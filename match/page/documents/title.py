"""A title with all its artwork, the best for a user first."""

from collections.abc import Iterator

from match.page.parameters import Parameters
from match.page.site import Document, Site
from match.page.told import told_artwork, told_choice


def answer(site: Site, parameters: Parameters) -> Document:
    """title, user; similarity, people, words and copy: the blend; taste: the edited profile."""
    title_id = parameters.text("title")
    matcher, user = site.matcher_of(parameters), site.user_of(parameters)
    [choice] = matcher.choose(user, [title_id], with_others=True)
    ordered = [*([choice.artwork] if choice.artwork else []), *choice.others]
    return {
        "id": title_id,
        "name": site.names.get(title_id, title_id),
        "user": choice.user_id,
        "taste": choice.taste,
        "choice": told_choice(site, choice),
        "artworks": [told_artwork(site, artwork) for artwork in ordered],
    }


def written(site: Site) -> Iterator[Parameters]:
    """Every title for every user."""
    return (Parameters(title=title_id, user=user_id) for user_id in site.user_ids for title_id in site.title_ids)

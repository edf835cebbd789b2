"""A user: the taste in words, its interests, and the titles that each phrase came from."""

from collections.abc import Iterator

from embed.records import Profile
from embed.tastes.profile_text import as_text
from index.everywhere import nearest
from index.titles import ABSENT
from match.page.parameters import Parameters
from match.page.rows import linked
from match.page.site import Document, Site
from match.tastes import Taste

NEAREST = 8  # pictures that stand for an interest made of pictures


def answer(site: Site, parameters: Parameters) -> Document:
    """user; taste: the edited profile."""
    user = site.user_of(parameters)
    profile = site.matcher.profiles.get(user) if isinstance(user, str) else user
    taste = site.matcher.taste(user)
    return {
        "id": taste.user_id,
        "taste": taste.source,
        "known": profile is not None,
        "source": profile.source if profile else None,
        "segment": profile and profile.segment,
        "locale": profile and profile.locale,
        "speaking": taste.segment,  # the segment whose priors speak; None where everyone's do
        "text": as_text(profile or taste.profile),
        "interests": _interests(site, taste),
        "phrases": _phrases(site, profile, taste) if profile else [],
    }


def _interests(site: Site, taste: Taste) -> list[Document]:
    """The one that weighs most first, that of pictures last; shares sum to 1."""
    shares, last = taste.shares.tolist(), len(taste.shares) - 1
    of_pictures = [taste.pictures and number == last for number in range(len(shares))]
    return [
        {"share": share, "pictures": _nearest_pictures(site, taste) if pictures else None}
        for share, pictures in zip(shares, of_pictures, strict=True)
    ]


def _nearest_pictures(site: Site, taste: Taste) -> list[Document]:
    """Artwork of the catalog nearest to what the user's eye likes."""
    snapshot, liked = site.matcher.snapshot, site.matcher.pictures.get(taste.user_id)
    if liked is None:
        return []
    found = nearest(snapshot.index, liked.vector[None], NEAREST)
    rows = found.rows[0][found.rows[0] != ABSENT]
    return linked(snapshot, rows)


def _phrases(site: Site, profile: Profile, taste: Taste) -> list[Document]:
    """Each with the number of its interest; None where it is a dislike."""
    said = taste.said
    numbers = said.interests[:, 0].tolist() if said else []
    return [
        {
            "text": phrase.text,
            "kind": phrase.kind,
            "weight": phrase.weight,
            "interest": None if number == ABSENT else number,
            "titles": [{"id": title_id, "name": site.names.get(title_id, title_id)} for title_id in phrase.titles],
        }
        for phrase, number in zip(profile.phrases, numbers, strict=True)
    ]


def written(site: Site) -> Iterator[Parameters]:
    """Every user."""
    return (Parameters(user=user_id) for user_id in site.user_ids)

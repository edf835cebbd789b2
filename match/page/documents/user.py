"""A user: the taste in words, and the titles that each phrase came from."""

from collections.abc import Iterator

from embed.tastes.profile_text import as_text
from match.page.parameters import Parameters
from match.page.site import Document, Site


def answer(site: Site, parameters: Parameters) -> Document:
    """user; taste: the edited profile."""
    user = site.user_of(parameters)
    profile = site.matcher.profiles.get(user) if isinstance(user, str) else user
    taste = site.matcher.taste(user)
    phrases = profile.phrases if profile else ()
    return {
        "id": taste.user_id,
        "taste": taste.source,
        "segment": profile and profile.segment,
        "locale": profile and profile.locale,
        "text": as_text(profile) if profile else "",
        "phrases": [
            {
                "text": phrase.text,
                "kind": phrase.kind,
                "weight": phrase.weight,
                "interest": phrase.interest,
                "titles": [{"id": title_id, "name": site.names.get(title_id, title_id)} for title_id in phrase.titles],
            }
            for phrase in phrases
        ],
    }


def written(site: Site) -> Iterator[Parameters]:
    """Every user."""
    return (Parameters(user=user_id) for user_id in site.user_ids)

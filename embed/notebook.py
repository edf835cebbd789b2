"""Records as a notebook shows them: HTML whose styles stand in its elements, since notebooks drop style sheets. Every text is escaped,
and isolated, so that one that runs from right to left turns nothing else round.

Colours are those of the notebook, light or dark, and some that can be seen on both.
"""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

    from embed.records import Profile

LIKED, DISLIKED = "#3f8fc4", "#d0574c"  # a contrast of 3 at least with white, and with black


def profile_html(profile: "Profile") -> str:
    """The phrases of a taste, with bars as long as they weigh."""
    most = max((abs(phrase.weight) for phrase in profile.phrases), default=0.0) or 1.0
    return rendered("embed", "profile.html", profile=profile, most=most, liked=LIKED, disliked=DISLIKED)


def rendered(package: str, template: str, **values: object) -> str:
    """A template of a package's folder `templates` with these values, in which every text is escaped."""
    return _environment(package).get_template(template).render(**values)


@cache
def _environment(package: str) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader(package)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)

"""Vectors, clicks and tastes to a choice per user and title. Reads a snapshot and profiles; never loads CLIP."""

from index.filters import Context
from match.blend import Prior, Weights
from match.choices import write_choices
from match.clicks.priors import learn_priors
from match.exploring.keeping import Shown
from match.exploring.log import Where
from match.exploring.policies import Exploration
from match.exploring.serving import Exploring
from match.guards import Guards
from match.lines import Line
from match.live import LiveMatcher
from match.matcher import Choice, Choices, Matcher, Pages
from match.scored import Scored

__all__ = [
    "Choice",
    "Choices",
    "Context",
    "Exploration",
    "Exploring",
    "Guards",
    "Line",
    "LiveMatcher",
    "Matcher",
    "Pages",
    "Prior",
    "Scored",
    "Shown",
    "Weights",
    "Where",
    "learn_priors",
    "write_choices",
]

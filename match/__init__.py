"""Vectors, clicks and tastes to a choice per user and title. Reads a snapshot and profiles; never loads CLIP."""

from match.blend import Prior, Scored, Weights
from match.matcher import Choice, Matcher
from match.priors import learn_priors

__all__ = ["Choice", "Matcher", "Prior", "Scored", "Weights", "learn_priors"]

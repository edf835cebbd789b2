"""Several pairs of heads as one: the mean of their similarities, and one picture head that has learned it."""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from artwork_doors.training.features import Pairs, Posters
from artwork_doors.training.heads import DIMENSION, Head, Heads, HeadSettings, contrast, of_layers

MEMBERS = tuple(HeadSettings(seed=seed, layers=layers) for seed, layers in enumerate(((6,), (2, 4, 6), (2, 4, 6), (4, 6))))

RIDGE = 0.9  # of the mean variance, added to each
SHARE = 0.5  # of the discriminant beside the text's own vector
ENOUGH = 40  # posters of a genre


@dataclass(frozen=True)
class OneHeadSettings:
    """Teachers and student see the very same blends of pictures, of which there is no end (Beyer et al. 2022, arXiv 2106.05237)."""

    steps: int = 3000
    batch: int = 1024
    noise: float = 0.3  # standard deviation, of standardised features
    rate: float = 2e-3
    decay: float = 0.01
    near: float = 4.0
    contrast: float = 0.3
    seed: int = 0


@dataclass(frozen=True)
class Ensemble:
    """Vectors side by side have the mean of all similarities as theirs; the axes keep nearly all of it in as many numbers as one
    member has."""

    members: tuple[Heads, ...]
    axes: torch.Tensor  # (members x 512, 512)

    @property
    def scale(self) -> float:
        """The members' mean."""
        return float(np.mean([member.scale for member in self.members]))

    def pictures(self, features: np.ndarray | torch.Tensor) -> torch.Tensor:
        """(..., 512) unit vectors of (..., 1280)."""
        return F.normalize(_pictures(self.members, features) @ self.axes, dim=-1)

    def texts(self, features: np.ndarray) -> torch.Tensor:
        """(..., 512) unit vectors of the teacher's features."""
        return F.normalize(_texts(self.members, features) @ self.axes, dim=-1)


def joined(members: tuple[Heads, ...], captions: Pairs) -> Ensemble:
    """The axes are those in which the training pictures and their captions, taken alike, lie."""
    both = [_pictures(members, captions.pictures).flatten(0, 1), _texts(members, captions.texts).flatten(0, 1)]
    moments = sum(vectors.T @ vectors / len(vectors) for vectors in both)
    return Ensemble(members, torch.linalg.eigh(moments.double()).eigenvectors[:, -DIMENSION:].float())


def one_picture_head(ensemble: Ensemble, captions: Pairs, posters: Posters, settings: OneHeadSettings) -> Head:
    """A head that gives what `ensemble` gives."""
    torch.manual_seed(settings.seed)
    views = [pairs.pictures.reshape(-1, pairs.pictures.shape[-1]) for pairs in (captions, posters.pairs)]
    features = torch.from_numpy(np.concatenate(views))
    head = Head(features, 2 * DIMENSION, dropout=0.0)
    optimiser = torch.optim.AdamW([p for p in head.parameters() if p.requires_grad], settings.rate, weight_decay=settings.decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=settings.steps)
    for _ in range(settings.steps):
        one, other = features[torch.randint(len(features), (2, settings.batch))]
        blend = torch.lerp(one, other, torch.rand(settings.batch, 1) / 2)
        blend = blend + settings.noise * head.deviation * torch.randn_like(blend)
        with torch.autocast("cpu", torch.bfloat16):
            found, taught = head(blend), ensemble.pictures(blend)
            loss = settings.near * (1 - (found * taught).sum(1).mean())
            loss = loss + settings.contrast * contrast(found, taught, torch.tensor(ensemble.scale), 0.0)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return head.eval()


def as_posters_show(ensemble: Ensemble, posters: Posters, meant: torch.Tensor) -> torch.Tensor:
    """(genres, 512): the texts' vectors `meant` of the known genres, moved towards what sets their posters apart from the others:
    Fisher's discriminant, shrunk. A genre of few posters stays where it is."""
    shown = ensemble.pictures(posters.pairs.pictures).mean(1)  # (n, 512)
    bears = torch.from_numpy(posters.genres)
    covariance = shown.T.cov()
    shrunk = covariance + RIDGE * covariance.diagonal().mean() * torch.eye(DIMENSION)
    moved = meant.clone()
    for genre, has in enumerate(bears.T):
        if has.sum() >= ENOUGH:
            apart = torch.linalg.solve(shrunk, shown[has].mean(0) - shown[~has].mean(0))
            moved[genre] = F.normalize(meant[genre] + SHARE * F.normalize(apart, dim=0), dim=0)
    return moved


def _pictures(members: tuple[Heads, ...], features: np.ndarray | torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        vectors = [member.picture(torch.as_tensor(features)) for member in members]
    return torch.cat(vectors, dim=-1).clone() / len(members) ** 0.5


def _texts(members: tuple[Heads, ...], features: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        vectors = [member.text(of_layers(features, member.layers)) for member in members]
    return torch.cat(vectors, dim=-1).clone() / len(members) ** 0.5

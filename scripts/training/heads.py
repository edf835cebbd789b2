"""Two heads onto the frozen features: pictures and texts to one space, by contrast (Radford et al. 2021; LiT, Zhai et al. 2022).

Three sources of pairs: photographs and captions; posters and captions of genres and tags, where posters of like genres count as
matches too; and the tower's own thousand ImageNet classes, made into pairs: it knows many more things than the photographs show.
"""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from artwork_doors.training.features import LAYERS, WIDTH, Pairs, Posters, Teacher, kept_text_features

DIMENSION = 512


@dataclass(frozen=True)
class HeadSettings:
    """As tried on training pictures held out: with little noise and without mixing the heads learn the captions by heart.

    Large batches matter most; posters and classes cost the photographs little at these weights.
    """

    epochs: int = 150
    batch: int = 3000
    picture_noise: float = 1.0  # standard deviation, of standardised features
    text_noise: float = 0.5
    mixing: float = 1.0  # of pairs with pairs: the Beta distribution both of whose parameters are this
    dropout: float = 0.3
    smoothing: float = 0.1
    rate: float = 3e-3
    decay: float = 0.05
    poster_batch: int = 500
    poster_weight: float = 0.16
    class_batch: int = 200
    class_weight: float = 0.15
    lead: tuple[float, float] = (1.0, 5.0)  # of a made class in the logits
    log_scale: float = 3.0
    text_dropout: float = 0.3
    text_hidden: int = 1024
    layers: tuple[int, ...] = (6,)  # of the teacher, that the text head reads
    seed: int = 0


@dataclass(frozen=True)
class Classes:
    """The image tower's classifier and what its classes are called."""

    weight: torch.Tensor  # (1000, 1280)
    bias: torch.Tensor  # (1000,)
    texts: torch.Tensor  # (1000, names, layers x 384): several wordings each
    covariance: torch.Tensor  # (1280, 1280) of the training pictures' features


class Head(nn.Module):
    """Standardise, one hidden layer, a unit vector: what open_clip calls timm_proj "mlp" once standardisation is folded in."""

    def __init__(self, features: torch.Tensor, hidden: int, dropout: float) -> None:
        super().__init__()
        self.mean = nn.Parameter(features.mean(0), requires_grad=False)
        self.deviation = nn.Parameter(features.std(0).clamp_min(1e-4), requires_grad=False)
        self.fc1 = nn.Linear(features.shape[1], hidden)
        self.act = nn.GELU()
        self.drop = nn.Dropout(dropout)
        self.fc2 = nn.Linear(hidden, DIMENSION, bias=False)

    def forward(self, features: torch.Tensor, noise: float = 0.0) -> torch.Tensor:
        x = (features - self.mean) / self.deviation
        x = x + noise * torch.randn_like(x) if noise else x
        return F.normalize(self.fc2(self.drop(self.act(self.fc1(x)))), dim=-1)


@dataclass(frozen=True)
class Heads:
    """The trained heads."""

    picture: Head
    text: Head
    layers: tuple[int, ...]  # of the teacher, that the text head reads
    scale: float  # the logits' temperature, as its exponential


def class_wordings() -> list[str]:
    """The thousand classes' names, then "a photo of a …", then their definitions: 3,000 texts."""
    from timm.data import ImageNetInfo

    info = ImageNetInfo()
    plain = [info.index_to_description(index) for index in range(1000)]
    detailed = [info.index_to_description(index, detailed=True) for index in range(1000)]
    return [*plain, *(f"a photo of a {name.split(', ')[0]}" for name in plain), *detailed]


def imagenet_classes(tower: Any, teacher: Teacher, pictures: np.ndarray, work: Path) -> Classes:
    """The classifier's rows with names and definitions of timm.data.ImageNetInfo."""
    texts = kept_text_features(teacher, class_wordings(), work).reshape(3, 1000, -1).swapaxes(0, 1)
    covariance = torch.from_numpy(np.cov(pictures.reshape(-1, pictures.shape[-1])[::4].T).astype(np.float32))
    classifier = tower.get_classifier()
    return Classes(classifier.weight.detach(), classifier.bias.detach(), torch.from_numpy(texts.copy()), covariance)


def class_features(classes: Classes, start: torch.Tensor, wanted: torch.Tensor, lead: torch.Tensor) -> torch.Tensor:
    """(n, 1280): real features `start` pushed along covariance · class weight until the class leads by `lead` (n,) logits.

    The lead over every other class grows linearly with the step, so the step has a closed form.
    """
    direction = classes.weight[wanted] @ classes.covariance  # (n, 1280)
    logits = start @ classes.weight.T + classes.bias  # (n, 1000)
    slopes = direction @ classes.weight.T
    gain = slopes.gather(1, wanted[:, None]) - slopes  # (n, 1000) of the lead per step
    missing = lead[:, None] - (logits.gather(1, wanted[:, None]) - logits)
    steps = torch.where(gain > 1e-6, missing / gain.clamp_min(1e-6), torch.zeros_like(gain))
    steps.scatter_(1, wanted[:, None], 0.0)
    step = steps.clamp_min(0).topk(3, dim=1).values[:, -1:]  # two near twins (maillot, maillot) may stay ahead
    return (start + step * direction).clamp_min(-1.0)


def of_layers(features: np.ndarray, layers: tuple[int, ...]) -> torch.Tensor:
    """The teacher's features (..., layers x 384), of some layers only, in float32."""
    apart = features.reshape(*features.shape[:-1], len(LAYERS), WIDTH)[..., [LAYERS.index(layer) for layer in layers], :]
    return torch.from_numpy(apart.reshape(*features.shape[:-1], -1).astype(np.float32))


def contrast(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Symmetric InfoNCE of (n, d) unit vectors, row i of one belonging to row i of the other."""
    logits = scale * a @ b.T
    target = torch.arange(len(a))
    return (
        F.cross_entropy(logits, target, label_smoothing=smoothing)
        + F.cross_entropy(logits.T, target, label_smoothing=smoothing)
    ) / 2


def soft_contrast(a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """The same with a target distribution (n, n) per row, symmetric up to its normalisation."""
    logits = scale * a @ b.T
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def genre_targets(genres: torch.Tensor) -> torch.Tensor:
    """(n, n): the cubed Jaccard index of genre sets (n, genres) float, rows summing to 1."""
    shared = genres @ genres.T
    sizes = genres.sum(1)
    jaccard = shared / (sizes[:, None] + sizes[None] - shared).clamp_min(1.0)
    cubed = jaccard**3 + torch.eye(len(genres)) * 1e-3
    return cubed / cubed.sum(1, keepdim=True)


def kept_heads(captions: Pairs, posters: Posters, classes: Classes, settings: HeadSettings, work: Path) -> Heads:
    """`train_heads`, read from `work` where a run with these settings left them."""
    kept = work / f"heads-{hashlib.sha256(repr(settings).encode()).hexdigest()[:16]}.pt"
    if not kept.exists():
        torch.save(train_heads(captions, posters, classes, settings), kept)
    heads: Heads = torch.load(kept, weights_only=False)
    return heads


def train_heads(captions: Pairs, posters: Posters, classes: Classes, settings: HeadSettings) -> Heads:
    """Both heads on all three sources at once."""
    torch.manual_seed(settings.seed)
    pictures, texts = torch.from_numpy(captions.pictures), of_layers(captions.texts, settings.layers)
    poster_pictures, poster_texts = torch.from_numpy(posters.pairs.pictures), of_layers(posters.pairs.texts, settings.layers)
    genres = torch.from_numpy(posters.genres.astype(np.float32))
    classes = replace(classes, texts=of_layers(classes.texts.numpy(), settings.layers))
    heads = nn.ModuleDict(
        {
            "picture": Head(
                torch.cat([pictures.flatten(0, 1), poster_pictures.flatten(0, 1)]), 2 * DIMENSION, settings.dropout
            ),
            "text": Head(texts.flatten(0, 1), settings.text_hidden, settings.text_dropout),
        }
    )
    log_scale = nn.Parameter(torch.tensor(settings.log_scale))
    optimiser = torch.optim.AdamW(
        [*(p for p in heads.parameters() if p.requires_grad), log_scale], settings.rate, weight_decay=settings.decay
    )
    steps = settings.epochs * max(1, len(pictures) // settings.batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=steps)
    for _ in range(steps):
        with torch.autocast("cpu", torch.bfloat16):
            scale = log_scale.clamp(max=4.6).exp()
            own = torch.randperm(len(pictures))[: settings.batch]
            mixed_pictures, mixed_texts = _mix(_pick(pictures, own), _pick(texts, own), settings.mixing)
            a = heads["picture"](mixed_pictures, settings.picture_noise)
            b = heads["text"](mixed_texts, settings.text_noise)
            loss = contrast(a, b, scale, settings.smoothing)
            of_posters = torch.randperm(len(poster_pictures))[: settings.poster_batch]
            a = heads["picture"](_pick(poster_pictures, of_posters), settings.picture_noise)
            b = heads["text"](_pick(poster_texts, of_posters), settings.text_noise)
            loss = loss + settings.poster_weight * soft_contrast(a, b, scale, genre_targets(genres[of_posters]))
        loss = loss + settings.class_weight * _class_loss(heads, classes, pictures, scale, settings)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    heads.eval()
    return Heads(heads["picture"], heads["text"], settings.layers, float(log_scale.detach().clamp(max=4.6).exp()))


def _pick(features: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """One of each row's views (crops, captions, wordings), at random: (rows, d)."""
    return features[rows, torch.randint(features.shape[1], (len(rows),))]


def _mix(pictures: torch.Tensor, texts: torch.Tensor, mixing: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs blended with other pairs, both sides by one coefficient (FuseMix, Vouitsis et al. 2024, arXiv 2312.10144)."""
    share = torch.distributions.Beta(mixing, mixing).sample((len(pictures), 1))
    other = torch.randperm(len(pictures))
    return share * pictures + (1 - share) * pictures[other], share * texts + (1 - share) * texts[other]


def _class_loss(
    heads: nn.ModuleDict, classes: Classes, pictures: torch.Tensor, scale: torch.Tensor, settings: HeadSettings
) -> torch.Tensor:
    wanted = torch.randperm(len(classes.weight))[: settings.class_batch]
    start = _pick(pictures, torch.randint(len(pictures), (len(wanted),)))
    low, high = settings.lead
    made = class_features(classes, start, wanted, low + (high - low) * torch.rand(len(wanted)))
    a = heads["picture"](made, settings.picture_noise)
    b = heads["text"](_pick(classes.texts, wanted), settings.text_noise)
    return contrast(a, b, scale, settings.smoothing)

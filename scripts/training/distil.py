"""The teacher and its head into open_clip's own small text transformer, so that no other tokenizer or library is needed to use it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from artwork_doors.training.ensemble import Ensemble
from artwork_doors.training.features import Pairs, Teacher
from artwork_doors.training.heads import contrast
from embed.tastes.phrases import PROMPTS
from embed.text_tower import encode_tokens

TEXT = {"context_length": 32, "vocab_size": 49408, "width": 320, "heads": 5, "layers": 4}
GROUPS = 6  # texts of like length go through the tower together
STATED = ("{}", *(prompt for prompt in PROMPTS["stated"] if prompt != "{}"))


@dataclass(frozen=True)
class DistilSettings:
    """As tried on the training texts."""

    epochs: int = 8
    batch: int = 256  # captions with their pictures
    others: int = 256  # texts without pictures, a step
    prompted: float = 0.25  # of the captions, the share that one of the product's prompts stands around
    rate: float = 1e-3
    decay: float = 0.05
    teacher_weight: float = 4.0
    teacher_contrast: float = 0.3
    picture_contrast: float = 0.5
    seed: int = 0


# First words of every kind; then mostly captions, which it does not follow as closely by then, and less of pictures by heart.
ROUNDS = (DistilSettings(), DistilSettings(epochs=6, batch=384, others=128, rate=7e-4, picture_contrast=0.25, seed=1))


@dataclass(frozen=True)
class Lessons:
    """What the student learns from: texts as tokens beside the teacher's vectors for what they mean."""

    caption_tokens: torch.Tensor  # (n, 5, prompts, context) int64; the first prompt is "{}"
    caption_vectors: torch.Tensor  # (n, 5, d) float32
    picture_vectors: torch.Tensor  # (n, views, d) float32
    other_tokens: torch.Tensor  # (m, context) int64
    other_vectors: torch.Tensor  # (m, d) float32


def prepare(captions: Pairs, others: list[str], vectors: torch.Tensor, ensemble: Ensemble, tokenizer: Any) -> Lessons:
    """All tokens and all of the teacher's vectors, once; vectors: of what `others` mean.

    A prompt around a caption is taught to change nothing.
    """
    said = [prompt.format(caption) for five in captions.captions for caption in five for prompt in STATED]
    return Lessons(
        tokenizer(said).reshape(*captions.texts.shape[:2], len(STATED), -1),
        ensemble.texts(captions.texts),
        ensemble.pictures(captions.pictures),
        tokenizer(others),
        vectors,
    )


def start_from_teacher(model: Any, tokenizer: Any, teacher: Teacher) -> None:
    """Token embeddings start as the teacher's own, averaged over its word pieces and brought to the student's width by PCA."""
    table = teacher.model.get_input_embeddings().weight.detach().numpy()  # (30522, 384)
    names = [tokenizer.decoder[token].replace("</w>", "") or " " for token in range(tokenizer.vocab_size - 2)]
    pieces = teacher.tokenizer(names, add_special_tokens=False)["input_ids"]
    rows = np.stack([table[ids].mean(axis=0) if ids else table.mean(axis=0) for ids in pieces])
    rows = rows - rows.mean(axis=0)
    _, _, axes = np.linalg.svd(rows[::7], full_matrices=False)
    reduced = rows @ axes[: TEXT["width"]].T
    start = torch.from_numpy((reduced / reduced.std() * 0.02).astype(np.float32))
    with torch.no_grad():
        model.token_embedding.weight[: len(start)] = start


def distil(model: Any, lessons: Lessons, scale: float, settings: DistilSettings) -> None:
    """Train the text tower of `model` (an open_clip CLIP) in place."""
    torch.manual_seed(settings.seed)
    trained = [p for name, p in model.named_parameters() if not name.startswith(("visual.", "logit"))]
    optimiser = torch.optim.AdamW(trained, settings.rate, weight_decay=settings.decay, betas=(0.9, 0.98))
    steps_an_epoch = lessons.caption_tokens.shape[0] * lessons.caption_tokens.shape[1] // settings.batch
    steps = settings.epochs * steps_an_epoch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, total_steps=steps, pct_start=0.1)
    model.train()
    for step in range(steps):
        with torch.autocast("cpu", torch.bfloat16):
            loss = _loss(model, lessons, torch.tensor(scale), settings)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        schedule.step()
        if step % steps_an_epoch == 0:
            print(f"distil: epoch {step // steps_an_epoch}, loss {loss.item():.3f}", flush=True)
    model.eval()


def _loss(model: Any, lessons: Lessons, scale: torch.Tensor, settings: DistilSettings) -> torch.Tensor:
    rows = torch.randperm(len(lessons.caption_tokens))[: settings.batch]
    which = torch.randint(lessons.caption_tokens.shape[1], (len(rows),))
    prompt = torch.randint(1, len(STATED), (len(rows),)) * (torch.rand(len(rows)) < settings.prompted)
    others = torch.randint(len(lessons.other_tokens), (settings.others,))
    tokens = torch.cat([lessons.caption_tokens[rows, which, prompt], lessons.other_tokens[others]])
    taught = torch.cat([lessons.caption_vectors[rows, which], lessons.other_vectors[others]])
    student = F.normalize(encode_tokens(model, tokens, len(tokens) // GROUPS), dim=-1)
    pictures = lessons.picture_vectors[rows, torch.randint(lessons.picture_vectors.shape[1], (len(rows),))]
    near = 1 - F.cosine_similarity(student, taught).mean()
    return (
        settings.teacher_weight * near
        + settings.teacher_contrast * contrast(student, taught, scale, 0.0)
        + settings.picture_contrast * contrast(student[: len(rows)], pictures, scale, 0.1)
    )


def held_out_agreement(model: Any, tokenizer: Any, texts: list[str], teacher: Teacher, ensemble: Ensemble) -> dict[str, float]:
    """Of phrases never seen: mean cosine to the teacher, and how often both have the same nearest other phrase."""
    with torch.inference_mode():
        student = model.encode_text(tokenizer(texts), normalize=True)
        taught = ensemble.texts(teacher.features(texts))
    own, theirs = (v @ v.T - 2 * torch.eye(len(v)) for v in (student, taught))
    same = (own.argmax(1) == theirs.argmax(1)).float().mean()
    return {"phrases": len(texts), "cosine": float((student * taught).sum(1).mean()), "same_nearest": float(same)}

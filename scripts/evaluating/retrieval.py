"""Captions find their pictures and pictures their captions: recall, each caption and each picture a query."""

import numpy as np

from artwork_doors.evaluating import scores
from artwork_doors.evaluating.research import published_recall, read_photographs
from artwork_doors.evaluating.verdicts import Material, Part, figure

RANKS = (1, 5, 10)
TARGETS = {"text to image recall@5": 0.57, "image to text recall@5": 0.63}  # of the issue that asked for this evaluation


def measure(material: Material) -> Part:
    """Recall@1, 5 and 10 in both directions, intervals over pictures; beside what is published of the checkpoint."""
    photographs, encoder = read_photographs(material.data), material.encoder
    pictures = encoder.encode_files([photograph.file for photograph in photographs])
    texts = encoder.encode_texts([caption for photograph in photographs for caption in photograph.captions])
    owner = np.repeat(np.arange(len(photographs)), [len(photograph.captions) for photograph in photographs])
    known = published_recall(material.data, encoder.choice.model, encoder.choice.pretrained)
    ranks = {
        "text to image": (scores.rank_of_own(texts @ pictures.T, owner), owner, len(photographs)),
        "image to text": (scores.rank_of_first_own(pictures @ texts.T, owner), np.arange(len(photographs)), len(texts)),
    }
    lines = []
    for direction, (rank, units, among) in ranks.items():
        for k in RANKS:
            name, chance = f"{direction} recall@{k}", min(1.0, k / len(photographs))
            found = scores.mean((rank < k).astype(float), units, material.resamples, material.seed)
            note = f"published {known[direction]:.3f}, test split" if k == 5 and direction in known else f"among {among:,}"
            lines.append(figure("retrieval", name, found, chance=chance, target=TARGETS.get(name), note=note))
    return Part("retrieval", f"(a) {len(photographs):,} photographs, {len(texts):,} captions", lines)

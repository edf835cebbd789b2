"""The trained parts as a folder that plain open_clip opens: configuration, weights in half precision."""

import json
from pathlib import Path
from typing import Any

import torch

from artwork_doors.training.distil import TEXT
from artwork_doors.training.features import MEAN, SIZE, STD, TOWER
from artwork_doors.training.heads import DIMENSION, Head

MODEL = {
    "embed_dim": DIMENSION,
    "vision_cfg": {
        "timm_model_name": TOWER,
        "timm_model_pretrained": False,
        "timm_pool": "",
        "timm_proj": "mlp",
        "timm_drop": 0.3,
        "image_size": SIZE,
    },
    "text_cfg": TEXT,
}
PREPROCESS = {"mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bicubic", "resize_mode": "squash", "size": SIZE}


def new_model() -> Any:
    """An open_clip CLIP of our configuration, with random weights."""
    import copy

    from open_clip.model import CLIP

    return CLIP(**copy.deepcopy(MODEL))


def fold_in(model: Any, tower: Any, head: Head, scale: float) -> None:
    """Put the frozen tower and the picture head into `model`; standardisation becomes part of the first layer."""
    with torch.no_grad():
        model.visual.trunk.load_state_dict({k: v for k, v in tower.state_dict().items() if not k.startswith("classifier")})
        weight = head.fc1.weight / head.deviation
        model.visual.head.mlp.fc1.weight.copy_(weight)
        model.visual.head.mlp.fc1.bias.copy_(head.fc1.bias - weight @ head.mean)
        model.visual.head.mlp.fc2.weight.copy_(head.fc2.weight)
        model.logit_scale.fill_(float(torch.log(torch.tensor(scale))))


def export(model: Any, out: Path) -> None:
    """Write open_clip_config.json and open_clip_model.safetensors (half precision; counters stay integers)."""
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    state = {name: (v.half() if v.is_floating_point() else v).contiguous().clone() for name, v in model.state_dict().items()}
    save_file(state, out / "open_clip_model.safetensors", metadata={"format": "pt"})
    config = {"model_cfg": MODEL, "preprocess_cfg": PREPROCESS}
    (out / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

"""clip-retrieval's reader and mapper, in an interpreter of its own (it needs an older open_clip): run by theirs.py, never imported.

Arguments: a checkpoint folder. Each line of standard input is {"folder", "count", "batch", "workers"}; each answer a line of JSON.
"""

import json
import os
import sys
import time
from importlib.metadata import version
from pathlib import Path


def open_checkpoint(folder):
    """(model, preprocess) of a `local-dir:` folder; open_clip before version 3 does not know that form."""
    import open_clip
    from open_clip.model import CLIP
    from safetensors.torch import load_file

    config = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
    model = CLIP(**config["model_cfg"])
    model.load_state_dict(load_file(folder / "open_clip_model.safetensors"))
    size = model.visual.image_size
    cfg = config["preprocess_cfg"]
    choices = {"mean": tuple(cfg["mean"]), "std": tuple(cfg["std"]), "interpolation": cfg.get("interpolation")}
    return model.eval(), open_clip.image_transform(size, is_train=False, **choices)


def open_mapper(model, preprocess):
    """ClipMapper with our model: its own way of opening one would ask a hub for the weights."""
    import torch
    from all_clip.open_clip import OpenClipWrapper
    from clip_retrieval.clip_inference import mapper

    device = "cuda" if torch.cuda.is_available() else "cpu"
    wrapped = OpenClipWrapper(inner_model=model, device=device).to(device)
    mapper.load_clip = lambda **_: (wrapped, preprocess, None)
    chosen = {"enable_image": True, "enable_text": False, "enable_metadata": False, "use_mclip": False}
    return mapper.ClipMapper(**chosen, clip_model="ours", use_jit=False, mclip_model="")


def measure(mapper, preprocess, folder, count, batch, workers):
    """Images per second from the first batch asked for to the last vector."""
    from clip_retrieval.clip_inference.reader import FilesReader

    only = {"enable_text": False, "enable_image": True, "enable_metadata": False}
    reader = FilesReader(lambda keys: keys[:count], preprocess, None, folder, batch, workers, **only)
    start = time.perf_counter()
    done = sum(len(mapper(found)["image_embs"]) for found in reader)
    return done / (time.perf_counter() - start)


def main():
    answers = os.fdopen(os.dup(1), "w")  # what the libraries print goes to standard error
    os.dup2(2, 1)
    import torch

    model, preprocess = open_checkpoint(Path(sys.argv[1]))
    mapper = open_mapper(model, preprocess)
    names = ("clip-retrieval", "open_clip_torch", "torch", "pillow")
    about = {"versions": {name: version(name) for name in names}, "threads": torch.get_num_threads()}
    print(json.dumps(about), file=answers, flush=True)
    for line in sys.stdin:
        speed = measure(mapper, preprocess, **json.loads(line))
        print(json.dumps({"images_per_second": speed}), file=answers, flush=True)


if __name__ == "__main__":
    main()

"""open_clip's text tower without the padding: phrases of a few words stand in a context of 77 tokens, all of which it computes."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def encode_tokens(model: Any, tokens: "torch.Tensor", batch: int) -> "torch.Tensor":
    """(n, d): `model.encode_text(tokens)`, of tokens (n, context) int64, so many rows at a time, those of like length together.

    In a tower with causal attention that is read where a text ends (Radford et al. 2021, section 2.4) what stands behind the end
    changes nothing, and is left out; any other tower reads all of its context.
    """
    import torch

    if not _ends_decide(model):
        return torch.cat([model.encode_text(rows) for rows in torch.split(tokens, batch)])
    ends = _ends(model, tokens)
    order = ends.argsort(stable=True)
    vectors = [_encode(model, tokens[rows, : int(ends[rows[-1]]) + 1]) for rows in torch.split(order, batch)]
    return torch.cat(vectors)[order.argsort()]


def _ends_decide(model: Any) -> bool:
    from open_clip.model import CLIP

    return type(model) is CLIP and model.attn_mask is not None and model.text_pool_type in ("argmax", "eos")


def _ends(model: Any, tokens: "torch.Tensor") -> "torch.Tensor":
    """(n,) int64: where open_clip's `text_global_pool` reads each text."""
    if model.text_pool_type == "eos":
        tokens = (tokens == model.text_eos_id).int()
    ends: torch.Tensor = tokens.argmax(dim=1)  # else the end has the highest number
    return ends


def _encode(model: Any, tokens: "torch.Tensor") -> "torch.Tensor":
    """`CLIP.encode_text` of tokens (n, length), which takes whole contexts only."""
    import torch
    from open_clip.transformer import text_global_pool

    length, dtype = tokens.shape[1], model.transformer.get_cast_dtype()
    x = model.token_embedding(tokens).to(dtype) + model.positional_embedding[:length].to(dtype)  # (n, length, width)
    x = model.ln_final(model.transformer(x, attn_mask=model.attn_mask[:length, :length]))
    pooled: torch.Tensor = text_global_pool(x, tokens, model.text_pool_type, eos_token_id=model.text_eos_id)
    projection = model.text_projection
    if projection is None:
        return pooled
    projected: torch.Tensor = projection(pooled) if isinstance(projection, torch.nn.Linear) else pooled @ projection
    return projected

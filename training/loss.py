"""Contrastive losses that know the truth: a caption that is true of a picture is no negative."""

from __future__ import annotations

import torch
from torch.nn import functional


def rank_loss(logits: torch.Tensor, truth: torch.Tensor, own: torch.Tensor) -> torch.Tensor:
    """Softmax cross-entropy of each row's own column against the false columns alone.

    Args:
        logits: Scaled similarities, shape (N, M).
        truth: Where row and column agree, bool, shape (N, M); such columns are left out of the
            denominator, but for the own one.
        own: The column that row i belongs to, int64, shape (N,).

    Returns:
        The mean over the rows, a scalar.

    Source:
        InfoNCE as in Radford et al. 2021 (CLIP), figure 3, with false negatives masked.
    """
    keep = ~truth
    keep[torch.arange(len(own)), own] = True
    return functional.cross_entropy(logits.masked_fill(~keep, float("-inf")), own)


def pair_loss(logits: torch.Tensor, truth: torch.Tensor, own_block: torch.Tensor) -> torch.Tensor:
    """Sigmoid loss of every cell, with the hard cells of the own block weighing as much as a pair.

    A softmax only orders the captions of one picture. This term gives the similarity one meaning
    over all pairs, so that vague true captions stay above precise false ones.

    Args:
        logits: Scaled and shifted similarities, shape (N, M).
        truth: Where row and column agree, bool, shape (N, M).
        own_block: Cells of a picture and the captions that were written for it, bool, (N, M).

    Returns:
        The mean over true own cells, plus that over false own cells, plus that over the false
        cells elsewhere, a scalar.

    Source:
        Zhai et al. 2023 (SigLIP), algorithm 1; the balance between the blocks is ours.
    """
    cells = functional.softplus(torch.where(truth, -logits, logits))
    total = logits.new_zeros(())
    for block in (truth & own_block, ~truth & own_block, ~truth & ~own_block):
        total = total + (cells * block).sum() / block.sum().clamp(min=1)
    return total

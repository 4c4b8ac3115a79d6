"""The three stages of training: pictures and their facts, words and facts, and both together.

Captions cost little and pictures cost much, so the text tower first learns alone, against a
network that reads the scene's facts instead of its picture, with as many one-thing-wrong
neighbours as wanted, since a neighbour is a row of integers and need not be drawn. Beside it the
image tower learns to say the facts outright. The last stage trains the two towers on pictures and
captions, contrastively, with captions that are wrong in one word.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from pairsift.storybook.vocabulary import KINDS
from training.claims import truth_matrix
from training.data import NUM_CAPTIONS, View
from training.fact_losses import claims_loss, facts_loss, middles_loss, spots_loss
from training.loss import pair_loss, rank_loss
from training.shapes import Shape
from training.towers import (
    build_scene_tower,
    image_features,
    project_images,
    some_patches,
    text_features,
)
from training.truth import (
    COLOUR_NAMES,
    NUM_FACTS,
    facts,
    perturb,
)

NUM_NEIGHBOURS: Final = 6  # one-thing-wrong scenes of each scene
_WHOLE_SHARE: Final = 0.1  # of the steps of stage look that see all patches
_WHOLE_SHARE_OF_BOTH: Final = 0.3
_MIDDLES_WEIGHT: Final = 3.0
_SPOTS_WEIGHT: Final = 3.0
_CHUNKS: Final = 5
_EXTRA_PATCHES: Final = 1
_WRONG_USED: Final = 3  # wrong captions of each picture in a step
_SCALE: Final = 20.0  # of cosines where the temperature is not learnt
_MOST_LOG_SCALE: Final = math.log(100)  # source: CLIP clamps its scale at 100


def build_helpers(shape: Shape, config: Any) -> Any:
    """Make the networks that training needs and the finished model does not.

    Args:
        shape: The model's shape.
        config: Its transformers configuration.

    Returns:
        A module of six: ``scene_tower`` from facts to embeddings; ``image_facts`` and
        ``text_facts`` from a tower's pooled state to facts; ``patch_facts`` from a patch's state
        to its kind and colour; ``image_middles`` to where each kind stands; ``patch_spots`` from a
        patch's state to its own place under the kind that it shows; with a learnt scale and bias.
    """
    image_width = config.vision_config.hidden_size
    text_width = config.text_config.hidden_size if shape.family == "clip" else shape.width
    helpers = nn.ModuleDict(
        {
            "scene_tower": build_scene_tower(shape.width),
            "image_facts": nn.Linear(image_width, NUM_FACTS),
            "text_facts": nn.Linear(text_width, NUM_FACTS),
            "patch_facts": nn.Linear(image_width, len(KINDS) + 1 + len(COLOUR_NAMES) + 1),
            "image_middles": nn.Linear(image_width, 2 * len(KINDS)),
            "patch_spots": nn.Linear(image_width, 2 * len(KINDS)),
        }
    )
    helpers.register_parameter("log_scale", nn.Parameter(torch.tensor(math.log(_SCALE))))
    helpers.register_parameter("bias", nn.Parameter(torch.tensor(-_SCALE / 2)))
    return helpers


def words_loss(
    model: Any, shape: Shape, helpers: Any, batch: tuple[np.ndarray, np.ndarray, np.ndarray],
    random: np.random.Generator,
) -> tuple[torch.Tensor, dict[str, float]]:  # fmt: skip
    """Loss of captions against the facts of scenes.

    Args:
        model: The model.
        shape: Its shape.
        helpers: The helper networks, as one module.
        batch: Scene rows (N, 10), token ids (N, 2, L) and claim rows (N, 2, 10).
        random: Source of the neighbours.

    Returns:
        The loss, and what to log.
    """
    scenes, tokens, claims = batch
    count = len(scenes)
    near = perturb(np.repeat(scenes, NUM_NEIGHBOURS, 0), random)
    everything = np.concatenate([scenes, near])
    flat = claims.transpose(1, 0, 2).reshape(2 * count, -1)  # all true ones, then all wrong ones
    truth = torch.from_numpy(truth_matrix(flat, everything))
    ids = torch.from_numpy(tokens.transpose(1, 0, 2).reshape(2 * count, -1).astype(np.int64))
    features, pooled = text_features(model, shape, ids, 4)
    texts = functional.normalize(features, dim=-1)
    places = functional.normalize(
        helpers["scene_tower"](torch.from_numpy(facts(everything))), dim=-1
    )
    logits = texts @ places.T * helpers.log_scale.exp().clamp(max=100)
    owner = np.concatenate([np.arange(count), np.repeat(np.arange(count), NUM_NEIGHBOURS)])
    block = torch.from_numpy(np.tile(np.arange(count), 2)[:, None] == owner[None])
    own = torch.arange(count)
    loss = rank_loss(logits[:count], truth[:count], own)
    loss = loss + rank_loss(logits.T[:count], truth.T[:count], own)
    loss = loss + pair_loss(logits + helpers.bias, truth, block)
    own_cosines = logits.detach()[:count, :count].diagonal()
    right = (own_cosines > logits.detach()[count:, :count].diagonal()).float().mean()
    said = helpers["text_facts"](pooled)
    loss = loss + claims_loss(said, flat, sides_weight=shape.sides_weight)
    return loss, {"right": float(right)}


def look_loss(
    model: Any, shape: Shape, helpers: Any, view: View, random: np.random.Generator
) -> tuple[torch.Tensor, dict[str, float]]:
    """Loss of what pictures should say outright, without captions.

    Args:
        model: The model.
        shape: Its shape.
        helpers: The helper networks, as one module.
        view: The batch.
        random: Source of the choice of patches.

    Returns:
        The loss, and what to log.
    """
    pooled, states, shown = _look(model, shape, view, random, whole_share=_WHOLE_SHARE)
    return _picture_facts_loss(helpers, view, pooled, states, shown)


def both_loss(
    model: Any, shape: Shape, helpers: Any, view: View, random: np.random.Generator
) -> tuple[torch.Tensor, dict[str, float]]:
    """Loss of pictures against captions, one true and others wrong in one word, and against facts.

    Args:
        model: The model.
        shape: Its shape.
        helpers: The helper networks, as one module.
        view: The batch.
        random: Source of the choice of captions and of the neighbours.

    Returns:
        The loss, and what to log.
    """
    count = len(view.scenes)
    rows, own = np.arange(count), torch.arange(count)
    pooled, states, shown = _look(model, shape, view, random, whole_share=_WHOLE_SHARE_OF_BOTH)
    images = functional.normalize(project_images(model, shape, pooled), dim=-1)
    picked = np.concatenate([[0], 1 + random.permutation(NUM_CAPTIONS - 1)[:_WRONG_USED]])
    claims = view.claims[:, picked].transpose(1, 0, 2).reshape(len(picked) * count, -1)
    ids = view.tokens[:, picked].transpose(1, 0, 2).reshape(len(picked) * count, -1)
    words, said = text_features(model, shape, torch.from_numpy(ids.astype(np.int64)), 4)
    texts = functional.normalize(words, dim=-1)
    truth = torch.from_numpy(truth_matrix(claims, view.scenes)).T  # pictures by captions
    scale, bias = scale_and_bias(model, shape, helpers)
    cosines = images @ texts.T
    block = torch.from_numpy(rows[:, None] == np.tile(rows, len(picked))[None])
    loss = rank_loss(cosines * scale, truth, own)
    loss = loss + rank_loss(cosines.T[:count] * scale, truth.T[:count], own)
    loss = loss + pair_loss(cosines * scale + bias, truth, block)
    told_claims = claims_loss(helpers["text_facts"](said), claims, sides_weight=shape.sides_weight)
    loss = loss + 0.3 * told_claims
    # The scene tower is a fixed map from the stage before; its neighbours cost next to nothing.
    everything = np.concatenate(
        [view.scenes, perturb(np.repeat(view.scenes, NUM_NEIGHBOURS, 0), random)]
    )
    equal = torch.from_numpy((view.scenes[:, None] == everything[None]).all(-1))
    with torch.no_grad():
        places = functional.normalize(
            helpers["scene_tower"](torch.from_numpy(facts(everything))), dim=-1
        )
    loss = loss + 0.5 * rank_loss(_SCALE * images @ places.T, equal, own)
    own_cosines = cosines.detach()[block].view(count, -1)
    right = (own_cosines[:, :1] > own_cosines[:, 1:]).float().mean()
    facts_loss, told = _picture_facts_loss(helpers, view, pooled, states, shown)
    return loss + 0.3 * facts_loss, {"contrast": float(loss.detach()), "right": float(right)} | told


def scale_and_bias(model: Any, shape: Shape, helpers: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """The learnt scale and bias of cosines: the model's own, where its family has them.

    Args:
        model: The model.
        shape: Its shape.
        helpers: The helper networks, as one module.

    Returns:
        Two scalars.
    """
    scale = model.logit_scale.clamp(max=_MOST_LOG_SCALE).exp()
    bias = model.logit_bias if shape.family == "siglip" else helpers.bias
    return scale, bias


def _look(
    model: Any, shape: Shape, view: View, random: np.random.Generator, *, whole_share: float
) -> tuple[torch.Tensor, torch.Tensor, np.ndarray]:
    """Run the image tower, mostly on the patches that show something.

    Returns the pooled states in the view's order, and the states of the patches that were seen in
    any order, with what each of them shows and its number.
    """
    numbers = np.broadcast_to(np.arange(view.shows.shape[1], dtype=np.uint8), view.shows.shape)
    patches = np.concatenate([view.patches, numbers[:, :, None]], 2)
    if random.random() < whole_share:
        pixels = torch.from_numpy(view.pixels)
        _, pooled, states = image_features(model, shape, pixels)
        return pooled, states.flatten(0, 1), patches
    # What shows a thing first, the rest in random order; similar numbers of them together.
    rank = view.shows + random.random(view.shows.shape)
    order = np.argsort(view.shows.sum(1), kind="stable")
    all_states, labels, pools = [], [], []
    for part in np.array_split(order, _CHUNKS):
        most = min(view.shows.shape[1], int(view.shows[part].sum(1).max()) + _EXTRA_PATCHES)
        keep = np.argsort(-rank[part], axis=1)[:, :most]
        pixels = torch.from_numpy(view.pixels[part])
        pooled, states = some_patches(model, shape, pixels, torch.from_numpy(keep))
        pools.append(pooled)
        all_states.append(states.flatten(0, 1))
        labels.append(np.take_along_axis(patches[part], keep[:, :, None], 1).reshape(-1, 3))
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.from_numpy(order)] = torch.arange(len(order))
    return torch.cat(pools)[back], torch.cat(all_states), np.concatenate(labels)


def _picture_facts_loss(
    helpers: Any, view: View, pooled: torch.Tensor, states: torch.Tensor, shown: np.ndarray
) -> tuple[torch.Tensor, dict[str, float]]:
    """What the picture and each patch of it should say outright."""
    target = torch.from_numpy(facts(view.scenes))
    loss, told = facts_loss(helpers["image_facts"](pooled), target)
    far = middles_loss(helpers["image_middles"](pooled), view.scenes, view.middles)
    loss, told = loss + _MIDDLES_WEIGHT * far, told | {"far": float(far.detach())}
    guesses = helpers["patch_facts"](states)
    labels = torch.from_numpy(shown.reshape(-1, 3).astype(np.int64))
    kinds = len(KINDS) + 1
    spots = spots_loss(helpers["patch_spots"](states), labels[:, 0], labels[:, 2])
    loss, told = loss + _SPOTS_WEIGHT * spots, told | {"spots": float(spots.detach())}
    loss = loss + functional.cross_entropy(guesses[:, :kinds], labels[:, 0])
    return loss + functional.cross_entropy(guesses[:, kinds:], labels[:, 1]), told

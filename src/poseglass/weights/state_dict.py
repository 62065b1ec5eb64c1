"""Find a network's state dict in a checkpoint, wherever a training script or framework put it.

A checkpoint may be the state dict itself, or hold it under a key (``model_pos``, ``model``, ``state_dict``, ...) beside
optimisers, settings and callbacks. Frameworks put prefixes before the names: ``module.`` (DataParallel), ``model.``
(Lightning), ``_orig_mod.`` (torch.compile), ``ema_model.`` (a running mean of the weights). No list of such keys is
needed: the state dict is where all keys that mark a known architecture have the same prefix.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from torch import Tensor

from poseglass.errors import WeightsError
from poseglass.files.unpickler import Inert
from poseglass.models import BACKBONES, PoseTransformer
from poseglass.models.published import Published
from poseglass.weights.tensor_unpickler import StoredTensor, UnreadTensor

__all__ = ["NetworkWeights", "find_weights"]

log = logging.getLogger("poseglass")

DEPTH = 4
"""Dictionaries within dictionaries that are searched. Lightning's callbacks hold their state in the third."""
MOST_TABLES = 10_000
"""Dictionaries that are searched. A checkpoint has one for each network, and a few for settings and callbacks."""
MOST_NETWORKS = 16
"""No more networks are looked at: two are enough to make the choice unclear."""
LONGEST_NAME = 250
"""Characters: longer keys are skipped. The names of nested modules are far shorter."""
WRAPPERS = re.compile(r"(?<![^.])(_orig_mod|_checkpoint_wrapped_module|_fsdp_wrapped_module)\.")
"""Parts of names that torch adds around any module: torch.compile, activation checkpointing, FSDP."""
AVERAGES = frozenset({"ema", "swa", "average", "averaged"})
"""Words in the names of running means of the weights."""

AnyTensor = Tensor | StoredTensor | UnreadTensor


class NetworkWeights(NamedTuple):
    """The weights of a network in a checkpoint.

    Attributes:
        place: Where they are, such as ``state_dict/model.``; empty if they are the checkpoint itself.
        tensors: The tensors by their published names.
        backbone: The network's class.
        published: What identifies its published checkpoints.
    """

    place: str
    tensors: Mapping[str, AnyTensor]
    backbone: type[PoseTransformer]
    published: Published


def find_weights(content: Any, source: object) -> NetworkWeights:
    """Find the weights of a known architecture in the content of a checkpoint.

    If there are several, such as a student and its teacher, there must be one running mean among them; it is chosen,
    because researchers evaluate it, and logged.

    Args:
        content: Plain containers with tensors, or with :class:`poseglass.weights.tensor_unpickler.StoredTensor`.
        source: Where it comes from, for messages.

    Raises:
        WeightsError: There are no named tensors, none of a known architecture, or it is unclear which to take.

    Example:
        >>> import torch
        >>> keys = ("Spatial_patch_to_embedding.weight", "Spatial_pos_embed", "Temporal_pos_embed")
        >>> lightning = {"epoch": 3, "state_dict": {f"model.{key}": torch.ones(1) for key in keys}}
        >>> weights = find_weights(lightning, "last.ckpt")
        >>> weights.place, weights.backbone.__name__
        ('state_dict/model.', 'MixSTE')
    """
    tables = [(place, table) for place, table in _tables(content, source) if table]
    if not tables:
        kind = "another class" if isinstance(content, Inert) else f"type {type(content).__name__}"
        got = "none" if isinstance(content, dict) else f"an object of {kind}"
        raise WeightsError(f"{source} holds no state dict: expected named tensors, got {got}")
    networks = list(islice((network for table in tables for network in _networks(*table, source)), MOST_NETWORKS))
    if not networks:
        _, largest = max(tables, key=lambda table: len(table[1]))
        known = ", ".join(name for name, kind in BACKBONES.items() if kind.published is not None)
        raise WeightsError(
            f"{source} is not a checkpoint of a known architecture ({known}, with or without HoT's waist); its first "
            f"keys are {', '.join(key[:80] for key in sorted(largest)[:5])}; for weights that poseglass saved, give "
            "their folder"
        )
    if len(networks) == 1:
        return networks[0].weights(source)
    means = [network for network in networks if AVERAGES & {*re.split(r"[^a-z]+", network.place.lower())}]
    places = ", ".join(network.place[:80] or "the file itself" for network in networks)
    if len(means) != 1:
        raise WeightsError(
            f"{source} holds the weights of {len(networks)} networks, at {places}: save one of them alone, with "
            "torch.save or safetensors"
        )
    log.info("%s holds the weights of %d networks, at %s; the running mean is taken", source, len(networks), places)
    return means[0].weights(source)


def _tables(content: Any, source: object) -> Iterator[tuple[str, dict[str, AnyTensor]]]:
    """The place of each dictionary in the content, and its named tensors. Other values and keys are skipped."""
    visited: set[int] = set()
    waiting = [("", content, 0)]
    while waiting:
        place, table, depth = waiting.pop()
        if not isinstance(table, dict) or id(table) in visited:
            continue
        visited.add(id(table))
        named = {key: value for key, value in table.items() if isinstance(key, str) and len(key) <= LONGEST_NAME}
        yield place, {key: value for key, value in named.items() if isinstance(value, AnyTensor)}
        if depth < DEPTH:
            inner = [(key, value) for key, value in named.items() if isinstance(value, dict)]
            if len(visited) + len(waiting) + len(inner) > MOST_TABLES:
                raise WeightsError(f"{source} has more than {MOST_TABLES} dictionaries, which no checkpoint needs")
            waiting += [(f"{place}{key}/", value, depth + 1) for key, value in inner]


class _Network(NamedTuple):
    """A network in one dictionary. Its weights are collected only if it is chosen."""

    table_place: str
    prefix: str
    tensors: Mapping[str, AnyTensor]
    backbone: type[PoseTransformer]
    published: Published

    @property
    def place(self) -> str:
        return f"{self.table_place}{self.prefix}"

    def weights(self, source: object) -> NetworkWeights:
        """The weights, all of them dense tensors."""
        own = {
            key.removeprefix(self.prefix): value for key, value in self.tensors.items() if key.startswith(self.prefix)
        }
        for key, value in own.items():
            if isinstance(value, UnreadTensor):
                raise WeightsError(
                    f"{source}: {key} is {value.kind}, which is not read: save dense tensors of ordinary numbers"
                )
        return NetworkWeights(self.place, own, self.backbone, self.published)


def _networks(place: str, table: Mapping[str, AnyTensor], source: object) -> Iterator[_Network]:
    """The networks of known architectures in one dictionary, one for each prefix."""
    tensors = {WRAPPERS.sub("", key): value for key, value in table.items()}
    if len(tensors) < len(table):
        raise WeightsError(f"{source} holds the same weights both with and without torch.compile's prefix: keep one")
    for backbone in BACKBONES.values():
        if (published := backbone.published) is None:
            continue
        mark = next(iter(published.marks))
        prefixes = [key.removesuffix(mark) for key in tensors if key == mark or key.endswith(f".{mark}")]
        for prefix in prefixes:
            if all(f"{prefix}{key}" in tensors for key in published.marks):
                yield _Network(place, prefix, tensors, backbone, published)

"""Published architectures, by what their checkpoints look like: :data:`ARCHITECTURES` lists them."""

from poseglass.weights.published._base import Architecture as Architecture
from poseglass.weights.published._base import Choices as Choices
from poseglass.weights.published.mhformer import MHFORMER
from poseglass.weights.published.mixste import MIXSTE
from poseglass.weights.published.motionagformer import MOTIONAGFORMER
from poseglass.weights.published.motionbert import MOTIONBERT

__all__ = ["ARCHITECTURES", "Architecture", "Choices"]

# The first whose marks a checkpoint has is it.
ARCHITECTURES: tuple[Architecture, ...] = (
    MIXSTE,
    MOTIONBERT,
    MOTIONAGFORMER,
    MHFORMER,
)

"""Published architectures, by what their checkpoints look like: :data:`ARCHITECTURES` lists them."""

from poseglass.published._base import Architecture as Architecture
from poseglass.published._base import Choices as Choices
from poseglass.published.mhformer import MHFORMER
from poseglass.published.mixste import MIXSTE
from poseglass.published.motionagformer import MOTIONAGFORMER
from poseglass.published.motionbert import MOTIONBERT

__all__ = ["ARCHITECTURES", "Architecture", "Choices"]

# The first whose marks a checkpoint has is it.
ARCHITECTURES: tuple[Architecture, ...] = (
    MIXSTE,
    MOTIONBERT,
    MOTIONAGFORMER,
    MHFORMER,
)

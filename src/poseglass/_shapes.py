"""The glossary of axes, and the array types whose names carry them.

===== =====================================================================
axis  meaning
===== =====================================================================
b     clips of a batch
f     frames of a clip
k     kept frames, after pruning
j     joints
s     slots of a frame: its joints (or hypotheses), each with a token
c     channels of a token
i     input coordinates of a joint: x, y, or x, y, score
h     attention heads
===== =====================================================================

The types are checked in the tests only (``pytest --jaxtyping-packages``); in use they cost nothing.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor

__all__ = ["Always", "Indices", "Pose2D", "Pose3D", "Received", "Scores", "Tokens", "Valid"]

Pose2D = Float[Tensor, "b f j i"]
Pose3D = Float[Tensor, "b f j 3"]
Tokens = Float[Tensor, "b f s c"]
Indices = Int[Tensor, "b k"]
Scores = Float[Tensor, "b f j"]
Valid = Bool[Tensor, "b f j"]
# A frame that is kept whatever its score, the same in every clip or one for each.
Always = Int[Tensor, " b"] | int | None
# What layers add to while somebody wants to know which frames their temporal attention goes to.
Received = list[Float[Tensor, "b f"]]

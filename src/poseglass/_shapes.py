"""The glossary of axes, and the array types whose names carry them.

====  =====================================================================
axis  meaning
====  =====================================================================
b     clips of a batch
f     frames of a clip
k     kept frames, after pruning
j     joints
p     people
s     slots of a frame, each with a token: its joints (in MHFormer, its hypotheses)
c     channels of a token
i     input coordinates of a joint: x, y, or x, y, score
h     attention heads
n, m  queries and keys: the tokens that attend, and the tokens they attend to
3     space: x, y, z
====  =====================================================================

There are no other letters. A literal number is an axis of that length; ``*b``, ``_`` and ``...`` are axes of any
meaning.

Tests check the types (``pytest --jaxtyping-packages``); outside tests they cost nothing.
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
# The index of a frame to keep regardless of its score: the same in all clips, or one per clip.
Always = Int[Tensor, " b"] | int | None
# A list to which layers append the temporal attention that each frame received.
Received = list[Float[Tensor, "b f"]]

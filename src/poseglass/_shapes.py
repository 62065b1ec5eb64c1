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
n, m  queries and keys: the tokens that attend, and those that they attend to
3     space: x, y, z
====  =====================================================================

There are no other letters. A literal number is itself; ``*b``, ``_`` and ``...`` stand for axes of any meaning.

The tests check the types (``pytest --jaxtyping-packages``); in use they cost nothing.
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
# A frame to keep whatever its score: one for all clips, or one for each.
Always = Int[Tensor, " b"] | int | None
# Layers append to this list how much temporal attention each frame received.
Received = list[Float[Tensor, "b f"]]

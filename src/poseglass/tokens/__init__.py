"""The waist's two halves: pruners, which choose frames, and recoverers, which bring them all back."""

from poseglass.tokens._base import Pruner as Pruner
from poseglass.tokens._base import Recoverer as Recoverer
from poseglass.tokens.prune import PRUNERS as PRUNERS
from poseglass.tokens.prune import AttentionScore as AttentionScore
from poseglass.tokens.prune import DensityPeaks as DensityPeaks
from poseglass.tokens.prune import Motion as Motion
from poseglass.tokens.prune import Uniform as Uniform
from poseglass.tokens.recover import RECOVERERS as RECOVERERS
from poseglass.tokens.recover import CrossAttention as CrossAttention
from poseglass.tokens.recover import Interpolate as Interpolate
from poseglass.tokens.recover import Nearest as Nearest

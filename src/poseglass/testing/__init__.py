"""Contract checks for backbones, pruners and recoverers of your own.

The classes of this package keep the same rules. A check works on a copy and restores the random generators, so it
leaves no trace. It needs no test framework; in one, its :class:`poseglass.errors.ContractError` is an
``AssertionError``.
"""

from poseglass.testing.backbone import BACKBONE as BACKBONE
from poseglass.testing.backbone import check_backbone as check_backbone
from poseglass.testing.tokens import PRUNER as PRUNER
from poseglass.testing.tokens import RECOVERER as RECOVERER
from poseglass.testing.tokens import check_pruner as check_pruner
from poseglass.testing.tokens import check_recoverer as check_recoverer

__all__ = ["check_backbone", "check_pruner", "check_recoverer"]

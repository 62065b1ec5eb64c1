"""Contract checks for your own backbones, pruners and recoverers.

This package's own classes follow the same rules. A check works on a copy and restores the random generators. It needs
no test framework, but works in any, because its :class:`poseglass.errors.ContractError` is an ``AssertionError``.
"""

from poseglass.testing.backbone import BACKBONE as BACKBONE
from poseglass.testing.backbone import check_backbone as check_backbone
from poseglass.testing.tokens import PRUNER as PRUNER
from poseglass.testing.tokens import RECOVERER as RECOVERER
from poseglass.testing.tokens import check_pruner as check_pruner
from poseglass.testing.tokens import check_recoverer as check_recoverer

__all__ = ["check_backbone", "check_pruner", "check_recoverer"]

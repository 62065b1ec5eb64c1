"""Does a class of your own keep the rules? Checks of backbones, pruners and recoverers that were written elsewhere.

They are the rules that the classes of this package are held to. A check looks at a copy and puts the generators of
random numbers back, so that it leaves no trace. It needs no test framework; for those there are, its
:class:`poseglass.errors.ContractError` is an ``AssertionError``.
"""

from poseglass.testing.backbone import BACKBONE as BACKBONE
from poseglass.testing.backbone import check_backbone as check_backbone
from poseglass.testing.tokens import PRUNER as PRUNER
from poseglass.testing.tokens import RECOVERER as RECOVERER
from poseglass.testing.tokens import check_pruner as check_pruner
from poseglass.testing.tokens import check_recoverer as check_recoverer

__all__ = ["check_backbone", "check_pruner", "check_recoverer"]

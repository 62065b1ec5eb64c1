"""Let torch compile the layers of a network that is trained."""

from poseglass.waist.hourglass import PoseModel, backbone_of

__all__ = ["compile_layers"]


def compile_layers(model: PoseModel) -> None:
    """Compile the modules of the backbone's layers, in place. Names of weights, and copies of the model, do not change.

    Compilation takes place in the first steps, and once for each number of frames. It needs a C++ compiler, and on a
    GPU Triton, which comes with torch. Copies of the model, such as those that are validated, are not compiled.

    Compiled layers round differently, and their stochastic depth draws other random numbers. torch compiles a layer for
    a few shapes only and runs it as it is for others, so a run that resumes may compile other shapes than before: it
    reaches the same bits only if every step has the same shapes.

    Args:
        model: A backbone, an hourglass or a funnel.

    Example:
        >>> import poseglass as pg
        >>> compile_layers(pg.create_model("mixste-tiny"))  # doctest: +SKIP
    """
    backbone = backbone_of(model)
    for index in range(backbone.depth):
        for module in backbone.parts(index):
            module.compile()

"""Who is for training, validation and test: what the recordings say themselves, else what was published."""

from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.threedhp import facts as mpi_inf_3dhp_facts

__all__ = ["PUBLISHED", "SPLITS", "splits_of"]

SPLITS = ("train", "val", "test")
# Of each subject of a data set. Neither has subjects for validation, so the field validates on those for the test.
PUBLISHED: dict[str, dict[str, tuple[str, ...]]] = {
    name: dict.fromkeys(facts.TRAIN, ("train",)) | dict.fromkeys(facts.TEST, ("val", "test"))
    for name, facts in (("Human3.6M", h36m_facts), ("MPI-INF-3DHP", mpi_inf_3dhp_facts))
}


def splits_of(dataset: str, subject: str, split: str = "") -> tuple[str, ...]:
    """The splits that a recording belongs to; none where nobody says.

    Args:
        dataset: Of which data set it is.
        subject: Who moves.
        split: What the recording says itself, which counts first.

    Example:
        >>> splits_of("Human3.6M", "S9"), splits_of("studio", "ben", "val"), splits_of("studio", "ben")
        (('val', 'test'), ('val',), ())
    """
    return (split,) if split else PUBLISHED.get(dataset, {}).get(subject, ())

"""Which recordings are for training, validation and test: their own split, else the published one of their subject."""

from poseglass.data.h36m import facts as h36m_facts
from poseglass.data.threedhp import facts as mpi_inf_3dhp_facts

__all__ = ["PUBLISHED", "SPLITS", "splits_of"]

SPLITS = ("train", "val", "test")
# By data set and subject. Neither has subjects for validation, so the field validates on those of the test.
PUBLISHED: dict[str, dict[str, tuple[str, ...]]] = {
    name: dict.fromkeys(facts.TRAIN, ("train",)) | dict.fromkeys(facts.TEST, ("val", "test"))
    for name, facts in (("Human3.6M", h36m_facts), ("MPI-INF-3DHP", mpi_inf_3dhp_facts))
}


def splits_of(dataset: str, subject: str, split: str = "") -> tuple[str, ...]:
    """Return the splits that a recording belongs to; empty if they are unknown.

    Args:
        dataset: Its data set.
        subject: Its subject.
        split: Its own split, if it has one, which overrides the published one.

    Example:
        >>> splits_of("Human3.6M", "S9"), splits_of("studio", "ben", "val"), splits_of("studio", "ben")
        (('val', 'test'), ('val',), ())
    """
    return (split,) if split else PUBLISHED.get(dataset, {}).get(subject, ())

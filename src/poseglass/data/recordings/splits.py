"""Splits of recordings (training, validation, test): their own split, else their subject's published one."""

__all__ = ["PUBLISHED", "SPLITS", "splits_of"]

SPLITS = ("train", "val", "test")
# The published subjects of each split. Neither data set has validation subjects, so the field validates on the test
# subjects.
PUBLISHED: dict[str, dict[str, tuple[str, ...]]] = {
    "Human3.6M": {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")},
    "MPI-INF-3DHP": {
        "train": ("S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"),
        "test": ("TS1", "TS2", "TS3", "TS4", "TS5", "TS6"),
    },
}


def splits_of(dataset: str, subject: str, split: str = "") -> tuple[str, ...]:
    """Return the splits that a recording belongs to; empty if they are unknown.

    Args:
        dataset: The recording's data set.
        subject: The recording's subject.
        split: The recording's own split, if any. It overrides the published one.

    Example:
        >>> splits_of("Human3.6M", "S9"), splits_of("studio", "ben", "val"), splits_of("studio", "ben")
        (('val', 'test'), ('val',), ())
    """
    if split:
        return (split,)
    published = PUBLISHED.get(dataset, {})
    if subject in published.get("train", ()):
        return ("train",)
    return ("val", "test") if subject in published.get("test", ()) else ()

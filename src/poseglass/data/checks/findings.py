"""`Finding` and `Findings`: what is wrong with data, what is unusual about it, and what it lacks."""

from collections import UserList
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from poseglass.errors import DataError

__all__ = ["Finding", "Findings", "Severity", "count"]

# An error makes data unusable. A warning may be harmless. Something missing belongs to the data set but is not in the
# files.
Severity = Literal["error", "missing", "warning"]
ORDER: tuple[Severity, ...] = ("error", "missing", "warning")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, missing or unusual.

    Args:
        severity: ``error``, ``missing`` or ``warning``.
        place: A file, take, frame, joint or key.
        text: What was expected, what was given, and what to do.

    Example:
        >>> str(Finding("error", "anna/walk.csv, frame 7", "the time does not increase"))
        'error: anna/walk.csv, frame 7: the time does not increase'
    """

    severity: Severity
    place: str
    text: str

    @classmethod
    def from_exception(cls, place: str, problem: Exception) -> "Finding":
        """Turn an exception into an error; a message that starts with the place does not repeat it."""
        return cls("error", place, str(problem).removeprefix(place).lstrip(":, "))

    @property
    def is_error(self) -> bool:
        """Whether the finding makes the data unusable."""
        return self.severity == "error"

    @property
    def sentence(self) -> str:
        """Place and text, without the severity."""
        return f"{self.place}: {self.text}"

    def __str__(self) -> str:
        return f"{self.severity}: {self.sentence}"


class Findings(UserList[Finding]):
    """A list of :class:`Finding` in the order in which they were reported.

    It also selects by severity, counts and raises. As text, errors come first and warnings last.

    Example:
        >>> findings = Findings()
        >>> findings.warning("walk.csv", "12 frames per second are unusual")
        >>> findings.error("run.csv", "the file is empty")
        >>> print(findings)
        error: run.csv: the file is empty
        warning: walk.csv: 12 frames per second are unusual
        >>> findings.counts
        '1 error, 1 warning'
    """

    def error(self, place: str, text: str) -> None:
        """Append an error."""
        self.append(Finding("error", place, text))

    def warning(self, place: str, text: str) -> None:
        """Append a warning."""
        self.append(Finding("warning", place, text))

    def lacks(self, place: str, text: str) -> None:
        """Append something missing."""
        self.append(Finding("missing", place, text))

    @property
    def errors(self) -> "Findings":
        """The errors."""
        return self._select("error")

    @property
    def missing(self) -> "Findings":
        """What is missing."""
        return self._select("missing")

    @property
    def warnings(self) -> "Findings":
        """The warnings."""
        return self._select("warning")

    @property
    def counts(self) -> str:
        """The numbers of errors and warnings, in words."""
        return f"{count(len(self.errors), 'error')}, {count(len(self.warnings), 'warning')}"

    def raise_errors(self, where: str) -> None:
        """Raise a :class:`DataError` that lists every error, if there is one.

        Args:
            where: The file or folder with the errors.
        """
        if errors := self.errors:
            lines = [f"  {finding.sentence}" for finding in errors]
            raise DataError("\n".join([f"{count(len(errors), 'error')} in {where}; nothing was written:", *lines]))

    def section(self, severity: Severity, most: int) -> str:
        """A titled list of one severity for a report, cut after `most` lines."""
        title = {"error": "errors", "missing": "missing", "warning": "warnings"}[severity]
        chosen = self._select(severity)
        if not chosen:
            return f"{title}: none"
        lines = [f"  {finding.sentence}" for finding in islice(chosen, most)]
        rest = [f"  and {len(chosen) - most:,} more"] if len(chosen) > most else []
        return "\n".join([f"{title}:", *lines, *rest])

    def __str__(self) -> str:
        return "\n".join(str(finding) for severity in ORDER for finding in self._select(severity))

    def _select(self, severity: Severity) -> "Findings":
        return Findings(finding for finding in self if finding.severity == severity)


def count(number: int, noun: str, plural: str = "s") -> str:
    """A number with its noun, in the plural where needed.

    Example:
        >>> count(1, "frame"), count(2000, "frame"), count(2, "stretch", "es")
        ('1 frame', '2,000 frames', '2 stretches')
    """
    return f"{number:,} {noun}{'' if number == 1 else plural}"

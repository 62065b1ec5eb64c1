"""Let the reference show examples in docstrings as code (mkdocs.yml, `extensions`)."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Griffe knows the section "Examples:"; our docstrings say "Example:"."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section of one class, function or module."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")

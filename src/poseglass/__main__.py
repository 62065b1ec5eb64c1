"""``python -m poseglass`` is ``poseglass``."""

from poseglass.cli import main

main()

"""``python -m poseglass`` is ``poseglass``."""

from poseglass.commands.app import main

main()

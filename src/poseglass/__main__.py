"""``python -m poseglass`` runs the command ``poseglass``."""

from poseglass.commands.app import main

main()

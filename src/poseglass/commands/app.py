"""The command line: ``poseglass lift``, ``live``, ``train``, ``evaluate``, ``reproduce``, ``bench``, ``convert``,
``export``, ``data``, ``doctor``.

Results go to standard output, everything else to standard error. The exit code is 0 for success, 1 for a problem with a
file, 2 for a problem with the command line, 130 after Ctrl-C, and 143 after SIGTERM.
"""

import logging
import sys
from collections.abc import Sequence
from typing import Annotated

import rich
import typer

from poseglass import __version__
from poseglass.commands.bench import bench
from poseglass.commands.convert import convert
from poseglass.commands.data import data
from poseglass.commands.doctor import doctor
from poseglass.commands.evaluate import evaluate
from poseglass.commands.export import export
from poseglass.commands.lift import lift
from poseglass.commands.live import live
from poseglass.commands.reproduce import reproduce
from poseglass.commands.stopping import Terminated, terminable
from poseglass.commands.terminal import Teller, fail, interrupted
from poseglass.commands.train import train
from poseglass.errors import PoseglassError
from poseglass.files.printable import printable

__all__ = ["app", "main"]

app = typer.Typer(
    name="poseglass",
    help="Video in, 3D human motion out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(data, name="data")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit. An error in the input is printed as one line, without a traceback.

    Args:
        arguments: The command and its options; by default those that the program was called with.
    """
    rich.reconfigure(stderr=True)  # keeps progress bars out of pipes
    log = logging.getLogger("poseglass")
    log.handlers = [Teller()]
    log.setLevel(logging.INFO)
    try:
        with terminable():
            code = app(arguments, prog_name="poseglass", standalone_mode=False)
    except (typer.Abort, KeyboardInterrupt):
        code = 130
    except Terminated:
        interrupted(143)
    except PoseglassError as problem:
        fail(str(problem))
    except OSError as problem:
        name = "" if problem.filename is None else f"{problem.filename}: "
        fail(f"{name}{problem.strerror or problem}")
    except Exception as problem:
        # Errors in the use of the command line print themselves.
        show = getattr(problem, "show", None)
        if show is None:
            raise
        if isinstance(message := getattr(problem, "message", None), str):
            problem.message = printable(message)  # type: ignore[attr-defined]
        show()
        code = getattr(problem, "exit_code", 2)
    if code == 130:
        interrupted()
    sys.exit(code)


def _version(value: bool) -> None:
    if value:
        print(f"poseglass {__version__}")  # noqa: T201
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass


for command in (lift, live, train, evaluate, reproduce, bench, convert, export, doctor):
    app.command()(command)

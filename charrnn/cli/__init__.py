"""The command line: one thin file a command, and here the one place where errors become exit codes."""

from __future__ import annotations

import io
import os
import sys
import warnings
from collections.abc import Sequence

import typer
from typer.exceptions import TyperException

from charrnn.cli.app import PROGRAM, OutputClosedError, make_app
from charrnn.errors import CharrnnError, ExitCode
from charrnn.isolation import RAISE, TRACE, is_out_of_memory, is_set, raise_if_asked
from charrnn.launch import leads, may_tell
from charrnn.reporting.echo import tell, tell_lines

#: Characters of a message: it tells the value that was wrong, and that may be a whole text.
_LONGEST = 1000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Returns:
        The exit code; whatever a person can cause has been told in one line on standard error.
    """
    warnings.showwarning = _show_warning
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # what a terminal cannot show must not end the program
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="replace")  # nor what a person types
    if not sys.warnoptions:
        # What libraries tell their developers is not for a user, nor what NumPy thinks of a stranger's weights.
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", category=UserWarning, module="charrnn")
    if is_set(TRACE):
        import logging

        logging.basicConfig(format=f"{PROGRAM}: %(message)s", level=logging.INFO, force=True)
    try:
        result = make_app().main(
            arguments if arguments is None else list(arguments), prog_name=PROGRAM, standalone_mode=False
        )
    except CharrnnError as error:
        _tell_of(error, str(error))
        return error.exit_code
    except typer.Abort:
        return ExitCode.INTERRUPTED
    except TyperException as error:
        _tell_usage(error)
        return error.exit_code
    except OutputClosedError:
        # Python would complain of it once more while it shuts down.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.DONE
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        _tell_of(error, f"{error.strerror or error}{where}")
        return ExitCode.TOLD_ERROR
    except (Exception, SystemExit) as error:
        told = _shortage(error) or _fault_of_a_plugin(error)
        if told is None:
            raise  # a fault of ours
        _tell_of(error, told)
        return ExitCode.TOLD_ERROR
    if result == ExitCode.INTERRUPTED:  # what Typer makes of Ctrl-C
        _tell("interrupted")
    return result if isinstance(result, int) else ExitCode.DONE


def _shortage(error: BaseException) -> str | None:
    if not is_out_of_memory(error):
        return None
    return (
        "there is not enough memory for this; to train, lower --hidden, --layers, --batch-size or --seq-len, "
        "to generate, --beam or --num"
    )


def _fault_of_a_plugin(error: BaseException) -> str | None:
    # Not above: the command charrnn.cli.plugins would take the name's place in this package.
    from charrnn.plugins import plugins

    told = plugins().fault(error)
    if told is not None:
        raise_if_asked(error, told)
        told += f"; {RAISE}=1 shows where"
    return told


def _tell_of(error: BaseException, text: str) -> None:
    """Tell of an error, if no other process of the same launch does."""
    if may_tell(error):
        _tell(text)


def _tell(text: str) -> None:
    """Write one line, without the middle of one that nobody would read to its end."""
    line = " ".join(text.splitlines())
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST // 2]} ... {line[-_LONGEST // 2 :]}"
    tell(f"{PROGRAM}: {line}")


def _tell_usage(error: TyperException) -> None:
    """Tell wrong usage in one line; a call without a command gets the help instead."""
    if not may_tell(error):
        return
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if type(error).__name__ == "NoArgsIsHelpError":
        tell_lines(message)
        return
    line = " ".join(message.split()).rstrip(".")
    if context is not None:
        line += f"{' See' if line.endswith('?') else '; see'}: {context.command_path} --help"
    _tell(line)


def _show_warning(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    if not leads():
        return
    _tell(f"warning: {message}" if category.__module__.startswith("charrnn") else f"{category.__name__}: {message}")

"""Where the program starts and ends: ``tvsl`` and ``python -m tvsl_cli``.

Exit codes: 0 all done, 1 some input failed, 2 usage, 130 interrupted (143 when asked to end by SIGTERM).
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from itertools import takewhile
from types import FrameType
from typing import Any, NoReturn

INTERRUPTED = 130
TERMINATED = 143


class _Ending(KeyboardInterrupt):
    """SIGTERM, taken like Ctrl-C, so that everything on the way out cleans up."""


def program() -> NoReturn:
    """Run the command line, and leave as soon as everything is written.

    Taking the interpreter apart, with all that was loaded into it, would be most of a short command's time.
    """
    # typer uses pydantic, which would look for plugins of its own in what every installed package says of itself.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    code = main()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        sys.exit(code)  # which waits for them
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code.

    Args:
        arguments: What stands behind ``tvsl``; None is the arguments of this process.
    """
    if arguments is None:
        _read_names_as_utf_8()
    _make_streams_safe()
    ending: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        ending.append(number)
        raise _Ending

    previous = signal.signal(signal.SIGTERM, end)
    try:
        code = _run(arguments)
    except KeyboardInterrupt:
        code = INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, previous)
    return TERMINATED if ending and code == INTERRUPTED else _flush(code)


def _read_names_as_utf_8() -> None:
    """Start anew in Python's UTF-8 mode where the locale says that names of files are in another coding.

    Names of results are UTF-8; under ``LC_ALL=de_DE.ISO-8859-1`` Python could write some of them not at all.
    """
    if os.name == "posix" and sys.getfilesystemencoding().lower() != "utf-8" and sys.executable:
        os.environ["PYTHONUTF8"] = "1"  # for the workers too
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])


def _run(arguments: Sequence[str] | None) -> int:
    from typer.main import get_command

    from tvsl_cli.app import app
    from tvsl_core.errors import TvslError

    if strange := _strange_option(sys.argv[1:] if arguments is None else arguments):
        from tvsl_cli.shared.terminal import say

        say(f"Error: {strange!r} is no option. If it is the name of a file, write ./ before it.", style="red")
        return 2
    try:
        get_command(app)(arguments, prog_name="tvsl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except TvslError as error:
        from tvsl_cli.shared.terminal import say_error

        _trace(error)
        say_error(error)
        return 1
    except Exception as error:
        from tvsl_cli.shared.terminal import say

        _trace(error)
        kind = type(error).__name__
        say(
            f"Error: tvsl stumbled over {kind}: {error or 'no message'}. This is a bug; set TVSL_DEBUG=1 to see where, "
            "and please report it.",
            style="red",
        )
        return 1
    return 0


def _strange_option(arguments: Sequence[str]) -> str | None:
    """An option that holds what steers a terminal: no option does, but the name of a file may, and typer repeats it."""
    from tvsl_cli.shared.terminal import visible

    options = (argument for argument in takewhile("--".__ne__, arguments) if argument.startswith("-"))
    return next((option for option in options if visible(option) != option), None)


def _trace(error: Exception) -> None:
    """The trace is for those who ask for it; a log file has it anyway."""
    if os.environ.get("TVSL_DEBUG"):
        import traceback

        from tvsl_cli.shared.terminal import visible_lines

        sys.stderr.write(visible_lines("".join(traceback.format_exception(error))))


def _make_streams_safe() -> None:
    """File names may hold bytes that are not UTF-8; reading or writing them must never raise."""
    for stream, errors in ((sys.stdin, "surrogateescape"), (sys.stdout, "backslashreplace")):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=errors)


def _flush(code: int) -> int:
    """Write out what is buffered; when nobody reads standard output any more, end without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


if __name__ == "__main__":
    program()

"""Log records of the library, shown to people and kept in a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tvsl_cli.shared.terminal import say, visible, visible_lines
from tvsl_core.errors import OutputError

LOGGERS = ("tvsl_core", "tvsl_cli")


class _TerminalHandler(logging.Handler):
    """One line per record on standard error, above a progress display if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(f"{record.levelname.capitalize()}: {record.getMessage()}", style=_STYLES.get(record.levelno, ""))
        except Exception:
            self.handleError(record)


class _OneLine(logging.Formatter):
    """A record is one line, whatever file names it holds; only a trace adds lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 the name is logging's
        record.message = visible(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 the name is logging's
        return visible_lines(super().formatException(ei))


_STYLES = {logging.WARNING: "yellow", logging.ERROR: "red", logging.CRITICAL: "red", logging.DEBUG: "dim"}


@contextmanager
def logging_to(*, verbose: bool, quiet: bool, log_file: Path | None) -> Iterator[None]:
    """Send the library's log records to the terminal and to a file until the block ends.

    Args:
        verbose: Show details on the terminal too, not only warnings.
        quiet: Show only errors.
        log_file: Gets every record with its time; appended to.

    Raises: OutputError: The file cannot be written.
    """
    terminal = _TerminalHandler()
    terminal.setLevel(logging.INFO if verbose else logging.ERROR if quiet else logging.WARNING)
    handlers: list[logging.Handler] = [terminal]
    if log_file is not None:
        handlers.append(_file_handler(log_file))
    loggers = [logging.getLogger(name) for name in LOGGERS]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
        for handler in handlers:
            logger.addHandler(handler)
    try:
        yield
    except Exception as error:
        logging.getLogger("tvsl_cli").debug("the command was stopped by an error", exc_info=error)
        raise
    finally:
        for logger in loggers:
            for handler in handlers:
                logger.removeHandler(handler)
        for handler in handlers:
            handler.close()


def _file_handler(log_file: Path) -> logging.Handler:
    try:
        log_file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(log_file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(
            f"the log file {str(log_file)!r} cannot be written: {error.strerror}.", hint="Give another --log-file."
        ) from error
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    return handler

"""The report behind a small server on this machine, for videos that lie elsewhere on the disk."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tvsl_core.exports.results import read_results
from tvsl_core.report.viewer.data import video_id

HOST = "127.0.0.1"
"""Nobody else in the network sees anything."""
BLOCK = 1 << 18
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")


def make_server(results: Path, report: Path, *, port: int = 0) -> ThreadingHTTPServer:
    """A server of a report and of the videos that it is about; ``serve_forever`` starts it.

    Args:
        results: That ``tvsl annotate`` wrote.
        report: That ``build_report`` made of it.
        port: Of this machine; 0 takes a free one.

    Raises:
        InputError: There are no results.
        OSError: The port is taken.
    """
    media = {video_id(video.name): video.path for video in read_results(results)}
    return ThreadingHTTPServer((HOST, port), partial(_Handler, report.resolve(), media))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, report: Path, media: Mapping[str, Path], *arguments: object) -> None:
        self._report, self._media = report, media
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Send a file of the report, or a range of a video."""
        self._answer(send=True)

    def do_HEAD(self) -> None:
        """Say what would be sent."""
        self._answer(send=False)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: people watch the browser, not the terminal."""

    def _answer(self, *, send: bool) -> None:
        # A page elsewhere could make its own name point to this machine; it would come with that name as host.
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in (HOST, "localhost"):
            self.send_error(HTTPStatus.FORBIDDEN)
            return
        file = self._file(unquote(urlsplit(self.path).path))
        if file is None or not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        size = file.stat().st_size
        span = _span(self.headers.get("Range"), size)
        if span is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        first, last = span
        partial_content = self.headers.get("Range") is not None
        self.send_response(HTTPStatus.PARTIAL_CONTENT if partial_content else HTTPStatus.OK)
        self.send_header("Content-Type", mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("X-Content-Type-Options", "nosniff")
        if partial_content:
            self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.end_headers()
        if send:
            self._send(file, first, last)

    def _file(self, path: str) -> Path | None:
        parts = [part for part in path.split("/") if part]
        if len(parts) == 2 and parts[0] == "media":
            return self._media.get(parts[1])
        file = self._report.joinpath(*parts or ["index.html"])
        return file if "\0" not in path and file.resolve().is_relative_to(self._report) else None

    def _send(self, file: Path, first: int, last: int) -> None:
        try:
            with file.open("rb") as source:
                source.seek(first)
                left = last - first + 1
                while left and (block := source.read(min(BLOCK, left))):
                    self.wfile.write(block)
                    left -= len(block)
        except (ConnectionError, TimeoutError):  # the browser sought elsewhere
            self.close_connection = True


def _span(header: str | None, size: int) -> tuple[int, int] | None:
    """First and last byte that are asked for (RFC 9110, section 14); None when no byte of the file is."""
    if header is None:
        return 0, size - 1
    match = _RANGE.match(header.strip())
    if match is None:
        return 0, size - 1  # several ranges, or another unit: all of it, which is allowed
    begin, end = match.groups()
    if not begin:
        return (max(0, size - int(end)), size - 1) if end and int(end) else None
    first = int(begin)
    last = min(int(end), size - 1) if end else size - 1
    return (first, last) if first <= last else None

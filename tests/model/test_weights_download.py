"""Downloads from a server on this machine that misbehaves in every way that servers do."""

import hashlib
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from tvsl_core.errors import OutputError, WeightsError
from tvsl_core.model.weights import download as module
from tvsl_core.model.weights.download import DownloadOptions, download

BODY = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(BODY).hexdigest()
FAST = DownloadOptions(timeout_s=1.0, attempts=3, pause_s=0.01, lock_wait_s=5)


class Handler(BaseHTTPRequestHandler):
    """Answers as its server's ``manners`` say, one entry a request; the last one repeats."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = self.server.asked
        asked.append(self.headers.get("Range"))
        manners = self.server.manners
        manner = manners[min(len(asked), len(manners)) - 1]
        start = int(asked[-1][6:-1]) if asked[-1] else 0
        self.close_connection = True
        getattr(self, manner.split(":")[0])(start, *manner.split(":")[1:])

    def reply(self, status, body, declared=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if declared is None else declared))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def good(self, start):
        if start:
            self.reply(206, BODY[start:], Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}")
        else:
            self.reply(200, BODY)

    def drop(self, start, count):
        end = start + int(count)
        self.reply(
            206 if start else 200,
            BODY[start:end],
            len(BODY) - start,
            Content_Range=f"bytes {start}-{len(BODY) - 1}/{len(BODY)}",
        )

    def short(self, start, count):
        self.reply(200, BODY[: int(count)])

    def ignore_range(self, _start):
        self.reply(200, BODY)

    def wrong_range(self, _start):
        self.reply(206, BODY[5:], Content_Range=f"bytes 5-{len(BODY) - 1}/{len(BODY)}")

    def corrupt(self, start):
        self.reply(206 if start else 200, bytes(len(BODY) - start), Content_Range=f"bytes {start}-")

    def long(self, _start):
        self.reply(200, BODY + b"more")

    def endless(self, _start):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(BODY + b"more" * 100_000)

    def fail(self, _start, status):
        self.reply(int(status), b"no")

    def redirect(self, _start):
        self.reply(302, b"", Location="/elsewhere")

    def redirect_to_file(self, _start):
        self.reply(302, b"", Location="file:///etc/hostname")

    def stall(self, start):
        self.send_response(200)
        self.send_header("Content-Length", str(len(BODY)))
        self.end_headers()
        self.wfile.write(BODY[:1000])
        self.wfile.flush()
        self.server.stop.wait(3)

    def log_message(self, *_args):
        pass


@pytest.fixture
def server(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.asked, httpd.manners, httpd.stop = [], ["good"], threading.Event()
    httpd.daemon_threads = True
    thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
    thread.start()
    yield httpd
    httpd.stop.set()
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def fetch(server, folder, *manners, **changes):
    server.manners = list(manners) or ["good"]
    settings = {"size": len(BODY), "sha256": SHA256, "options": FAST, **changes}
    return download(f"http://127.0.0.1:{server.server_port}/w.pt", folder / "deep" / "w.pt", **settings)


def test_a_good_server_gives_the_file_and_progress(server, tmp_path):
    steps = []
    path = fetch(server, tmp_path, progress=lambda done, size: steps.append((done, size)))

    assert path.read_bytes() == BODY
    assert steps[-1] == (len(BODY), len(BODY))
    assert sorted(p.name for p in path.parent.iterdir() if p.suffix != ".lock") == ["w.pt"]


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    fetch(server, tmp_path)
    fetch(server, tmp_path, "fail:500")

    assert len(server.asked) == 1


def test_dropped_connections_are_resumed(server, tmp_path):
    path = fetch(server, tmp_path, "drop:300000", "drop:300000", "good")

    assert path.read_bytes() == BODY
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


def test_many_drops_do_not_count_while_bytes_arrive(server, tmp_path):
    assert fetch(server, tmp_path, "drop:50000").read_bytes() == BODY


def test_a_broken_download_continues_in_the_next_run(server, tmp_path):
    with pytest.raises(WeightsError, match=r"300,000 of 1,048,576 bytes are here.*Run the same command again"):
        fetch(server, tmp_path, "drop:300000", "fail:503")
    assert not (tmp_path / "deep" / "w.pt").exists()

    server.asked.clear()
    assert fetch(server, tmp_path, "good").read_bytes() == BODY
    assert server.asked == ["bytes=300000-"]


def test_a_server_without_ranges_starts_over(server, tmp_path):
    assert fetch(server, tmp_path, "drop:300000", "ignore_range").read_bytes() == BODY


def test_a_wrong_range_is_not_appended(server, tmp_path):
    assert fetch(server, tmp_path, "drop:300000", "wrong_range", "good").read_bytes() == BODY


def test_short_bodies_are_never_accepted(server, tmp_path):
    with pytest.raises(WeightsError, match="could not be fetched in 3 attempts"):
        fetch(server, tmp_path, "short:5000")
    assert not (tmp_path / "deep" / "w.pt").exists()


def test_corrupt_bytes_are_deleted(server, tmp_path):
    with pytest.raises(WeightsError, match="not the published file: sha256"):
        fetch(server, tmp_path, "corrupt")
    assert [p.name for p in (tmp_path / "deep").iterdir() if p.suffix != ".lock"] == []


def test_a_foreign_part_is_replaced(server, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.pt.part").write_bytes(b"x" * 1000)

    assert fetch(server, tmp_path).read_bytes() == BODY
    assert server.asked == ["bytes=1000-", None]


def test_a_part_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w.pt.part").write_bytes(b"x" * (len(BODY) + 1))

    assert fetch(server, tmp_path).read_bytes() == BODY


def test_a_damaged_finished_file_is_fetched_again(server, tmp_path):
    path = fetch(server, tmp_path)
    path.write_bytes(BODY[:-1] + b"x")

    assert fetch(server, tmp_path).read_bytes() == BODY


@pytest.mark.parametrize("manner", ["long", "endless"])
def test_more_than_the_published_bytes_are_refused(server, tmp_path, manner):
    with pytest.raises(WeightsError, match=r"offers 1,048,580 bytes|sends more"):
        fetch(server, tmp_path, manner)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_reported_at_once(server, tmp_path, status):
    with pytest.raises(WeightsError, match=str(status)):
        fetch(server, tmp_path, f"fail:{status}")
    assert len(server.asked) == 1


def test_a_server_that_is_busy_is_asked_again(server, tmp_path):
    assert fetch(server, tmp_path, "fail:503", "fail:429", "good").read_bytes() == BODY


def test_redirects_are_followed(server, tmp_path):
    assert fetch(server, tmp_path, "redirect", "good").read_bytes() == BODY


def test_redirects_out_of_http_are_not(server, tmp_path):
    with pytest.raises(WeightsError):
        fetch(server, tmp_path, "redirect_to_file")


def test_a_server_that_falls_silent_is_left(server, tmp_path):
    options = DownloadOptions(timeout_s=0.3, attempts=1, pause_s=0)

    assert fetch(server, tmp_path, "stall", "good", options=options).read_bytes() == BODY


def test_nobody_listening_is_one_clear_sentence(tmp_path):
    with pytest.raises(WeightsError, match=r"could not be fetched in 3 attempts: .*refused"):
        download("http://127.0.0.1:9/w.pt", tmp_path / "w.pt", size=9, sha256="0", options=FAST)


@pytest.mark.parametrize("url", ["ftp://x/w.pt", "file:///etc/passwd", "w.pt"])
def test_only_http_is_fetched(tmp_path, url):
    with pytest.raises(WeightsError, match="not an http"):
        download(url, tmp_path / "w.pt", size=9, sha256="0", options=FAST)


def test_a_full_disk_is_noticed_before_the_transfer(server, tmp_path, monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=1000))

    with pytest.raises(OutputError, match="MB free"):
        fetch(server, tmp_path)
    assert server.asked == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_output_error(server, tmp_path):
    (tmp_path / "deep").mkdir(mode=0o500)

    with pytest.raises(OutputError, match="cannot be written"):
        fetch(server, tmp_path)


def test_a_file_in_place_of_the_folder_is_an_output_error(server, tmp_path):
    (tmp_path / "deep").write_text("in the way")

    with pytest.raises(OutputError, match="cannot be written"):
        fetch(server, tmp_path)


def test_two_at_once_fetch_it_once(server, tmp_path):
    server.manners = ["good"]
    found = []
    threads = [threading.Thread(target=lambda: found.append(fetch(server, tmp_path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert len(server.asked) == 1


def test_a_lock_held_too_long_is_reported(server, tmp_path):
    (tmp_path / "deep").mkdir()
    with module.FileLock(tmp_path / "deep" / "w.pt.lock"), pytest.raises(WeightsError, match="Another process"):
        fetch(server, tmp_path, options=DownloadOptions(lock_wait_s=0.05))

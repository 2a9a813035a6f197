"""Media that name other files or addresses: nothing but the file itself is ever opened, by PyAV or by ffmpeg."""

import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.builders import ffmpeg_input, make_clip
from tests.hostile import watched, with_pointer
from tvsl_core.errors import MediaError
from tvsl_core.media.read.frames import read_frames
from tvsl_core.media.read.probe import probe
from tvsl_core.media.read.safety import ffmpeg_global_arguments
from tvsl_core.media.write.binary import find_ffmpeg

REFERENCES = {
    "address.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
    "disguised.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}/a.ts\n#EXT-X-ENDLIST\n",
    "local.mp4": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{canary}\n#EXT-X-ENDLIST\n",
    "key.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-KEY:METHOD=AES-128,URI="{url}/key"\n#EXTINF:1,\n{canary}\n',
    "map.m3u8": '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI="{url}/init.mp4"\n#EXTINF:1,\n{canary}\n',
    "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}/low.m3u8\n",
    "concat.mp4": "ffconcat version 1.0\nfile '{canary}'\n",
    "concat-address.mp4": "ffconcat version 1.0\nfile '{url}/x.mp4'\n",
    "dash.mp4": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
    'bandwidth="1"><BaseURL>{url}/v.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>\n',
    "session.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} RTP/AVP 96\n",
    "quicktime.mov": "RTSPtext{url}/x\n",
    "windows.asf": "[Reference]\nRef1={url}/a.asf\n",
    "windows.asx": '<asx version="3.0"><entry><ref href="{url}/a"/></entry></asx>\n',
    "winamp.pls": "[playlist]\nFile1={url}/a\n",
    "real.ram": "{url}/a.rm\n",
    "smil.smi": '<smil><body><video src="{url}/v.mp4"/></body></smil>\n',
    "subtitles.srt": "1\n00:00:00,000 --> 00:00:01,000\nhello\n",
    "styled.mp4": "[Script Info]\nScriptType: v4.00+\n\n[Events]\nFormat: Start, End, Text\n",
    "dvd.idx": "# VobSub index file, v7 (do not modify this line!)\nid: en, index: 0\n",
    "script.avs": 'AviSource("{canary}")\n',
    "numbered%03d.png": "not the picture",
}
"""Name to text; {url} is a server of ours, {canary} a real video beside the file."""


@pytest.fixture(scope="module")
def server():
    """A web server that remembers what it was asked for."""
    asked: list[str] = []

    class Remember(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET  # noqa: N815 the name is http.server's

        def log_message(self, *_):
            pass

    web = ThreadingHTTPServer(("127.0.0.1", 0), Remember)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    yield web.server_port, asked
    web.shutdown()
    web.server_close()


@pytest.fixture(scope="module")
def canary(tmp_path_factory) -> Path:
    return make_clip(tmp_path_factory.mktemp("canary") / "canary.ts", seconds=0.4, size=(16, 16))


def ffmpeg(path: Path, *more: str) -> subprocess.CompletedProcess:
    command = [find_ffmpeg(), *ffmpeg_global_arguments(), *ffmpeg_input(path), *more, "-f", "null", "-"]
    return subprocess.run(command, capture_output=True, timeout=20, check=False)


@pytest.mark.parametrize("name", REFERENCES)
def test_what_a_file_names_is_neither_opened_nor_fetched(tmp_path, server, canary, name):
    port, asked = server
    file = tmp_path / name
    file.write_text(REFERENCES[name].format(url=f"http://127.0.0.1:{port}", canary=canary, port=port))
    before = len(asked)
    with watched(canary) as was_opened:
        with pytest.raises(MediaError) as caught:
            probe(file)

        assert ffmpeg(file).returncode != 0
        assert not was_opened()
    assert asked[before:] == []
    assert caught.value.hint


def test_the_watch_sees_what_an_unguarded_ffmpeg_opens(tmp_path, server, canary):
    """Otherwise the test above could not fail."""
    port, asked = server
    local, remote = tmp_path / "local.m3u8", tmp_path / "remote.m3u8"
    local.write_text(REFERENCES["local.mp4"].format(canary=canary))
    remote.write_text(REFERENCES["address.m3u8"].format(url=f"http://127.0.0.1:{port}"))
    before = len(asked)
    with watched(canary) as was_opened:
        for file in (local, remote):
            free = ["-v", "error", "-protocol_whitelist", "file,http,tcp,crypto", "-i", file, "-f", "null", "-"]
            subprocess.run([find_ffmpeg(), *free], capture_output=True, timeout=20, check=False)

        assert was_opened()
    assert "/a.ts" in asked[before:]


def test_pictures_that_lie_in_another_file_are_refused(tmp_path):
    target = make_clip(tmp_path / "target.mov", seconds=1, size=(16, 16), audio=None)
    file = with_pointer(tmp_path / "pointer.mov", target)
    with watched(target) as was_opened:
        with pytest.raises(MediaError, match=r"lie in another file") as caught:
            list(read_frames(probe(file), fps=1))
        refused = ffmpeg(file)

        assert not was_opened()
    assert caught.value.stage == "decode"
    assert refused.returncode != 0 or b"frame=" not in refused.stderr
    with watched(target) as was_opened:
        subprocess.run(
            [find_ffmpeg(), "-v", "error", "-enable_drefs", "1", "-i", file, "-f", "null", "-"],
            capture_output=True,
            timeout=20,
            check=False,
        )

        assert was_opened(), "the recipe is wrong: not even an ffmpeg that follows references opens the target"


@pytest.mark.parametrize("name", ["concat:a.ts|b.ts", "http:", "subfile,,start,0,end,9,,:x.ts", "pipe:0", "data:,x"])
def test_a_protocol_in_a_file_name_is_part_of_the_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    clip = make_clip(Path("real.ts"), seconds=0.4, size=(16, 16)).rename(name)

    assert probe(clip).width == 16
    assert ffmpeg(clip).returncode == 0

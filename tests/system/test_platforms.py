"""Systems that lack what Linux has: importing and annotating use nothing of it."""

import ctypes
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.builders import make_clip
from tvsl_core.errors import InputError
from tvsl_core.model.load import pick_device
from tvsl_core.system import platforms

ROOT = Path(__file__).resolve().parents[2]
POOR = """
import asyncio, multiprocessing, os, signal, subprocess, sys  # the standard library is at home on every system,
import av, cv2, ffmpeg, imageio_ffmpeg, numpy, pandas, pyarrow.parquet, scipy, tokenizers, torch  # and so are these

from importlib.abc import MetaPathFinder

MODULES = "fcntl resource termios pwd grp pty tty syslog"
OF_OS = '''setsid killpg getpgid setpgid getpgrp fork forkpty sched_getaffinity set_blocking getuid geteuid getgid
mkfifo mknod chown lchown statvfs getloadavg nice uname sysconf wait4 O_NONBLOCK O_NOFOLLOW O_DIRECTORY O_CLOEXEC'''
OF_SIGNAL = "pthread_sigmask sigwait alarm setitimer SIGKILL SIGHUP SIGXFSZ SIGUSR1 SIGCHLD"

class Nowhere(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in MODULES.split():
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in MODULES.split():
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Nowhere())
for home, names in ((os, OF_OS), (signal, OF_SIGNAL)):
    for name in names.split():
        if hasattr(home, name):
            delattr(home, name)

def no_proc(event, arguments):
    if event == "open" and str(arguments[0]).startswith("/proc"):
        raise FileNotFoundError(2, "No such file", arguments[0])

sys.addaudithook(no_proc)
"""


def on_a_poor_system(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose Python lacks everything that Windows lacks."""
    command = [sys.executable, "-c", POOR + code, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_every_module_can_be_imported_without_what_windows_lacks():
    files = sorted(path for package in ("tvsl_core", "tvsl_cli") for path in (ROOT / package).rglob("*.py"))
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in files]
    names = [name for name in names if not name.endswith("__main__")]
    result = on_a_poor_system(f"import importlib\nfor name in {names}: importlib.import_module(name)")

    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_run_without_processes_uses_nothing_that_windows_lacks(tmp_path):
    make_clip(tmp_path / "a.mp4", seconds=1, size=(64, 48))
    (tmp_path / "list.txt").write_text(f"{tmp_path / 'a.mp4'}\n")
    code = """
from pathlib import Path
from tvsl_core.annotate.options import AnnotateOptions
from tvsl_core.batch.batch import annotate_videos
from tvsl_core.batch.inputs import find_videos
report = annotate_videos(find_videos([sys.argv[1]]), out=Path(sys.argv[2]), options=AnnotateOptions(overlay="combined"))
print([video.status for video in report.finished], [video.error for video in report.finished])
"""
    result = on_a_poor_system(code, f"@{tmp_path / 'list.txt'}", str(tmp_path / "out"))

    assert result.stdout.strip() == "['done'] ['']", result.stderr
    assert list((tmp_path / "out" / "heatmaps").rglob("combined.mp4"))


def test_only_one_file_asks_for_what_is_particular_to_a_system():
    marks = ("setsid", "killpg", "fcntl", "/proc/", "setrlimit", "sched_getaffinity", "pthread_sigmask", "sys.platform")
    for path in (ROOT / "tvsl_core").rglob("*.py"):
        if path.name != "platforms.py":
            lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "hasattr(signal" not in line]
            assert not [mark for mark in marks if any(mark in line for line in lines)], path


def test_a_process_that_is_gone_is_known_by_its_start():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    began = platforms.process_start(process.pid)

    assert began
    assert not platforms.is_process_gone(process.pid, began)
    assert platforms.is_process_gone(process.pid, "another start")
    process.communicate()
    assert platforms.is_process_gone(process.pid, began)


def test_a_group_ends_with_everything_in_it():
    code = "import os, subprocess; os.setsid(); child = subprocess.Popen(['sleep', '60']); print(child.pid, flush=True)"
    leader = subprocess.Popen([sys.executable, "-c", f"{code}; child.wait()"], stdout=subprocess.PIPE, text=True)
    child = int(leader.stdout.readline())
    began = platforms.process_start(child)
    platforms.end_group(leader.pid)
    leader.wait(timeout=10)
    leader.stdout.close()

    until = time.monotonic() + 10
    while not (gone := platforms.is_process_gone(child, began)) and time.monotonic() < until:
        time.sleep(0.05)
    assert gone


def test_the_gpu_of_a_mac_is_taken_when_it_is_named_and_there(monkeypatch):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert pick_device("mps") == torch.device("mps")

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(InputError, match="'mps' is not available"):
        pick_device("mps")


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_stats"), reason="the C library is not glibc")
@pytest.mark.parametrize(("told", "heaps"), [(True, {1, 2}), (False, set(range(3, 10)))])
def test_the_threads_of_a_process_share_two_heaps_once_it_is_told_to(told, heaps):
    script = f"""
import ctypes, sys, threading
from tvsl_core.system import platforms
if {told}:
    platforms.keep_few_heaps()
libc, together = ctypes.CDLL(None), threading.Barrier(8)
libc.malloc.restype = ctypes.c_void_p
def work():
    together.wait()
    libc.malloc(1000)
    together.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[one.start() for one in threads], [one.join() for one in threads]
libc.malloc_stats()
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    assert said.count("Arena ") in heaps

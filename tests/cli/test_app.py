import dataclasses
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import get_type_hints

import pytest
from typer.main import get_command

from tvsl_cli.__main__ import main
from tvsl_cli.annotate import run as annotate_run
from tvsl_cli.annotate.request import AnnotateRequest
from tvsl_cli.app import app
from tvsl_cli.manual import MANUAL, manual, walk
from tvsl_cli.shared.options import keys_of, specs
from tvsl_core.annotate.options import AnnotateOptions, QueueOptions, TimeLimits
from tvsl_core.annotate.rules import BoxOptions, DetectOptions, TrackOptions

ROOT = Path(__file__).resolve().parents[2]


def tvsl(*arguments, stdin=None, **environment):
    command = [sys.executable, "-m", "tvsl_cli", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        input=stdin,
        env=os.environ | environment,
        timeout=120,
        check=False,
    )


@pytest.fixture
def asked(monkeypatch):
    """What the command hands on: (inputs, request)."""
    calls = []

    def remember(inputs, request):
        calls.append((inputs, request))
        return 0

    monkeypatch.setattr(annotate_run, "run", remember)

    def ask(*arguments):
        code = main(["annotate", *arguments])
        assert code == 0, code
        return calls[-1]

    return ask


def test_help_answers_in_half_a_second():
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        result = tvsl("--help")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        assert result.returncode == 0
        assert "annotate" in result.stdout

    assert min(spent) < 0.5  # processor time: a busy machine must not fail this


def test_the_version_is_one_line():
    assert re.fullmatch(r"tvsl \S+\n", tvsl("--version").stdout)


@pytest.mark.parametrize(
    "arguments", [[], ["anotate"], ["annotate"], ["annotate", "a.mp4", "--no-such"], ["annotate", "a", "--fps", "x"]]
)
def test_what_is_not_understood_exits_with_2(arguments, capfd):
    assert main(arguments) == 2
    printed = capfd.readouterr()
    assert printed.out == "" if arguments else "Usage" in printed.out + printed.err


def test_a_misspelt_command_is_answered_with_the_right_one(capfd):
    main(["anotate"])

    assert "Did you mean 'annotate'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fps", "0"], "fps must lie in (0, 240], got 0"),
        (["--window", "90"], "window must lie in [0.5, 60] seconds, got 90"),
        (["--start", "10", "--end", "0:05"], "end (5.0) must lie after start (10.0)"),
        (["--min-score", "1.5"], "min-score must lie in [0, 1], got 1.5"),
        (["--max-sources", "0"], "max-sources must be at least 1, got 0"),
        (["--batch", "0"], "batch must be at least 1, got 0"),
        (["--workers", "-1"], "workers must be at least 1, or 0 for what fits this machine, got -1"),
        (["--audio-track", "-1"], "audio-track counts from 0, got -1"),
        (["--precision", "fp64"], "precision must be one of auto, fp32, bf16, got 'fp64'"),
        (["--device", "gpu"], "device must be auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        (["-v", "-q"], "--verbose and --quiet exclude each other"),
    ],
)
def test_a_value_out_of_range_is_one_sentence_and_exit_code_2(arguments, said, capfd):
    assert main(["annotate", "a.mp4", *arguments]) == 2
    printed = capfd.readouterr()
    assert said.casefold() in printed.err.casefold()
    assert len(printed.err.splitlines()) == 1
    assert printed.out == ""


@pytest.mark.parametrize("value", ["1:99", "soon", ""])
def test_a_time_that_is_none_is_refused_with_the_form_it_must_have(value, capfd):
    assert main(["annotate", "a.mp4", "--start", value]) == 2
    assert "mm:ss" in capfd.readouterr().err


def test_the_defaults_are_those_of_the_library(asked):
    inputs, request = asked("a.mp4", "b")

    assert inputs == ["a.mp4", "b"]
    assert request == AnnotateRequest()
    assert request.options == AnnotateOptions()
    assert (request.choices, request.patience) == (QueueOptions(), TimeLimits())


def test_every_option_reaches_the_library(asked):
    typed = "--fps 4 --window 3 --start 0:10 --end 1:00.5 --classes dog,violin --vocabulary v.toml --min-score 0.3"
    typed += " --max-sources 2 --batch 3 --overlay combined --save-maps --audio-track 1"
    _, request = asked("a.mp4", *typed.split())

    assert request.options == AnnotateOptions(
        fps=4,
        window_s=3,
        start_s=10,
        end_s=60.5,
        classes=("dog", "violin"),
        vocabulary=Path("v.toml"),
        detect=DetectOptions(min_score=0.3, max_sources=2),
        batch=3,
        overlay="combined",
        save_maps=True,
        audio_track=1,
    )


def test_the_command_line_wins_over_the_file_and_the_file_over_the_default(asked, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text('[annotate]\nfps = 4\nwindow = 3\nclasses = ["dog"]\nworkers = 2\nsave-maps = true')
    _, request = asked("a.mp4", "--config", str(file), "--window", "4", "--classes", "cat")
    options = request.options

    assert (options.fps, options.window_s, options.classes, options.save_maps) == (4, 4, ("cat",), True)
    assert request.workers == 2
    assert options.detect == DetectOptions()


def test_a_typed_value_wins_even_when_it_is_the_default(asked, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[annotate]\nfps = 4")
    _, request = asked("a.mp4", "--config", str(file), "--fps", "2")

    assert request.options.fps == 2


def test_a_bad_configuration_is_one_sentence_and_exit_code_2(tmp_path, capfd):
    file = tmp_path / "settings.toml"
    file.write_text("[annotate]\nfsp = 4")

    assert main(["annotate", "a.mp4", "--config", str(file)]) == 2
    assert "Did you mean 'fps'?" in capfd.readouterr().err
    file.write_text("[annotate]\nfps = 400")
    assert main(["annotate", "a.mp4", "--config", str(file)]) == 2
    assert "got 400" in capfd.readouterr().err


def leaves(group, path=()):
    """Every field of an options dataclass and of those in it: its path and its type."""
    hints = get_type_hints(group)
    for field in dataclasses.fields(group):
        if dataclasses.is_dataclass(hints[field.name]):
            yield from leaves(hints[field.name], (*path, field.name))
        else:
            yield (*path, field.name), hints[field.name]


def test_every_field_of_the_options_can_be_typed_and_can_stand_in_a_file_under_a_name_of_its_own():
    """Numbers of a rule that nobody can reach are defects."""
    of_this_call_only = {"jsonl", "csv", "dry-run", "verbose", "quiet"}
    derived = {("options", "draw", "style", "legend")}
    found = specs(AnnotateRequest)

    assert {spec.path for spec in found} == {path for path, _ in leaves(AnnotateRequest)} - derived
    assert len({spec.parameter for spec in found}) == len(found)
    assert {spec.key for spec in found} - set(keys_of(AnnotateRequest)) == of_this_call_only
    assert all(spec.help for spec in found)


def test_a_number_of_a_stage_is_reached_by_command_line_and_by_a_table_of_the_file(asked, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[annotate.boxes]\nthreshold = 0.4\nmin_area = 0.1\n[annotate.draw]\nboxes = false")
    _, request = asked("a.mp4", "--config", str(file), "--boxes-min-area", "0.2", "--track-smoothing", "1")

    assert request.options.boxes == BoxOptions(threshold=0.4, min_area=0.2)
    assert request.options.track == TrackOptions(smoothing=1)
    assert request.options.draw.style.boxes is False


def test_a_number_of_a_stage_is_complained_about_by_the_name_that_was_typed(capfd, tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[annotate.boxes]\ntreshold = 0.4")

    assert main(["annotate", "a.mp4", "--boxes-threshold", "2"]) == 2
    assert "boxes-threshold must lie in (0, 1], got 2" in capfd.readouterr().err.casefold()
    assert main(["annotate", "a.mp4", "--config", str(file)]) == 2
    assert "[annotate.boxes] has no key 'treshold'. Did you mean 'threshold'?" in capfd.readouterr().err
    file.write_text("[annotate]\nboxes = 3")
    assert main(["annotate", "a.mp4", "--config", str(file)]) == 2
    assert "Write [annotate.boxes]" in capfd.readouterr().err


def test_a_name_with_a_leading_dash_can_be_given(asked):
    inputs, *_ = asked("--", "-strange.mp4")

    assert inputs == ["-strange.mp4"]


def test_a_bug_is_one_sentence_with_advice_that_works(monkeypatch, capfd):
    def stumble(*_, **__):
        raise RuntimeError("the sky fell")

    monkeypatch.setattr(annotate_run, "run", stumble)

    assert main(["annotate", "a.mp4"]) == 1
    said = capfd.readouterr().err
    assert "RuntimeError: the sky fell" in said
    assert "TVSL_DEBUG=1" in said
    assert "Traceback" not in said
    monkeypatch.setenv("TVSL_DEBUG", "1")
    main(["annotate", "a.mp4"])
    assert "Traceback" in capfd.readouterr().err


def test_an_interrupt_exits_with_130(monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(annotate_run, "run", interrupt)

    assert main(["annotate", "a.mp4"]) == 130


def test_sigterm_ends_like_an_interrupt_with_143(monkeypatch):
    def wait(*_, **__):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    monkeypatch.setattr(annotate_run, "run", wait)

    assert main(["annotate", "a.mp4"]) == 143


def test_a_closed_pipe_ends_without_a_word():
    command = f"{sys.executable} -m tvsl_cli annotate --help | true; exit ${{PIPESTATUS[0]}}"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.stderr == ""


def test_the_manual_says_what_the_commands_say():
    assert MANUAL.read_text(encoding="utf-8") == manual(app), "run: python -m tvsl_cli.manual"


def test_the_manual_names_every_command_and_every_option():
    written = manual(app)

    def check(command, words):
        for name, inner in getattr(command, "commands", {}).items():
            check(inner, [*words, name])
        if hasattr(command, "commands"):
            return
        _, _, section = written.partition(f"\n## {' '.join(words)}\n")
        section, _, _ = section.partition("\n## ")
        assert section, f"{words} is missing"
        for parameter in command.params:
            for flag in parameter.opts if parameter.opts[0].startswith("-") else ():
                assert flag == "--help" or f"`{flag}" in section, f"{flag} of {words} is missing"

    check(get_command(app), ["tvsl"])


def test_every_command_has_an_example_that_parses():
    for name, function in walk(app, ("tvsl",)):
        example = re.search(r"^ *Example: (.*)$", function.__doc__, re.MULTILINE)
        assert example, f"{name} has no example"
        assert example[1].startswith(name), example[1]


@pytest.mark.slow
def test_info_is_what_a_bug_report_needs_for_people_and_for_programs():
    facts = json.loads(tvsl("info", "--json").stdout)
    shown = tvsl("info").stdout

    assert set(facts) == {"versions", "machine", "ffmpeg", "models"}
    assert "path" in facts["ffmpeg"]
    assert re.fullmatch(r"embedded, [\d.]+ MB, sha256 [0-9a-f]{64}", facts["models"]["compact"])
    for section in facts.values():
        assert all(str(value) in shown for value in section.values())


@pytest.mark.slow
def test_building_from_the_wrong_folder_is_one_sentence(tmp_path):
    result = tvsl("models", "build", "compact", "--from", str(tmp_path), "--out", str(tmp_path / "out.safetensors"))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_options_for_many_videos_reach_the_run(asked):
    _, request = asked("a.mp4", "--retry-failed", "--fail-fast", "--timeout", "20")

    assert (request.choices.retry_failed, request.choices.max_failures) == (True, 1)
    assert request.patience.stall_s == 20
    assert asked("a.mp4", "--max-failures", "3", "--timeout", "0")[-1].choices.max_failures == 3
    assert asked("a.mp4", "--timeout", "0")[-1].patience == TimeLimits(stall_s=0, factor=0)
    assert main(["annotate", "a.mp4", "--max-failures", "0"]) == 2
    assert main(["annotate", "a.mp4", "--max-failures", "3", "--fail-fast"]) == 2

"""The pages of results, in a real browser: they open from the disk, play, seek, and draw what the tables say."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.builders import make_clip
from tests.exports.conftest import BOX, SHIFT, event, write_results
from tvsl_core.batch.records import VideoRow
from tvsl_core.batch.videos_table import write_videos
from tvsl_core.errors import InputError
from tvsl_core.exports.results import read_results
from tvsl_core.imports.run import import_labels
from tvsl_core.report.viewer.build import ReportOptions, build_report
from tvsl_core.report.viewer.data import MOST_PEAKS, address, video_id, video_page, waveform
from tvsl_core.report.viewer.serve import make_server

SIZE = (256, 192)
EVIL = "<img src=x onerror=alert(1)> & friends.mp4"
EVENTS = (
    event(0, 0.5, 1.5),
    event(1, 1.0, 3.0, source_id=1, name="guitar", verdict="offscreen", box=None, score=0.6, alternatives=()),
    event(2, 2.5, 3.5),
)


CONTRAST = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => Number(v) / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = light(getComputedStyle(document.body).backgroundColor);
  return [...document.querySelectorAll("h2, #about, td, th, .keys, #back")].map((node) => {
    const ink = light(getComputedStyle(node).color);
    return (Math.max(ink, back) + 0.05) / (Math.min(ink, back) + 0.05);
  });
}"""
"""Contrast of text and page (WCAG 2.2, relative luminance)."""


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("viewer")
    clip = make_clip(root / "count.mp4", seconds=4, picture="counter", size=SIZE, audio="aac", sound="beep")
    rows = [write_results(root / "results", name, clip, EVENTS, maps=True) for name in ("count.mp4", EVIL)]
    failed = rows[0] | {"video": "broken.mp4", "status": "failed", "error": "it is damaged.", "hint": "Copy it again."}
    write_videos(root / "results/videos.parquet", [VideoRow(**row) for row in (*rows, failed | {"table": None})])
    return root / "results"


@pytest.fixture(scope="session")
def report(results):
    return build_report(results).page


@pytest.fixture(scope="session")
def browser():
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium here")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--mute-audio"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=program, args=quiet)
        yield running
        running.close()


@contextmanager
def opened(browser, address, **options):
    """A page whose errors and requests are watched."""
    context = browser.new_context(**options)
    page = context.new_page()
    problems, requests = [], []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("dialog", lambda dialog: problems.append("a dialog") or dialog.dismiss())
    page.on("request", lambda request: requests.append(request.url))
    page.goto(address)
    try:
        yield page, requests
    finally:
        context.close()
    assert problems == []


def drawn(page, x, y):
    """Red, green, blue and opacity of the overlay at a point in pixels of the video."""
    return page.evaluate(
        """([x, y, width, height]) => { const c = document.getElementById("overlay");
        return [...c.getContext("2d").getImageData(x / width * c.width, y / height * c.height, 1, 1).data] }""",
        [x, y, *SIZE],
    )


def at(page, seconds):
    """Show the moment of a time."""
    page.evaluate("(t) => { const v = document.getElementById('video'); v.pause(); v.currentTime = t }", seconds)
    page.wait_for_function("(t) => Math.abs(document.getElementById('video').currentTime - t) < 0.02", arg=seconds)
    page.wait_for_timeout(150)


def test_the_overview_opens_from_the_disk_and_asks_nothing_of_any_network(browser, report):
    with opened(browser, report.as_uri()) as (page, requests):
        page.wait_for_selector(".row")
        titles = page.locator(".row .title").all_text_contents()
        assert sorted(titles) == sorted([EVIL, "broken.mp4", "count.mp4"])
        assert "it is damaged. Copy it again." in page.locator(".row .bad").inner_text()
        page.click("text=count.mp4")
        page.wait_for_selector(".event")
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
    assert {url.split(":")[0] for url in requests} <= {"file", "data"}


CORRECTED = """video,class,start_s,end_s,peak_s,x_min,y_min,x_max,y_max
count.mp4,dog,0.5,1.2,1.0,100,96,200,160
count.mp4,bell,3.2,3.8,,,,,
"""
"""A person shortened the first bark and moved it, heard a bell, and crossed out everything else."""


def test_what_people_say_stands_beside_what_the_model_said(browser, results, tmp_path):
    shutil.copytree(results, tmp_path / "r", ignore=shutil.ignore_patterns("report"))
    build_report(tmp_path / "r")
    (tmp_path / "edited.csv").write_text(CORRECTED, encoding="utf-8")
    import_labels(tmp_path / "edited.csv", tmp_path / "r")
    built = build_report(tmp_path / "r")

    assert built.made == 1, "only the page whose labels are new"
    with opened(browser, f"{built.page.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
        lanes = page.locator(".lane .who").all_text_contents()
        assert lanes == ["dog", "people: dog", "guitar", "people: bell"]
        said = [row.locator("td").last.inner_text() for row in page.locator("#events tbody tr").all()]
        assert said == ["changed to 0.50 - 1.20 s", "removed", "removed", "added"]
        at(page, 1.0)
        edge = [drawn(page, 100, y)[3] for y in range(100, 160)]
        assert max(edge) > 200, "their box"
        assert min(edge) < 50, "which is dashed"
        page.uncheck("#people")
        page.wait_for_timeout(150)
        assert page.locator(".lane .who").all_text_contents() == ["dog", "guitar"]
        assert max(drawn(page, 100, y)[3] for y in range(100, 160)) < 50


def test_where_nobody_labelled_anything_the_page_says_nothing_of_people(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_selector(".event")
        assert not page.locator("#said").is_visible()
        assert not page.locator("#people-choice").is_visible()


def test_names_of_strangers_are_text(browser, report):
    with opened(browser, report.as_uri()) as (page, _):
        page.click(".row:has-text('friends')")
        page.wait_for_selector(".event")
        assert page.inner_text("#name") == EVIL
        assert page.locator("main img[src=x]").count() == 0


def test_filters_leave_what_fits(browser, report):
    with opened(browser, report.as_uri()) as (page, _):
        page.select_option("#class", "guitar")
        page.select_option("#verdict", "offscreen")
        assert page.inner_text("#count") == "2 of 3 videos"
        page.fill("#score", "0.7")
        assert page.inner_text("#count") == "0 of 3 videos"
        page.select_option("#class", "")
        page.select_option("#verdict", "")
        page.fill("#search", "COUNT")
        assert page.locator(".row .title").all_text_contents() == ["count.mp4"]


def test_heat_and_box_lie_where_the_table_says(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
        at(page, 1.0)
        left, middle = BOX.x_min + 2 * SHIFT, (BOX.y_min + BOX.y_max) // 2
        assert drawn(page, left + 30, middle)[3] > 80, "inside it glows"
        assert drawn(page, 200, 150)[3] < 10, "far from it nothing does"
        assert drawn(page, left, middle)[3] > 200, "the box's edge"
        page.uncheck("#heat")
        page.wait_for_timeout(150)
        assert drawn(page, left + 30, middle)[3] == 0
        page.uncheck("#boxes")
        page.wait_for_timeout(150)
        assert drawn(page, left, middle)[3] == 0


def test_nothing_is_drawn_outside_of_events(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
        for seconds in (0.2, 2.0, 3.8):
            at(page, seconds)
            painted = page.evaluate(
                """() => { const c = document.getElementById("overlay");
                return c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v > 0) }"""
            )
            assert not painted, seconds


def test_it_plays_seeks_and_obeys_keys(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}?t=2.5") as (page, _):
        page.wait_for_function("() => Math.abs(document.getElementById('video').currentTime - 2.5) < 0.1")
        time = "document.getElementById('video').currentTime"
        page.keyboard.press("p")
        page.wait_for_function(f"() => Math.abs({time} - 1.0) < 0.05")
        page.keyboard.press("n")
        page.wait_for_function(f"() => Math.abs({time} - 2.5) < 0.05")
        page.keyboard.press("ArrowRight")
        page.wait_for_function(f"() => Math.abs({time} - 2.54) < 0.02")
        page.keyboard.press("Space")
        page.wait_for_function(f"() => {time} > 2.8")
        page.keyboard.press("Escape")
        page.wait_for_selector("#overview:not([hidden])")
        assert page.evaluate("document.getElementById('video').paused")


def test_one_source_can_be_heard_alone(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
        page.click(".who:has-text('dog')")
        muted = {}
        for seconds in (0.2, 1.0, 2.0, 3.0):
            at(page, seconds)
            muted[seconds] = page.evaluate("document.getElementById('video').muted")
        assert muted == {0.2: True, 1.0: False, 2.0: True, 3.0: False}
        assert page.get_attribute(".who:has-text('dog')", "aria-pressed") == "true"


def test_events_say_everything_to_a_screen_reader(browser, report):
    with opened(browser, f"{report.as_uri()}#/v/{video_id('count.mp4')}") as (page, _):
        page.wait_for_selector(".event")
        labels = [one.get_attribute("aria-label") for one in page.locator(".event").all()]
        assert "dog, 0:00.5 to 0:01.5, 90 %; could also be fox 10 %" in labels
        assert "guitar, 0:01.0 to 0:03.0, 60 %, off screen" in labels
        unnamed = page.evaluate(
            """() => [...document.querySelectorAll("button, input, select")].filter((e) => !e.closest("label")
            && !e.textContent.trim() && !e.getAttribute("aria-label")).map((e) => e.id)"""
        )
        assert unnamed == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1200])
def test_both_themes_and_narrow_screens_can_be_read(browser, report, scheme, width):
    with opened(
        browser,
        f"{report.as_uri()}#/v/{video_id('count.mp4')}?t=1.0",
        color_scheme=scheme,
        viewport={"width": width, "height": 900},
    ) as (page, _):
        page.wait_for_selector(".event")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "nothing sticks out sideways"
        contrast = page.evaluate(CONTRAST)
        assert min(contrast) >= 4.5  # WCAG 2.2, 1.4.3


def test_five_thousand_videos_draw_only_the_rows_in_sight(browser, tmp_path):
    row = {
        **{"video": "", "path": "/x", "status": "failed", "stage": "probe", "error": "no.", "hint": "", "warnings": []},
        **{"duration_s": 1.0, "frame_width": 1, "frame_height": 1, "frame_rate": 1.0, "size_bytes": 1, "mtime_s": 0.0},
        **{"rows": 0, "sources": 0, "classes": [], "elapsed_s": 0.0, "fingerprint": "x", "table": None},
    }
    clip = make_clip(tmp_path / "a.mp4", seconds=1)
    done = write_results(tmp_path / "r", "a.mp4", clip, ())
    many = [row | {"video": f"v{n:05d}.mp4"} for n in range(4999)]
    write_videos(tmp_path / "r/videos.parquet", [VideoRow(**one) for one in (done, *many)])
    page_file = build_report(tmp_path / "r").page

    with opened(browser, page_file.as_uri()) as (page, _):
        page.wait_for_selector(".row")
        assert page.inner_text("#count") == "5,000 of 5,000 videos"
        assert page.locator(".row").count() < 60
        page.evaluate("document.getElementById('list').scrollTop = 1e9")
        page.wait_for_selector("text=v04998.mp4")
        assert page.locator(".row").count() < 60
    assert len(list((tmp_path / "r/report/data").glob("videos-*.js"))) == 5


def test_a_second_report_makes_only_what_changed(results, tmp_path):
    shutil.copytree(results, tmp_path / "r", ignore=shutil.ignore_patterns("report"))
    assert build_report(tmp_path / "r").made == 2
    assert build_report(tmp_path / "r").made == 0
    table = tmp_path / "r/events/count.mp4.parquet"
    table.touch()
    (tmp_path / f"r/report/data/video-{video_id(EVIL)}.js").touch()
    assert build_report(tmp_path / "r").made == 1


def test_one_file_holds_everything_but_the_videos(browser, results, tmp_path):
    page_file = build_report(results, out=tmp_path / "one", options=ReportOptions(single_file=True)).page

    assert "<img src=x" not in page_file.read_text(encoding="utf-8")
    with opened(browser, page_file.as_uri()) as (page, requests):
        page.click("text=count.mp4")
        page.wait_for_selector(".event")
        page.wait_for_function("() => document.getElementById('video').readyState >= 1")
    assert {Path(url).name for url in requests if url.startswith("file:")} == {"index.html", "count.mp4"}


@pytest.fixture
def served(results, report):
    server = make_server(results, report.parent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


def ask(port, path, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", path, skip_host="Host" in headers)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(), dict(answer.getheaders())


def test_the_server_sends_ranges_of_videos(served, results):
    whole = (results.parent / "count.mp4").read_bytes()
    path = f"/media/{video_id('count.mp4')}"

    assert ask(served, path)[:2] == (200, whole)
    for asked, span in {
        "bytes=0-9": (0, 10),
        "bytes=100-": (100, len(whole)),
        "bytes=-5": (len(whole) - 5, len(whole)),
    }.items():
        status, body, headers = ask(served, path, Range=asked)
        assert (status, body) == (206, whole[span[0] : span[1]])
        assert headers["Content-Range"] == f"bytes {span[0]}-{span[1] - 1}/{len(whole)}"
    assert ask(served, path, Range=f"bytes={len(whole)}-")[0] == 416


@pytest.mark.parametrize(
    "path", ["/../videos.parquet", "/%2e%2e/videos.parquet", "/media/unknown", "/media/../../x", "/a%00b"]
)
def test_the_server_gives_nothing_else(served, path):
    assert ask(served, path)[0] == 404


def test_a_page_of_another_name_is_refused(served):
    assert ask(served, "/", Host="evil.example")[0] == 403
    assert ask(served, "/")[0] == 200


def test_the_served_page_plays(browser, served):
    with opened(browser, f"http://127.0.0.1:{served}/#/v/{video_id('count.mp4')}?t=1.0") as (page, requests):
        page.wait_for_function("() => Math.abs(document.getElementById('video').currentTime - 1.0) < 0.1")
    assert all(url.startswith((f"http://127.0.0.1:{served}/", "data:")) for url in requests)


def test_the_waveform_is_loud_where_it_beeps(results):
    peaks = waveform(results.parent / "count.mp4", 4.0)
    times = (np.arange(len(peaks)) + 0.5) * 4.0 / len(peaks)
    beeping = ((times - 0.4) % 1.0 > 0.06) & ((times - 0.4) % 1.0 < 0.14)
    quiet = ((times - 0.4) % 1.0 > 0.3) & ((times - 0.4) % 1.0 < 0.9)

    assert len(peaks) == 80 <= MOST_PEAKS
    assert min(np.array(peaks)[beeping]) > 200
    assert max(np.array(peaks)[quiet]) < 30
    assert waveform(results / "missing.mp4", 4.0) == []


def test_thumbnails_show_the_picture(report):
    picture = cv2.imread(str(report.parent / f"data/{video_id('count.mp4')}.jpg"))

    assert picture is not None
    assert picture.shape[0] >= 120
    assert picture.std() > 10


def test_addresses_are_relative_and_escaped(tmp_path):
    assert address(tmp_path / "a b/ü#?.mp4", tmp_path / "results/report") == "../../a%20b/%C3%BC%23%3F.mp4"


def test_a_folder_without_results_is_said_to_be_none(tmp_path):
    with pytest.raises(InputError, match="holds no results"):
        build_report(tmp_path)


def test_data_never_end_the_script_that_they_stand_in(report):
    for script in (report.parent / "data").glob("*.js"):
        text = script.read_text(encoding="utf-8")
        assert "<" not in text
        json.loads(text[text.index("(") + 1 : text.rindex(")")])


def test_a_video_with_sources_off_screen_alone_does_not_lack_its_maps(tmp_path):
    clip = make_clip(tmp_path / "away.mp4", seconds=2)
    away = event(0, 0.5, 1.5, verdict="offscreen", box=None)
    write_results(tmp_path, "away.mp4", clip, (away,), maps=True)
    (found,) = read_results(tmp_path)

    assert video_page(found, tmp_path)["has_maps"]


@pytest.mark.parametrize("sources", [(4, 7, 4), (4, 4, 4)])
def test_speakers_are_numbered_where_there_are_several(tmp_path, sources):
    clip = make_clip(tmp_path / "talk.mp4", seconds=2)
    spoken = [event(n, n / 2, n / 2 + 0.5, name="speech", source_id=one) for n, one in enumerate(sources)]
    write_results(tmp_path, "talk.mp4", clip, (*spoken, event(3, 1.5, 2.0, source_id=9)))
    (found,) = read_results(tmp_path)

    numbers = [", speaker 1", ", speaker 2", ", speaker 1"] if len(set(sources)) > 1 else ["", "", ""]
    labels = [one["label"] for one in video_page(found, tmp_path)["events"]]
    assert labels == [*(f"speech{number}" for number in numbers), EVENTS[0].name]

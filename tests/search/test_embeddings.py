import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.builders import make_clip
from tvsl_core.batch.inputs import find_videos
from tvsl_core.errors import ManifestError
from tvsl_core.model.load import load_towers
from tvsl_core.search.embeddings import EmbedOptions, embed_texts, embed_videos, read_texts

EVERY = EmbedOptions(every_s=1.0, window_s=1.5, batch=2)


@pytest.fixture(scope="module")
def towers():
    return load_towers("compact", device="cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    (folder / "deep er").mkdir()
    make_clip(folder / "one.mp4", seconds=3.2)
    make_clip(folder / "deep er" / "silent.mp4", seconds=1.2, audio=None)
    (folder / "broken.mp4").write_bytes(b"no video at all")
    return folder


@pytest.fixture(scope="module")
def embedded(folder, towers, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    results = embed_videos(find_videos([str(folder)]), out=out, towers=towers, options=EVERY)
    return out, {result.video: result for result in results}


def test_a_broken_video_does_not_stop_the_others(embedded):
    _, results = embedded

    assert {name: result.status for name, result in results.items()} == {
        "one.mp4": "done",
        "deep er/silent.mp4": "done",
        "broken.mp4": "failed",
    }
    assert results["broken.mp4"].error
    assert not (embedded[0] / "embeddings" / "broken.mp4.parquet").exists()


def test_one_row_is_one_window(embedded, towers):
    _, results = embedded
    table = pq.read_table(results["one.mp4"].table).to_pydict()

    assert results["one.mp4"].windows == len(table["time_s"]) == 4
    assert table["time_s"] == pytest.approx([0, 1, 2, 3], abs=0.05)
    assert table["window_start_s"][0] == 0
    assert all(
        end - time == pytest.approx(0.75) for end, time in zip(table["window_end_s"], table["time_s"], strict=True)
    )
    assert np.shape(table["image"]) == np.shape(table["audio"]) == (4, towers.dim)


def test_vectors_do_not_depend_on_the_batch(folder, embedded, towers, tmp_path):
    found = find_videos([str(folder / "one.mp4")])
    (alone,) = embed_videos(
        found, out=tmp_path, towers=towers, options=EmbedOptions(every_s=1.0, window_s=1.5, batch=1)
    )
    one, two = (pq.read_table(path).to_pydict() for path in (alone.table, embedded[1]["one.mp4"].table))

    for name in ("image", "audio"):
        assert np.allclose(one[name], two[name], atol=1e-4)


def test_without_sound_the_column_is_null(embedded):
    table = pq.read_table(embedded[1]["deep er/silent.mp4"].table)

    assert table.column("audio").null_count == table.num_rows > 0
    assert table.column("image").null_count == 0


def test_what_is_done_is_skipped_until_settings_change(folder, embedded, towers):
    found = find_videos([str(folder / "one.mp4")])
    out, _ = embedded

    assert embed_videos(found, out=out, towers=towers, options=EVERY)[0].status == "skipped"
    assert embed_videos(found, out=out, towers=towers, options=EVERY, overwrite=True)[0].status == "done"


def test_one_modality_leaves_the_other_out(folder, towers, tmp_path):
    found = find_videos([str(folder / "one.mp4")])
    options = EmbedOptions(every_s=2, modalities=("audio",))
    (result,) = embed_videos(found, out=tmp_path, towers=towers, options=options)

    assert "image" not in pq.read_schema(result.table).names
    assert pq.read_metadata(result.table).metadata[b"tvsl.modalities"] == b"audio"


def test_the_search_of_the_manual_runs(embedded, towers):
    out, _ = embedded
    embed_texts(["a dog", "it's music"], out=out, towers=towers)

    rows = duckdb.sql(
        f"""select t.text, v.video, v.time_s, list_cosine_similarity(v.image, t.embedding) as score
        from '{out}/embeddings/**/*.parquet' v, '{out}/texts.parquet' t where v.image is not null
        order by t.text, score desc"""
    ).fetchall()
    assert len(rows) == 2 * (4 + 2)


def test_texts_are_read_line_by_line(tmp_path):
    path = tmp_path / "q.txt"
    path.write_text("# what to look for\n a dog \n\nviolin\n", encoding="utf-8-sig")
    assert read_texts(path) == ["a dog", "violin"]

    path.write_text("# nothing\n")
    with pytest.raises(ManifestError, match="holds 0 texts"):
        read_texts(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="UTF-8"):
        read_texts(path)
    with pytest.raises(ManifestError, match="No such file"):
        read_texts(tmp_path / "none.txt")


@pytest.mark.parametrize(
    "change", [{"modalities": ()}, {"modalities": ("smell",)}, {"every_s": 0}, {"window_s": 100}, {"batch": 0}]
)
def test_options_out_of_range_are_refused(change):
    with pytest.raises(ValueError, match=r"must|got"):
        EmbedOptions(**change)


def test_a_changed_video_is_embedded_anew(towers, tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", seconds=1.2)
    found = find_videos([str(clip)])

    def again():
        return embed_videos(found, out=tmp_path / "out", towers=towers, options=EVERY)[0].status

    assert [again(), again()] == ["done", "skipped"]
    make_clip(clip, seconds=2.2)
    assert again() == "done"


def test_a_name_as_long_as_a_name_can_be_still_gets_a_table(towers, tmp_path):
    clip = make_clip(tmp_path / f"{'n' * 251}.mp4", seconds=1.2)
    (result,) = embed_videos(find_videos([str(clip)]), out=tmp_path / "out", towers=towers, options=EVERY)

    assert result.status == "done"
    assert result.table.is_file()

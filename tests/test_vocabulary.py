"""The class lists: what ships, what a user may write, and what is refused."""

import itertools
import json
import pickle
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from tvsl_core.errors import ManifestError
from tvsl_core.vocabulary import spelling
from tvsl_core.vocabulary.classes import (
    Vocabulary,
    VocabularyClass,
    load_vocabulary,
)
from tvsl_core.vocabulary.labels import labels

DEFAULT = load_vocabulary()
# fmt: off
PHOTO_FOLDERS = [
    "accordion", "alphorn", "bagpipes", "banjo", "bongo_drum", "cabasa", "castanets", "clarinet", "clavichord",
    "concertina", "didgeridoo", "drums", "dulcimer", "flute", "guiro", "guitar", "harmonica", "harp", "maracas",
    "ocarina", "piano", "saxophone", "sitar", "steel_drum", "tambourine", "trombone", "trumpet", "tuba", "violin",
    "xylophone",
]
# fmt: on


@pytest.fixture
def written(tmp_path):
    def write(content, name="mine.txt"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


# ------------------------------------------------------------------------------------------- the default vocabulary


def test_there_are_at_least_120_classes():
    assert len(DEFAULT) >= 120


def test_every_class_can_be_heard_and_seen_by_labels_that_exist():
    heard = labels("sounds") - set(DEFAULT.masked)
    seen = labels("looks")

    assert [klass.name for klass in DEFAULT if not klass.sounds or not klass.looks] == []
    assert [klass.name for klass in DEFAULT if set(klass.sounds) - heard or set(klass.looks) - seen] == []


def test_evidence_that_is_only_borrowed_says_so():
    def strongest(weights):
        return max(weights.values())

    assert [k.name for k in DEFAULT if min(strongest(k.sounds), strongest(k.looks)) <= 0.5 and not k.note] == []


@pytest.mark.parametrize("kind", ["sounds", "looks"])
def test_a_label_belongs_to_one_class_and_what_is_generic_for_it(kind):
    for label in labels(kind):
        owners = [klass.name for klass in DEFAULT if getattr(klass, kind).get(label) == 1]
        for one, two in itertools.combinations(owners, 2):
            assert one in DEFAULT.ancestors(two) or two in DEFAULT.ancestors(one), label


def test_label_lists_are_those_of_the_networks():
    assert len(labels("sounds")) == 521
    assert len(labels("looks")) == 1000


def test_masked_labels_exist():
    assert set(DEFAULT.masked) <= labels("sounds")
    assert "Music" in DEFAULT.masked


def benchmark_classes(name):
    lines = (Path(__file__).parent / "class_lists" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize(("benchmark", "count"), [("music", 11), ("vgg-instruments", 37)])
def test_each_class_of_a_benchmark_is_a_class_of_its_own(benchmark, count):
    found = [DEFAULT.find(name) for name in benchmark_classes(benchmark)]

    assert len(found) == count
    assert None not in found
    assert len({klass.name for klass in found}) == count


@pytest.mark.parametrize("name", PHOTO_FOLDERS)
def test_every_instrument_of_the_photographs_is_known(name):
    assert DEFAULT.find(name) is not None


def test_benchmark_names_are_spelt_like_the_classes_they_mean():
    for benchmark in ("music", "vgg-instruments"):
        for name in benchmark_classes(benchmark):
            assert DEFAULT.find(name).name == name


def test_names_aliases_and_prompts_have_the_same_evidence():
    evidence = DEFAULT.evidence()

    assert evidence["organ"] == evidence["church organ"] == evidence["pipe organ"]
    for name, prompt in zip(DEFAULT.names, DEFAULT.prompts, strict=True):
        assert evidence[prompt] == evidence[name]


def test_the_generic_gives_way_to_the_specific():
    assert DEFAULT.ancestors("rooster") == {"chicken", "bird"}
    assert "guitar" in DEFAULT.ancestors("acoustic guitar")
    assert DEFAULT.ancestors("bird") == frozenset()


def test_nothing_is_its_own_ancestor():
    assert not [name for name in DEFAULT.names if name in DEFAULT.ancestors(name)]


def test_rivals_own_what_a_class_borrows():
    assert "violin" in DEFAULT.rivals("erhu")
    assert "erhu" not in DEFAULT.rivals("violin")


def test_loading_it_needs_no_torch():
    code = "import sys, tvsl_core; tvsl_core.load_vocabulary(); sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ----------------------------------------------------------------------------------------------------------- names


@pytest.mark.parametrize(
    "spelt", ["acoustic guitar", "Acoustic-Guitar", "acoustic_guitar", " ACOUSTICGUITAR ", "acoustic guitars"]
)
def test_spelling_does_not_matter(spelt):
    assert DEFAULT.find(spelt).name == "acoustic guitar"


@pytest.mark.parametrize(
    ("said", "meant"), [("fiddle", "violin"), ("playing cello", "cello"), ("dogs", "dog"), ("playing bongos", "bongo")]
)
def test_other_names_find_the_class(said, meant):
    assert DEFAULT.find(said).name == meant


@pytest.mark.parametrize("name", ["", "playing", "s", "zzz", "\x00"])
def test_what_is_no_class_is_not_found(name):
    assert DEFAULT.find(name) is None
    assert name not in DEFAULT


@settings(deadline=None)
@given(st.text(max_size=20))
def test_tidying_twice_changes_nothing_more(name):
    assert spelling.tidy(spelling.tidy(name)) == spelling.tidy(name)
    assert spelling.key(spelling.tidy(name)) == spelling.key(name)


def test_two_classes_cannot_share_a_name():
    with pytest.raises(ValueError, match="two classes"):
        Vocabulary(classes=(VocabularyClass(name="drum kit"), VocabularyClass(name="drums", aliases=("Drum-Kit",))))


@pytest.mark.parametrize("weight", [0.0, -1.0, 1.5, float("nan")])
def test_a_weight_lies_in_0_to_1(weight):
    with pytest.raises(ValueError, match="weight"):
        VocabularyClass(name="violin", sounds={"Cello": weight})


# -------------------------------------------------------------------------------------------------------- restrict


def test_restricting_keeps_the_order_that_was_asked_for():
    assert DEFAULT.restrict(["violin", "puppy", "accordion", "dog"]).names == ("violin", "dog", "accordion")


def test_restricting_to_everything_changes_nothing():
    assert DEFAULT.restrict(DEFAULT.names) == DEFAULT


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(DEFAULT.names), min_size=1, max_size=30))
def test_who_is_generic_for_whom_does_not_depend_on_what_is_left_out(kept):
    small = DEFAULT.restrict(sorted(kept))

    for name in kept:
        assert small.ancestors(name) == DEFAULT.ancestors(name) & kept


def test_the_link_holds_over_a_name_that_is_left_out():
    assert DEFAULT.restrict(["rooster", "bird"]).ancestors("rooster") == {"bird"}


def test_a_new_name_is_judged_by_its_words(caplog):
    small = DEFAULT.restrict(["theremin", "dog"])

    assert small.names == ("theremin", "dog")
    assert [klass.name for klass in small if not klass.is_curated] == ["theremin"]
    assert "theremin" not in small.evidence()
    assert "'theremin' is not in the vocabulary" in caplog.text


@pytest.mark.parametrize(("typo", "meant"), [("vilin", "violin"), ("acordion", "accordion"), ("fidle", "fiddle")])
def test_a_slip_of_the_hand_is_named(typo, meant):
    with pytest.raises(ManifestError, match=f"unknown class '{typo}': did you mean '{meant}'"):
        DEFAULT.restrict([typo])


def test_the_advice_for_a_name_that_looks_like_a_typo_works(written):
    with pytest.raises(ManifestError, match="--vocabulary file") as caught:
        DEFAULT.restrict(["violine"])

    assert "'violine' itself" in caught.value.hint
    assert load_vocabulary(written("violine\n")).names == ("violine",)


@pytest.mark.parametrize("bad", [[], [""], ["a\x1b[31mb"], ["x" * 200], ["---"], ["dog\u202egod"]])
def test_what_is_no_name_is_refused(bad):
    with pytest.raises(ManifestError):
        DEFAULT.restrict(bad)


# -------------------------------------------------------------------------------------------------- files of one's own


def test_plain_text_is_one_name_a_line(written):
    mine = load_vocabulary(written("# pets\nDog: hound dog, Rex\n\n  cat   # the cat\nquokka\n"))

    assert mine.names == ("Dog", "cat", "quokka")
    assert mine.find("rex").name == "Dog"
    assert [klass.name for klass in mine if not klass.is_curated] == ["quokka"]


def test_bare_names_have_the_curated_evidence(written):
    mine = load_vocabulary(written("puppy\nrooster\nbird\n"))

    assert mine.evidence()["puppy"] == DEFAULT.evidence()["dog"]
    assert mine.find("dog").name == "puppy"
    assert mine.ancestors("rooster") == {"bird"}


def test_two_names_for_one_curated_class_stay_two(written):
    mine = load_vocabulary(written("puppy\ndog\nhound\n"))

    assert mine.names == ("puppy", "dog", "hound")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system_are_read(written, ending):
    assert load_vocabulary(written(ending.join(["dog", "cat", ""]))).names == ("dog", "cat")


def test_a_byte_order_mark_is_no_part_of_the_name(written):
    assert load_vocabulary(written(b"\xef\xbb\xbfdog\n")).names == ("dog",)


@pytest.mark.parametrize("header", ["class", "name"])
def test_a_table_has_a_column_of_classes(written, header):
    content = f'id,{header},aliases,group\n1,dog,"hound;rex",pet\n2,"thing, odd",,\n3,DOG,,\n'
    mine = load_vocabulary(written(content, "mine.csv"))

    assert mine.names == ("dog", "thing, odd")
    assert mine.find("rex").group == "pet"


def test_a_file_in_the_form_of_the_default_reads_back_the_same(written):
    lines = [f"masked = {json.dumps(list(DEFAULT.masked))}"]
    for klass in DEFAULT:
        lines += ["[[class]]", f"name = {json.dumps(klass.name)}", f"group = {json.dumps(klass.group)}"]
        for key in ("aliases", "parents"):
            lines.append(f"{key} = {json.dumps(list(getattr(klass, key)))}")
        for key in ("sounds", "looks"):
            pairs = ", ".join(f"{json.dumps(label)} = {weight}" for label, weight in getattr(klass, key).items())
            lines.append(f"{key} = {{ {pairs} }}")
        lines += [f"{key} = {json.dumps(getattr(klass, key))}" for key in ("prompt", "note")]
    again = load_vocabulary(written("\n".join(lines), "copy.toml"))

    assert again == DEFAULT
    assert again.sha256 == DEFAULT.sha256


def test_a_toml_may_state_its_own_evidence(written):
    mine = load_vocabulary(
        written(
            '[label_groups]\npets = ["tabby", "pug"]\n'
            '[[class]]\nname = "pet"\nsounds = { "meow" = 0.5 }\nlooks = { "@pets" = 0.5, "pug" = 1 }\n'
            '[[class]]\nname = "kitten"\nparents = ["Pet"]\n',
            "mine.toml",
        )
    )

    assert mine.evidence()["pet"].sounds == {"Meow": 0.5}
    assert mine.evidence()["pet"].looks == {"tabby": 0.5, "pug": 1.0}
    assert mine.ancestors("kitten") == {"pet"}
    assert mine.evidence()["kitten"] == DEFAULT.evidence()["cat"]


def test_the_groups_of_the_default_may_be_used(written):
    mine = load_vocabulary(written('[[class]]\nname = "beast"\nlooks = { "@dog breeds" = 0.5 }\n', "mine.toml"))

    assert mine.classes[0].looks["pug"] == 0.5


def test_the_fingerprint_follows_what_can_change_a_result(written):
    prints = {
        load_vocabulary(written(content)).sha256 for content in ("dog\ncat", "cat\ndog", "dog\ncat\ncow", "dog: cat")
    }

    assert len(prints) == 4
    assert load_vocabulary(written("# x\ndog\n\ncat")).sha256 in prints


def test_a_vocabulary_travels_between_processes():
    assert pickle.loads(pickle.dumps(DEFAULT)) == DEFAULT


BAD_TEXTS = {
    "empty": (b"", "is empty"),
    "blank": (b" \n\t\n", "is empty"),
    "only comments": (b"# nothing\n", "names no class"),
    "a zero byte": (b"dog\ncat\x00\n", "line 2: a zero byte"),
    "not text": (b"dog\ncat\n\xff\xfe\x80", "line 3: not UTF-8"),
    "a name twice": (b"dog\ncat\nDOG\n", "line 3: the name 'DOG' already belongs to class 'dog' of line 1"),
    "an alias twice": (b"dog: rex\ncat: rex\n", "line 2: the name 'rex' already belongs to class 'dog' of line 1"),
    "an alias that is a name": (b"dog: cat\ncat\n", "line 1: the name 'cat' already belongs to class 'cat' of line 2"),
    "an alias that repeats": (b"dog: rex, Rex\n", "line 1: class 'dog' is called"),
    "an alias of itself": (b"dog: dog\n", "line 1: class 'dog' is called 'dog' twice"),
    "a long name": (b"dog\n" + b"x" * 101, "line 2: the name .* has 101 characters"),
    "a control character": (b"dog\n\x1b[31mred", r"line 2: the name .* contains the control character U\+001B"),
    "a hidden mark": ("dog\u202egod".encode(), r"line 1: .*U\+202E"),
    "a form feed": (b"dog\x0ccat\n", r"line 1: .*U\+000C"),
    "no letters": (b"dog\n---\n", "line 2: the name '---' contains no letter"),
    "no name before the colon": (b": rex\n", "line 1: the name '' is empty"),
    "too many": ("\n".join(f"thing {i}" for i in range(10_001)).encode(), "line 10001: more than 10,000 classes"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_a_bad_list_is_refused_by_line(written, case):
    content, complaint = BAD_TEXTS[case]
    with pytest.raises(ManifestError, match=complaint) as caught:
        load_vocabulary(written(content))

    assert "mine.txt" in caught.value.message
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


CLASS = '[[class]]\nname = "dog"\n'
BAD_TOMLS = {
    "broken": ("masked = [\n\n", "line 3: not TOML"),
    "broken in the middle": (CLASS + "group = \n" + CLASS, "line 3: not TOML"),
    "an unknown key": (CLASS + "look = { }", "line 1: class 'dog' has an unknown key 'look'.* Did you mean 'looks'"),
    "an unknown key of the file": ('classes = ["dog"]', "unknown key 'classes'.* Did you mean 'class'"),
    "classes that are no tables": ('class = ["dog"]', "a class is not a table"),
    "a class that is no list": ('class = "dog"', "not a list of tables"),
    "no name": ("\n[[class]]\ngroup = 'x'", "line 2: a class has no name"),
    "no classes": ("masked = []", "names no class"),
    "a label that does not exist": (CLASS + 'sounds = { "Woof" = 1 }', "line 1: class 'dog' names 'Woof', which is no"),
    "a synonym": (CLASS + 'looks = { "pipe organ" = 1 }', "no ImageNet label. Nearest: 'organ'"),
    "a weight above 1": (CLASS + 'sounds = { "Bark" = 2 }', "line 1: the weight of 'Bark' in class 'dog' is 2"),
    "a weight of nothing": (CLASS + 'sounds = { "Bark" = 0 }', "the weight of 'Bark'"),
    "a weight that is no number": (CLASS + 'sounds = { "Bark" = true }', "the weight of 'Bark'"),
    "a weight that is not finite": (CLASS + 'sounds = { "Bark" = nan }', "the weight of 'Bark'"),
    "an unknown group": (CLASS + 'looks = { "@birds" = 1 }', "names no label group '@birds'. Known: dog breeds"),
    "a strange parent": ("\n" + CLASS + 'parents = ["pet"]', "line 2: class 'dog' has the parent 'pet'"),
    "a circle": (
        CLASS + 'parents = ["cat"]\n[[class]]\nname = "cat"\nparents = ["dog"]',
        "line 1: class 'dog' is its own ancestor",
    ),
    "aliases that are no list": (CLASS + 'aliases = "rex"', "line 1: 'aliases' of class 'dog' is not a list"),
    "sounds that are no table": (CLASS + 'sounds = ["Bark"]', "line 1: 'sounds' of class 'dog' is not a table"),
    "a group that is no text": (CLASS + "group = 3", "line 1: 'group' of class 'dog' is not text"),
    "a masked label that does not exist": ('masked = ["Muzak"]\n' + CLASS, "'masked' names 'Muzak'"),
}


@pytest.mark.parametrize("case", BAD_TOMLS)
def test_a_bad_toml_is_refused_by_line(written, case):
    content, complaint = BAD_TOMLS[case]
    with pytest.raises(ManifestError) as caught:
        load_vocabulary(written(content, "mine.toml"))

    assert re.search(complaint, str(caught.value)), str(caught.value)
    assert "mine.toml" in caught.value.message
    assert ", :" not in str(caught.value)


def test_a_table_without_a_column_of_classes_is_refused(written):
    with pytest.raises(ManifestError, match="line 1: no column is called 'class' or 'name', only 'dog', 'cat'"):
        load_vocabulary(written("dog,cat\n", "mine.csv"))


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(ManifestError, match="does not exist"):
        load_vocabulary(tmp_path / "none.txt")
    with pytest.raises(ManifestError, match="is a folder"):
        load_vocabulary(tmp_path)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(["txt", "csv", "toml"]))
def test_no_bytes_bring_it_down(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("bytes") / f"any.{suffix}"
    path.write_bytes(content)

    try:
        assert len(load_vocabulary(path)) > 0
    except ManifestError as error:
        assert str(path) in error.message or "any." in error.message


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["txt", "csv"]))
def test_no_text_brings_it_down(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("text") / f"any.{suffix}"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))

    try:
        assert all(not spelling.fault(name) for name in load_vocabulary(path).names)
    except ManifestError as error:
        assert "any." in error.message


# ----------------------------------------------------------------------------------------------------- the manual

MANUAL = (Path(__file__).resolve().parents[1] / "docs" / "vocabulary.md").read_text(encoding="utf-8")


def example(start):
    """The indented block of the manual that begins with a line."""
    block = MANUAL[MANUAL.index(f"    {start}\n") :].split("\n\n")[0]
    return textwrap.dedent(block)


def test_the_manual_counts_the_classes():
    assert f"The default has {len(DEFAULT)} classes" in MANUAL


def test_the_manuals_class_is_the_one_that_ships(written):
    shown = load_vocabulary(written(example("[[class]]"), "shown.toml")).classes[0]

    assert shown == DEFAULT.find("trumpet")


def test_the_manuals_list_can_be_read(written):
    assert load_vocabulary(written(example("# my aviary"))).names == ("rooster", "hen", "quokka")


def test_the_manuals_complaint_is_what_the_program_says(written):
    with pytest.raises(ManifestError) as caught:
        load_vocabulary(written("dog\ncat\nDOG\n"))

    said = re.sub(r"'[^']*mine.txt'", "'mine.txt'", caught.value.message)
    assert f"`{said}`" in " ".join(MANUAL.split())


# ----------------------------------------------------------------------------------------------------- the command


def run(*arguments):
    from tvsl_cli.vocabulary import vocabulary

    app = Typer()
    app.command()(vocabulary)
    return CliRunner().invoke(app, arguments)


def test_the_command_lists_every_class():
    rows = [json.loads(line) for line in run("--json").stdout.splitlines()]

    assert [row["name"] for row in rows] == list(DEFAULT.names)
    assert rows[0]["sounds"] == dict(DEFAULT.classes[0].sounds)


def test_the_command_narrows_the_list():
    rows = [json.loads(line) for line in run("--json", "--group", "Animal", "--search", "bark").stdout.splitlines()]

    assert "dog" in [row["name"] for row in rows]
    assert {row["group"] for row in rows} == {"animal"}
    assert len(run("--json", "--group", "animal").stdout.splitlines()) < len(DEFAULT)


def test_the_table_names_class_and_evidence():
    shown = run("--search", "erhu")

    assert shown.exit_code == 0
    assert "erhu" in shown.stdout
    assert "Bowed string instrument 0.7" in shown.stdout
    assert "violin 0.4" in shown.stdout
    assert "Accordion 1" not in run("--search", "squeezebox").stdout


def test_the_command_reads_a_file_of_ones_own(written):
    shown = run("--vocabulary", str(written("quokka\n")))

    assert "quokka" in shown.stdout
    assert "(from its name)" in shown.stdout


def test_the_command_says_what_is_wrong_with_a_file(written):
    shown = run("--vocabulary", str(written("dog\ndog\n")))

    assert shown.exit_code == 2
    assert "line 2" in shown.stderr
    assert shown.stdout == ""


def test_an_unknown_group_is_a_usage_error():
    shown = run("--group", "martians")

    assert shown.exit_code == 2
    assert "The groups are instrument, animal" in " ".join(shown.stderr.split())


def test_nothing_found_is_said_on_the_side():
    shown = run("--search", "qqqq")

    assert (shown.exit_code, shown.stdout) == (0, "")
    assert "No class matches" in shown.stderr

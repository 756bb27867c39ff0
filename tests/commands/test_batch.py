"""`spiden denoise` on many pictures: what happens to each, and what is said of all."""

import json
import os
import re
import signal
import weakref
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.cells import cell_len

from spiden_cli.core import atomic
from spiden_cli.core.files import picture_files
from spiden_cli.core.tasks import files as picture_tasks
from spiden_cli.core.tasks import loading


@pytest.fixture
def album(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with in/a.png to in/d.png and in/sub/e.png in it."""
    generator = np.random.default_rng(5)
    for name in ("a", "b", "c", "d", "sub/e"):
        path = tmp_path / "in" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (20, 24), dtype=np.uint8)).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def denoise(spiden, small_weights):
    """Run `spiden denoise` with a small network and a known noise level."""

    def run(*arguments: object, columns: int = 120):
        return spiden("denoise", *arguments, "-m", small_weights, "--sigma", 25, columns=columns)

    return run


def names(folder: str | Path) -> list[str]:
    root = Path(folder)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def contents(folder: str | Path) -> dict[str, bytes]:
    return {name: (Path(folder) / name).read_bytes() for name in names(folder)}


def statuses(outcome) -> dict[str, str]:
    return {Path(r["source"]).name: r["status"] for r in json.loads(outcome.stdout)}


# --- which pictures, and where to ----------------------------------------------------------------


def test_subfolders_are_made_again_under_the_output(denoise, album):
    outcome = denoise("in", "-r", "-o", "2026.01.02/")
    assert outcome.code == 0, outcome.stderr
    assert names("2026.01.02") == ["a.png", "b.png", "c.png", "d.png", "sub/e.png"]
    assert denoise("in", "-o", "flat").code == 0
    assert names("flat") == ["a.png", "b.png", "c.png", "d.png"]


def test_an_output_inside_the_input_is_not_denoised_again(denoise, album):
    for _ in range(2):
        assert denoise("in", "-r", "-o", "in/clean", "--skip-existing").code == 0
    assert names("in/clean") == ["a.png", "b.png", "c.png", "d.png", "sub/e.png"]


def test_references_and_comparisons_follow_the_subfolders(denoise, album):
    Path("in/sub/a.png").write_bytes(Path("in/a.png").read_bytes())
    outcome = denoise("in", "-r", "-o", "out", "--reference", "in", "--compare", "look", "--json")
    assert outcome.code == 0, outcome.stderr
    assert names("look") == [
        *(f"{name}_compare.png" for name in "abcd"), "sub/a_compare.png", "sub/e_compare.png"
    ]  # fmt: skip
    assert all(record["psnr"] is not None for record in json.loads(outcome.stdout))


def test_names_and_formats(denoise, album):
    outcome = denoise("in", "-o", "out", "--output-pattern", "{stem}-clean{suffix}",
                      "--format", "jpg")  # fmt: skip
    assert outcome.code == 0, outcome.stderr
    assert names("out") == [f"{name}-clean.jpg" for name in "abcd"]
    with Image.open("out/a-clean.jpg") as image:
        assert image.format == "JPEG"


def test_two_pictures_for_one_output_are_refused_before_any_work(denoise, album):
    Path("other").mkdir()
    Path("other/a.png").write_bytes(Path("in/a.png").read_bytes())
    outcome = denoise("in", "other", "-o", "out")
    assert outcome.code == 2
    for words in ("in/a.png", "other/a.png", "--recursive", "--output-pattern"):
        assert words in outcome.stderr
    assert not Path("out").exists()
    assert denoise("in", "other", "-o", "out", "--recursive").code == 0
    assert {"in/a.png", "other/a.png"} < set(names("out"))
    pattern = ("--output-pattern", "{folder}-{stem}{suffix}")
    assert denoise("in", "other", "-o", "flat", *pattern).code == 0
    assert {"in-a.png", "other-a.png"} < set(names("flat"))


def test_a_dry_run_does_nothing_and_says_what_it_would(denoise, album):
    before = contents(album)
    outcome = denoise("in", "-r", "-o", "in", "--overwrite", "--dry-run")
    assert outcome.code == 0, outcome.stderr
    assert outcome.stdout.splitlines()[0].split() == [
        "in/a.png",
        "->",
        "in/a.png",
        "replaces",
        "it",
    ]
    assert outcome.stdout.splitlines()[-1] == "5 pictures to denoise; nothing was done"
    records = json.loads(denoise("in", "-o", "out", "--dry-run", "--json", "--log", "x").stdout)
    assert [(r["status"], r["source"], r["output"], r["replaces"]) for r in records] == [
        ("planned", f"in/{name}.png", f"out/{name}.png", False) for name in "abcd"
    ]
    assert contents(album) == before


# --- running twice -------------------------------------------------------------------------------


def listed(folder: str) -> list[str]:
    """What a shell makes of `folder/*.png`."""
    return sorted(str(path) for path in Path(folder).glob("*.png"))


def test_again_with_all_files_of_a_folder_denoises_what_is_new(denoise, album):
    assert denoise(*listed("in")).code == 0
    before = contents("in")
    Path("in/new.png").write_bytes(Path("in/a.png").read_bytes())
    outcome = denoise(*listed("in"), "--json")
    assert outcome.code == 6
    assert statuses(outcome) == dict.fromkeys(("a.png", "b.png", "c.png", "d.png"), "exists") | {
        "new.png": "denoised"
    }
    assert "passed over 4 pictures that spiden made" in outcome.stderr
    assert "4 outputs exist, such as in/a_denoised.png: --skip-existing leaves them, " in (
        outcome.stderr
    )
    after = contents("in")
    assert set(after) - set(before) == {"new.png", "new_denoised.png"}
    assert {name: after[name] for name in before} == before


def test_skipped_or_replaced_as_was_asked(denoise, album):
    assert denoise("in/a.png").code == 0
    made = Path("in/a_denoised.png")
    made.write_bytes(made.read_bytes() + b"touched")
    made.chmod(0o600)
    outcome = denoise("./in/a.png")
    assert outcome.code == 6
    assert outcome.stderr == (
        "error: in/a_denoised.png exists: --skip-existing leaves it, --overwrite replaces it\n"
    )
    outcome = denoise(*listed("in"), "--skip-existing", "--json")
    assert outcome.code == 0, outcome.stderr
    assert statuses(outcome)["a.png"] == "skipped"
    assert made.read_bytes().endswith(b"touched")
    assert denoise("in/a.png", "--skip-existing").code == 0
    assert denoise("in/a.png", "--overwrite").code == 0
    assert not made.read_bytes().endswith(b"touched")
    assert made.stat().st_mode & 0o777 == 0o600
    assert denoise("in/a.png", "--overwrite", "--skip-existing").code == 2


def test_a_name_like_that_of_a_result_may_be_denoised_if_it_is_named(denoise, album):
    mine = Path("in/mine_denoised.png")
    Path("in/a.png").rename(mine)
    outcome = denoise(mine, "in/b.png", "./in/b.png")
    assert outcome.code == 0, outcome.stderr
    assert "in/mine_denoised_denoised.png" in listed("in")
    outcome = denoise("in/b_denoised.png")  # a result, named alone
    assert outcome.code == 0, outcome.stderr
    assert Path("in/b_denoised_denoised.png").is_file()


def test_a_result_is_known_without_its_name(denoise, album):
    assert denoise("in/a.png", "-o", "in/z.jpg").code == 0
    outcome = denoise("in", "-o", "out", "--json")
    assert statuses(outcome) == {f"{name}.png": "denoised" for name in "abcd"}


# --- what is never replaced ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe"])
@pytest.mark.parametrize("options", [(), ("--overwrite",)])
def test_only_regular_files_are_replaced(denoise, album, kind, options):
    target = Path("out/a.png")
    target.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to(album / ("in/b.png" if kind == "link" else "nowhere.png"))
    before = target.lstat().st_ino
    precious = Path("in/b.png").read_bytes()
    outcome = denoise("in/a.png", "-o", target, *options)
    assert outcome.code == 6
    assert len(outcome.stderr.splitlines()) == 1
    assert target.lstat().st_ino == before
    assert Path("in/b.png").read_bytes() == precious


def test_an_input_is_replaced_by_its_own_result_alone(denoise, album):
    before = contents("in")
    for arguments in (
        ("in/a.png", "in/b.png", "-o", "./in"),
        ("in/a.png", "--reference", "in/b.png", "-o", "in/b.png", "--overwrite"),
        ("in/a.png", "--compare", "in/a.png", "--overwrite"),
        ("in/a.png", "--log", "in/a.png"),
    ):
        outcome = denoise(*arguments)
        assert outcome.code == 2, outcome.stderr
        assert contents("in") == before
    assert denoise("in/a.png", "in/b.png", "-o", "in", "--overwrite").code == 0
    changed = {name for name, content in contents("in").items() if content != before[name]}
    assert changed == {"a.png", "b.png"}


def test_a_log_is_added_to_logs_alone(denoise, album):
    for name in ("notes.txt", "weights.safetensors"):
        Path(name).write_bytes(b'{"times": 1}\n' + b"precious" * 99)
        outcome = denoise("in/a.png", "-o", "out", "--log", name)
        assert outcome.code == 6
        assert "holds something else" in outcome.stderr
        assert Path(name).read_bytes().endswith(b"precious")
        assert not Path("out").exists()
    for before in (b"", b'{"ti'):  # made ahead, as by touch, or cut off by a power failure
        Path("run.jsonl").write_bytes(before)
        assert denoise("in/a.png", "-o", "out", "--log", "run.jsonl", "--overwrite").code == 0
    assert json.loads(Path("run.jsonl").read_bytes().splitlines()[-1])["status"] == "denoised"


def test_a_file_that_came_meanwhile_is_not_replaced(denoise, album, monkeypatch):
    encode = picture_files._encode

    def slow(*arguments):
        Path("out/a.png").write_bytes(b"of another program")
        return encode(*arguments)

    Path("out").mkdir()
    monkeypatch.setattr(picture_files, "_encode", slow)
    outcome = denoise("in/a.png", "-o", "out")
    assert outcome.code == 6
    assert "come meanwhile" in outcome.stderr
    assert contents("out") == {"a.png": b"of another program"}


OUTPUTS = {
    "noise": ("noise", "in/a.png", "-o", "x.png", "--kind", "white"),
    "compare": ("compare", "in/a.png", "in/b.png", "-o", "x.png"),
    "energy": ("energy", "in/a.png", "-m", "{weights}", "--csv", "x.png"),
    "analyze": ("analyze", "--timesteps", 1, "--thresholds", 1, "--csv", "x.png"),
    "analyze, a figure": ("analyze", "--timesteps", 1, "--thresholds", 1, "--plot", "x.png"),
    "denoise": (
        "denoise",
        "in/a.png",
        "-m",
        "{weights}",
        "--sigma",
        "9",
        "-o",
        "y.png",
        "--compare",
        "x.png",
    ),
}


@pytest.mark.parametrize("what", OUTPUTS)
def test_every_command_asks_before_it_replaces(spiden, small_weights, album, what):
    if "figure" in what:
        pytest.importorskip("matplotlib")
    command = [str(word).replace("{weights}", str(small_weights)) for word in OUTPUTS[what]]
    command = [word.replace("--thresholds", "--threshold") for word in command]
    Path("x.png").write_bytes(b"precious")
    outcome = spiden(*command)
    assert outcome.code == 6
    assert "x.png exists" in outcome.stderr
    assert "--overwrite" in outcome.stderr
    assert Path("x.png").read_bytes() == b"precious"
    Path("x.png").chmod(0o600)
    assert spiden(*command, "--overwrite").code == 0
    assert Path("x.png").read_bytes() != b"precious"
    assert Path("x.png").stat().st_mode & 0o777 == 0o600


def test_saved_images_of_an_evaluation_too(spiden, small_weights, album):
    command = ("evaluate", "--dataset", "in", "-m", small_weights, "--save-images", "out")
    assert spiden(*command).code == 0
    assert spiden(*command).code == 6
    assert spiden(*command, "--overwrite").code == 0


# --- what is said --------------------------------------------------------------------------------


def test_failures_are_listed_at_the_end_in_records_and_in_the_log(denoise, album):
    Path("in/bad.png").write_text("no picture")
    Path("run.jsonl").write_text('{"ti')
    outcome = denoise("in", "-o", "out", "--json", "--log", "run.jsonl")
    assert outcome.code == 2
    records = {Path(r["source"]).name: r for r in json.loads(outcome.stdout)}
    assert "not a picture" in records["bad.png"]["error"]
    assert records["bad.png"]["exit_code"] == 2
    assert [r["status"] for r in records.values()].count("denoised") == 4
    cut, *lines = Path("run.jsonl").read_text().splitlines()
    assert cut == '{"ti'  # what a killed run left stays, on its own line
    logged = {Path(r["source"]).name: r for r in map(json.loads, lines)}
    assert {name: r["status"] for name, r in logged.items()} == {
        name: r["status"] for name, r in records.items()
    }
    assert logged["a.png"]["sigma"] == 25
    assert outcome.stderr.splitlines()[-1] == "error: 1 of 5 pictures were not denoised"
    assert "bad.png: not a picture" in outcome.stderr.splitlines()[-2]


def test_a_failure_names_its_picture(spiden, small_weights, album):
    outcome = spiden("denoise", "in", "-m", small_weights)  # too small to estimate their noise
    assert outcome.code == 2
    for name in "abcd":
        assert f"error: {name}.png: 24 x 20 pixels is too small to estimate" in outcome.stderr


def test_the_log_is_written_as_it_goes(denoise, album, monkeypatch):
    seen = []
    read = picture_tasks.read_picture

    def looking(path, **options):
        log = Path("run.jsonl")
        seen.append(len(log.read_text().splitlines()) if log.exists() else 0)
        return read(path, **options)

    monkeypatch.setattr(picture_tasks, "read_picture", looking)
    assert denoise("in", "-o", "out", "--log", "run.jsonl", "--threads", 1).code == 0
    assert seen == [0, 1, 2, 3]


@pytest.mark.parametrize("reference", [(), ("--reference", "in")])
def test_the_table_fits_80_columns_and_sums_up(denoise, album, reference):
    long = "the bride and the groom, long before midnight, "
    for end in ("0001", "0002"):
        Path(f"in/a{end}.png").write_bytes(Path("in/a.png").read_bytes())
        Path(f"in/a{end}.png").rename(f"in/{long}{end}.png")
    Path("in/a.png").rename(f"in/{'雪' * 40}.png")
    outcome = denoise("in", "-o", "out", *reference, columns=80)
    assert outcome.code == 0, outcome.stderr
    *lines, last = outcome.stdout.splitlines()
    assert len(lines) == 1 + 6
    assert max(map(cell_len, lines)) <= 80
    assert "0001.png" in outcome.stdout
    assert "0002.png" in outcome.stdout
    assert "雪…雪" in outcome.stdout
    assert re.fullmatch(r"6 pictures, 0\.00288 megapixels, [\d.]+ s \([\d.]+ pictures/s\)", last)


def test_pictures_of_one_name_are_told_apart_in_the_table(denoise, album):
    Path("in/sub/a.png").write_bytes(Path("in/a.png").read_bytes())
    outcome = denoise("in", "-r", "-o", "out", columns=80)
    rows = [line.split()[0] for line in outcome.stdout.splitlines() if ".png" in line]
    assert sorted(rows) == ["b.png", "c.png", "d.png", "e.png", "in/a.png", "sub/a.png"]


def test_a_pattern_that_names_the_input_is_what_is_to_be_changed(denoise, album):
    outcome = denoise("in/a.png", "--output-pattern", "{stem}{suffix}")
    assert outcome.code == 2
    assert "is an input: choose another --output-pattern" in outcome.stderr


def test_what_is_true_of_many_is_said_twice_at_most(denoise, album):
    outcome = denoise("in", "-o", "out", "--strength", 0)
    said = [line for line in outcome.stderr.splitlines() if "nothing was removed" in line]
    assert [line.split(":")[1].strip() for line in said] == ["a.png", "3 more pictures"]


def test_help_has_short_columns_examples_and_exit_codes(spiden):
    text = spiden("denoise", "--help", columns=80).stdout
    for words in ("How strong", "Files", "Many pictures", "Machine", "Examples", "130 Ctrl-C"):
        assert words in text
    for line in text.splitlines():
        if found := re.match(r"│ (--\S+ +(?:-\w )? *\S+(?: \[\S+\])? +)(\S.*)│$", line):
            assert 79 - len(found[1]) >= 30, line


# --- memory, and Ctrl-C --------------------------------------------------------------------------


def test_pictures_are_let_go_and_the_model_is_loaded_once(denoise, album, monkeypatch):
    for index in range(30):
        Path(f"in/a{index}.png").write_bytes(Path("in/a.png").read_bytes())
    alive: weakref.WeakSet[object] = weakref.WeakSet()
    most, loads = [], []
    read, load = picture_tasks.read_picture, loading.load_folded

    def reading(path, **options):
        most.append(len(alive))
        picture = read(path, **options)
        alive.add(picture)
        return picture

    monkeypatch.setattr(picture_tasks, "read_picture", reading)
    monkeypatch.setattr(loading, "load_folded", lambda path: loads.append(path) or load(path))
    assert denoise("in", "-o", "out", "--json").code == 0
    assert len(most) == 34
    assert max(most) <= 2  # two are denoised at once
    assert len(loads) == 1


@pytest.fixture
def heard():
    """Hear Ctrl-C, which a job in the background of a shell does not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def signals_at(monkeypatch, heard):
    """Send signals to this process while the picture of that number is encoded."""

    def arm(number: int, *kinds: int) -> None:
        encode, calls = picture_files._encode, []

        def encoding(*arguments):
            calls.append(arguments)
            if len(calls) == number:
                for kind in kinds:
                    os.kill(os.getpid(), kind)
            return encode(*arguments)

        monkeypatch.setattr(picture_files, "_encode", encoding)

    return arm


@pytest.mark.parametrize(
    ("kinds", "code", "done"),
    [
        ([signal.SIGINT], 130, ["a.png", "b.png"]),
        ([signal.SIGTERM], 143, ["a.png", "b.png"]),
        ([signal.SIGINT, signal.SIGINT], 130, ["a.png"]),
    ],
)
def test_a_signal_ends_between_pictures_and_a_second_one_at_once(
    denoise, album, signals_at, kinds, code, done
):
    signals_at(2, *kinds)
    outcome = denoise("in", "-o", "out", "--json", "--log", "run.jsonl", "--threads", 1)
    assert outcome.code == code
    assert names("out") == done
    expected = {f"{n}.png": "denoised" if f"{n}.png" in done else "not done" for n in "abcd"}
    assert statuses(outcome) == expected
    assert f"{len(done)} picture" in outcome.stderr.splitlines()[-1]
    assert f"{4 - len(done)} not done" in outcome.stderr
    assert len(Path("run.jsonl").read_text().splitlines()) == len(done)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("kinds", [[signal.SIGINT], [signal.SIGTERM, signal.SIGTERM]])
def test_what_two_threads_have_begun_is_finished_and_told(denoise, album, signals_at, kinds):
    for index in range(20):
        Path(f"in/e{index:02}.png").write_bytes(Path("in/a.png").read_bytes())
    signals_at(5, *kinds)
    outcome = denoise("in", "-o", "out", "--json", "--log", "run.jsonl", "--threads", 2)
    assert outcome.code == 128 + kinds[0]
    told = statuses(outcome)
    assert len(told) == 24
    done = [name for name, status in told.items() if status == "denoised"]
    assert names("out") == done == sorted(told)[: len(done)]
    assert 5 <= len(done) <= 8
    assert len(Path("run.jsonl").read_text().splitlines()) == len(done)
    assert not list(Path("out").glob(".*"))


def test_what_was_written_when_all_was_ended_is_told(denoise, album, monkeypatch):
    """The second signal comes right behind the rename, before anything knows of it."""
    flush, calls = atomic._flush_folder, []

    def flushing(folder):
        calls.append(folder)
        if len(calls) == 3:  # of the folder that is made, and of each picture
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
        flush(folder)

    monkeypatch.setattr(atomic, "_flush_folder", flushing)
    outcome = denoise("in", "-o", "out", "--json", "--log", "run.jsonl", "--threads", 1)
    assert outcome.code == 130
    told = {f"{n}.png": "denoised" if n in "ab" else "not done" for n in "abcd"}
    assert statuses(outcome) == told
    assert names("out") == ["a.png", "b.png"]
    assert len(Path("run.jsonl").read_text().splitlines()) == 2


def test_a_picture_that_its_encoder_refuses_does_not_stop_the_others(denoise, album, monkeypatch):
    encode, calls = picture_files._encode, []

    def refusing(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise RuntimeError("GENERIC")
        return encode(*arguments)

    monkeypatch.setattr(picture_files, "_encode", refusing)
    outcome = denoise("in", "-o", "out", "--threads", 1)
    assert outcome.code == 6
    assert names("out") == ["a.png", "c.png", "d.png"]
    assert "b.png: the encoder of PNG refuses this picture (GENERIC)" in outcome.stderr


def test_two_at_once_come_out_as_one_by_one(denoise, album):
    Path("in/bad.png").write_text("no picture")
    Image.fromarray(np.full((260, 260), 90, np.uint8)).save("in/large.png")
    one = denoise("in", "-o", "one", "--json", "--log", "one.jsonl", "--threads", 1)
    two = denoise("in", "-o", "two", "--json", "--log", "two.jsonl", "--threads", 2)
    assert one.code == two.code == 2
    assert list(statuses(one).items()) == list(statuses(two).items())
    assert contents("one") == contents("two")
    for log in ("one.jsonl", "two.jsonl"):
        told = [json.loads(line) for line in Path(log).read_text().splitlines()]
        assert [Path(record["source"]).name for record in told] == list(statuses(one))


def test_ctrl_c_in_the_only_picture_ends_at_once(denoise, album, signals_at):
    signals_at(1, signal.SIGINT)
    outcome = denoise("in/a.png", "-o", "out")
    assert (outcome.code, outcome.stderr) == (130, "error: interrupted\n")
    assert not Path("out").exists()


def test_several_processes_write_the_same_files(denoise, album):
    Path("in/bad.png").write_text("no picture")
    one = denoise("in", "-r", "-o", "one", "--json")
    two = denoise("in", "-r", "-o", "two", "--json", "--jobs", 2, "--threads", 2)
    assert one.code == two.code == 2
    assert statuses(one) == statuses(two)
    assert list(statuses(one)) == list(statuses(two))
    assert contents("one") == contents("two")


def test_checking_takes_a_look_or_two_at_each_file(denoise, album, monkeypatch):
    for index in range(100):
        Path(f"in/p{index}.png").write_bytes(Path("in/a.png").read_bytes())
    Path("out").mkdir()
    for path in Path("in").glob("*.png"):
        (Path("out") / path.name).write_bytes(b"there")
    looks = []
    stat = os.stat
    monkeypatch.setattr(os, "stat", lambda *a, **o: looks.append(a) or stat(*a, **o))
    assert denoise("in", "-o", "out").code == 6
    assert len(looks) < 20 * 104

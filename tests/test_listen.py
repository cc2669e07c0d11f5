"""The page to listen on: which utterances it has, what it says of each, and what is missing."""

import re
from pathlib import Path

import pytest

import listen
from errors import InputError
from files.manifest import read_manifest, write_jsonl
from made_up_speech import (
    MANIFEST,
    RESULTS,
    TEXTS,
    judge,
    leave_out,
    make_all,
    prepare,
    speak,
    write_experiment,
)
from reporting.listening import drawn, rejects, verdict
from reporting.synthesized import Reason, Utterance
from test_report import Page


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(experiment: Path, *more: str) -> str:
    listen.main([f"--experiment={experiment}", *more])
    return (RESULTS / "listen.html").read_text(encoding="utf-8")


def words(html: str) -> str:
    """Return what a reader sees, in one line."""
    shown = re.sub(r"<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(shown.split())


def cards(html: str) -> dict[str, str]:
    """Return the words of the first card of each utterance, by its id."""
    found: dict[str, str] = {}
    for part in html.split('<div class="card">')[1:]:
        card = words(part.partition("</dl>")[0])
        id = re.search(r" (\w+), (?:ann|bob), \d", card)
        found.setdefault(id[1], card)
    return found


def made_up(id: str, *reasons: str, voice: str = "ann") -> Utterance:
    failed = tuple(Reason(name, 2.0, 1.0) for name in reasons)
    return Utterance(id, voice, 1.0, f"{id}.flac", ("a",), "a", (), True, "a", failed, None)


def test_each_utterance_stands_beside_what_was_told_understood_and_decided(monkeypatch):
    found = cards(page(make_all(monkeypatch)))
    assert found.keys() == TEXTS.keys() - {"unspeakable"}
    told, understood = "The TTS was told", "The judge understood"
    assert f"{told} Is zigh low open today? {understood} is zelo open today" in found["a"]
    assert f"{told} as it is written {understood} the shop is open" in found["b"]
    assert f"SQL c, bob, 0.6 s {told} sequel {understood} sequel The filter kept" in found["c"]
    assert "The filter left out: CER 0." in found["d"] and ", above 0.3" in found["d"]
    nothing = f"{understood} nothing: it is longer than the window that it listens in"
    assert f"{nothing} The filter left out: duration in s 3.9, above 3.5" in found["g"]


def test_words_that_differ_from_the_nearer_reading_are_marked(monkeypatch):
    html = page(make_all(monkeypatch))
    assert "is <mark>zelo</mark> open today" in " ".join(html.split())
    of_sql = html.partition(">SQL</p>")[2].partition("</dl>")[0]
    assert "<mark>" not in of_sql and "<ins>" not in of_sql  # as it is said


def test_texts_are_escaped_and_the_page_asks_for_nothing_but_audio(monkeypatch):
    html = page(make_all(monkeypatch))
    shown = Page(html)
    assert "<b>" not in html and "&lt;b&gt;counter&lt;/b&gt; &amp; wait." in html
    policy = next(each for tag, each in shown.elements if each.get("http-equiv"))
    assert policy["content"].startswith("default-src 'none'")
    assert {tag for tag, _ in shown.elements} & {"script", "iframe", "object"} == set()
    sources = [each["src"] for tag, each in shown.elements if tag == "audio"]
    assert len(sources) > 7 and all((RESULTS / source).is_file() for source in sources)
    assert all(each["preload"] == "none" for tag, each in shown.elements if tag == "audio")
    assert all(each["aria-label"] for tag, each in shown.elements if tag == "audio")


def test_a_link_to_audio_survives_signs_of_addresses():
    assert listen.link("results/x/audio/a #1?.flac", Path("results/x/listen.html")) == (
        "audio/a%20%231%3F.flac"
    )


def test_which_utterances_are_drawn_depends_on_their_ids_alone():
    many = [made_up(f"u{number}") for number in range(100)]
    five = drawn(many, 5)
    assert [each.id for each in drawn(many[::-1], 5)] == [each.id for each in five]
    assert [each.id for each in five] != [f"u{number}" for number in range(5)]
    without = [each for each in many if each.id != five[0].id]
    assert drawn(without, 4) == five[1:]
    assert len(drawn(many[:3], 5)) == 3


def test_n_utterances_of_each_voice_are_on_the_page(monkeypatch):
    html = page(make_all(monkeypatch), "--utterances=2")
    rows = read_manifest(RESULTS / "synthesized/shop/hibari/train/shard1of2.jsonl")
    rows += read_manifest(RESULTS / "synthesized/shop/hibari/train/shard2of2.jsonl")
    for voice in ("ann", "bob"):
        number = sum(row["voice"] == voice for row in rows)
        part = html.partition(f"<h3>{voice} ({number})</h3>")[2].partition("<h3>")[0]
        assert part.count("<audio") == min(2, number)


def test_the_most_numerous_reason_comes_first_and_an_utterance_stands_under_one():
    left_out = [made_up("a", "silence"), made_up("b", "cer", "silence"), made_up("c", "cer"),
                made_up("d", "cer"), made_up("e", "duration", "cer"), made_up("f")]  # fmt: skip
    found = [(name, number, [each.id for each in here]) for name, number, here in rejects(left_out)]
    assert found == [("cer", 4, ["b", "c", "d", "e"]), ("silence", 2, ["a"]), ("duration", 1, [])]
    assert verdict(left_out[1]) == "left out: CER 2, above 1; share of silence 2, above 1"
    assert verdict(left_out[-1]) == "kept"


def test_what_the_filter_left_out_follows_and_what_could_not_be_said(monkeypatch):
    html = page(make_all(monkeypatch))
    assert "7 utterances of 2 voices; the filter kept 4." in words(html)
    rest = words(html.partition("Left out by the filter")[2])
    assert rest.index("CER (2)") < rest.index("duration in s (1)")
    assert "Could not be said (1) unspeakable (no phonemes)" in rest


def test_listed_words_are_shown_with_how_many_texts_have_them_and_one_utterance_each(monkeypatch):
    html = page(make_all(monkeypatch))
    part = html.partition("How words are said (3 in the list)")[2].partition("</details>")[0]
    said = words(part)
    assert "Zylo zigh low 1 SQL sequel 1 Nowhere no where 0" in said
    assert part.count("<audio") == 2 and "<h4>Zylo</h4>" in part


def test_of_a_running_experiment_what_is_there_is_shown_and_what_is_not_is_said(
    monkeypatch, capsys
):
    experiment = write_experiment()
    with pytest.raises(InputError, match="results/tiny: no such folder: no run .* has begun here"):
        page(experiment)
    prepare()
    assert "Not complete: nothing is spoken yet." in words(page(experiment))
    speak(monkeypatch, 1)
    shown = words(page(experiment))
    assert "1 of 2 parts are spoken" in shown
    assert "the judge has heard 0 of the 1 parts that are spoken" in shown
    assert "the filter has not run, so that what it leaves out is not known" in shown
    assert "not heard yet" in shown and "not filtered yet" in shown and "kept" not in shown
    assert "shop, hibari: 1 of 2 parts are spoken" in capsys.readouterr().out
    judge(1)
    assert "the judge has heard" not in words(page(experiment))
    speak(monkeypatch, 2)
    judge(2)
    leave_out()
    assert "Not complete" not in words(page(experiment))


def test_what_was_decided_of_speech_that_is_spoken_anew_since_is_not_shown(monkeypatch):
    experiment = make_all(monkeypatch)
    Path("said.tsv").write_text("Zylo\tzil o\n")
    speak(monkeypatch, 1)
    shown = words(page(experiment))
    assert "the filter has not run" in shown and "Is zil o open today?" in shown
    assert "The filter kept" not in shown
    leave_out()
    assert "Not complete" not in words(page(experiment))


def test_audio_that_was_deleted_is_told(monkeypatch):
    experiment = make_all(monkeypatch)
    (audio,) = RESULTS.glob("audio/**/b.flac")
    audio.unlink()
    assert f"This audio is not there any more: {audio}" in words(page(experiment))


def test_augmented_speech_is_played_too_as_it_is_trained_on(monkeypatch):
    make_all(monkeypatch)
    experiment = write_experiment(augmentation={"telephone": {}, "copies": 2})
    leave_out(RESULTS / "filtered/shop/hibari/train.jsonl")
    rows = [row | {"id": f"{row['id']}-augmented{copy}", "augmentation": {"telephone": "mulaw"}}
            | {"audio_filepath": str(RESULTS / f"{row['id']}{copy}.flac")}
            for row in read_manifest(MANIFEST) for copy in (1, 2)]  # fmt: skip
    write_jsonl(MANIFEST, rows)
    (RESULTS / "b1.flac").touch()
    html = page(experiment)
    assert 'src="b1.flac"' in html and 'src="b2.flac"' not in html
    assert "As it is trained on, after the domain's augmentation" in cards(html)["b"].replace(
        "&#39;", "'"
    )


def test_the_table_beside_the_page_has_every_utterance(monkeypatch):
    page(make_all(monkeypatch), "--utterances=1")
    lines = (RESULTS / "listen.tsv").read_text(encoding="utf-8").splitlines()
    rows = [dict(zip(lines[0].split("\t"), line.split("\t"), strict=True)) for line in lines[1:]]
    assert len(rows) == 7
    (row,) = [row for row in rows if row["id"] == "a"]
    assert (row["written"], row["told"], row["understood"], row["verdict"]) == (
        "Is Zylo open today?", "Is zigh low open today?", "Is Zelo open today?", "kept",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--utterances=0"], "--utterances 0: at least 1"),
        (["--domain", "shp"], "--domain: 'shp' is not under domains; did you mean 'shop'"),
    ],
)
def test_mistakes_are_told(monkeypatch, more, message):
    with pytest.raises(InputError, match=message):
        page(make_all(monkeypatch), *more)


def test_a_table_of_rejects_that_is_none_is_told_with_its_line(monkeypatch):
    experiment = make_all(monkeypatch)
    with MANIFEST.with_suffix(".rejected.tsv").open("a") as file:
        file.write("z\tcer\n")
    with pytest.raises(InputError, match=r"train.rejected.tsv:5: is no line of the filter's table"):
        page(experiment)

"""The corpus readers, on files built here byte by byte in the formats of the games and prompts."""

import gzip
import io
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpora import amazon_queen, asterisk, drascula
from errors import InputError

TONE = 0.5 * np.sin(np.arange(8_000) / 10)


def mp3(seconds: float) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, np.zeros(int(seconds * 11_025)), 11_025, format="MP3")
    return file.getvalue()


def queen_lines(*lines: tuple[int, str]) -> bytes:
    """Numbered strings, each padded to 4 bytes."""
    content = b""
    for number, text in lines:
        content += struct.pack(">hhB", 0, number, len(text)) + text.encode("cp437")
        content += bytes(-len(content) % 4)
    return content


def queen_dialogue(key: int, joe: list[tuple[int, str]], person: list[tuple[int, str]]) -> bytes:
    """A dialogue of one level."""
    of_joe = queen_lines(*joe)
    head = struct.pack(">4xhhh12xHHHxx2x", key, len(joe), len(person), 128 + len(of_joe), 0, 0)
    head = struct.pack(">h", 1) + head[2:]
    assert len(head) == 32
    return b"AmBk" + bytes(16) + head + bytes(96) + of_joe + queen_lines(*person)


def queen_archive(resources: dict[str, bytes]) -> bytes:
    magic = b"QTBLCEM10\0\0\0"
    offset = len(magic) + 2 + 21 * len(resources)
    table, data = b"", b""
    for name, content in resources.items():
        table += struct.pack(">12sBII", name.encode(), 1, offset + len(data), len(content))
        data += content
    return magic + struct.pack(">H", len(resources)) + table + data


@pytest.fixture
def queen(tmp_path: Path) -> Path:
    resources = {
        "020001P2.SB": mp3(0.1),
        "020001P1.SB": mp3(0.2),
        "020005P1.SB": mp3(0.2),
        "02001FJ1.SB": mp3(0.5),
        "02001FJ3.SB": mp3(0.3),
        "JOE00421.SB": mp3(0.4),
        "NAOMI2.DOG": queen_dialogue(
            2,
            joe=[(31, "Hi Naomi.*01*02Nice  hat.")],
            person=[(1, "Hello Joe.*03What now?*16"), (5, "Well?"), (6, "Never recorded.")],
        ),
        "QUEEN2.JAS": b"Not recorded*24\r\nNeat*02\r\n",
    }
    (tmp_path / "queen.1c").write_bytes(queen_archive(resources))
    return tmp_path


def test_queen_segments_are_numbered_by_commands_and_pair_with_their_recordings(queen):
    found = {recording.id: recording for recording in amazon_queen.read(queen)}
    assert {name: (r.text, r.speaker) for name, r in found.items()} == {
        "02001FJ1": ("Hi Naomi.", "joe"),
        "02001FJ3": ("Nice hat.", "joe"),  # the second command's segment is empty
        "020001P1": ("Hello Joe.", "naomi"),
        "020001P2": ("What now?", "naomi"),
        "020005P1": ("Well?", "naomi"),  # a line starts at a multiple of 4 bytes
        "JOE00421": ("Neat", "joe"),
    }
    assert {name: r.extra["topic"] for name, r in found.items()} == dict.fromkeys(
        ("02001FJ1", "02001FJ3", "020001P1", "020001P2", "020005P1"), "naomi"
    ) | {"JOE00421": "things"}
    waveform, rate = found["02001FJ1"].load()
    assert rate == 11_025
    assert waveform.dtype == np.float32
    assert 0.4 < len(waveform) / rate < 0.7


def test_queen_recording_claimed_by_two_lines_is_left_out(queen):
    resources = {
        "020001P2.SB": mp3(0.1),
        "020001P1.SB": mp3(0.1),
        "BOB.DOG": queen_dialogue(2, joe=[], person=[(1, "One thing")]),
        "BOB2.DOG": queen_dialogue(2, joe=[], person=[(1, "Another thing*01Surely")]),
    }
    (queen / "queen.1c").write_bytes(queen_archive(resources))
    assert [recording.text for recording in amazon_queen.read(queen)] == ["Surely"]


def test_queen_cut_short_is_refused(queen):
    path = queen / "queen.1c"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"queen\.1c: .*QUEEN2\.JAS ends at byte.*fetch it again"):
        list(amazon_queen.read(queen))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match="ends within its table of 8 resources"):
        list(amazon_queen.read(queen))
    path.write_bytes(b"not the game")
    with pytest.raises(InputError, match="no table of resources"):
        list(amazon_queen.read(queen))


def test_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"queen\.1c is missing"):
        list(amazon_queen.read(tmp_path))
    with pytest.raises(InputError, match="no such folder"):
        list(drascula.read(tmp_path / "nothing"))


def drascula_block(texts: list[str]) -> bytes:
    """One language's texts; before each stand two bytes with the distance to the next."""
    content = bytes(2)
    for text in texts:
        length = len(text) + 1 + -(len(text) + 3) % 4
        content += struct.pack(">H", length + 2) + text.encode("cp850").ljust(length, b"\0")
    return struct.pack(">H", len(content)) + content


def drascula_data(english: list[list[str]]) -> bytes:
    content = b"DRASCULA" + bytes([6]) + struct.pack(">3H", 6, 6, 7)  # tables that look like it
    content += struct.pack(">H", 6)
    for texts in english:
        content += struct.pack(">H", len(texts))
        content += drascula_block(texts)
        content += 5 * drascula_block([f"otra {n}" for n in range(len(texts))])
    return content


@pytest.fixture
def vampire(tmp_path: Path) -> Path:
    folder = tmp_path / "en"
    folder.mkdir()
    english = [["", f"TEXT OF ARRAY {n}", "WHO? I AM B.J., I'M IN"] for n in range(10)]
    (folder / "drascula.dat").write_bytes(drascula_data(english))
    samples = bytes(range(32)) + bytes([128, 255, 0, 192])
    for name in ("1", "2", "D1", "VB2", "S1", "77"):
        (folder / f"{name}.ALS").write_bytes(samples)
    return tmp_path


def test_drascula_number_of_a_file_is_the_index_in_its_speakers_array(vampire):
    found = {r.id: (r.text, r.speaker) for r in drascula.read(vampire)}
    assert found == {
        "1": ("Text of array 0", "hacker"),
        "2": ("Who? I am B.J., I'm in", "hacker"),
        "D1": ("Text of array 1", "drascula"),
        "VB2": ("Who? I am B.J., I'm in", "von_braun"),
    }


def test_drascula_samples_are_unsigned_after_a_header(vampire):
    waveform, rate = next(drascula.read(vampire)).load()
    assert rate == 11_025
    assert waveform.tolist() == [0, 127 / 128, -1, 0.5]


def test_drascula_cut_short_is_refused(vampire):
    data = vampire / "en" / "drascula.dat"
    content = data.read_bytes()
    data.write_bytes(content[:-40])
    with pytest.raises(InputError, match=r"drascula\.dat: its subtitles are cut short"):
        list(drascula.read(vampire))
    data.write_bytes(b"SOMETHING ELSE")
    with pytest.raises(InputError, match="not Drascula's data file"):
        list(drascula.read(vampire))
    data.write_bytes(content)
    (vampire / "en" / "1.ALS").write_bytes(bytes(32))
    with pytest.raises(InputError, match=r"1\.ALS: no samples after the header"):
        next(drascula.read(vampire)).load()
    for path in vampire.rglob("*.ALS"):
        path.unlink()
    with pytest.raises(InputError, match=r"no recordings \(\*\.ALS\) beside drascula\.dat"):
        list(drascula.read(vampire))


SCRIPT = """; comment

vm-goodbye: Goodbye
dictate/pause: press * to toggle, or # to exit...
letters/at: at [@]
beep: [this is a simple beep tone]
time: Ten: thirty
silence/1: (1 second of silence)
unrecorded: Nothing
vm-goodbye: Goodbye again
"""
RECORDED = ("vm-goodbye", "dictate/pause", "letters/at", "beep", "time", "silence/1")


@pytest.fixture(params=["wav", "gsm"])
def prompts(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    with gzip.open(tmp_path / "core-sounds-en.txt.gz", "wt") as file:
        file.write(SCRIPT)
    for name in RECORDED:
        path = tmp_path / "en_US" / f"{name}.{request.param}"
        path.parent.mkdir(parents=True, exist_ok=True)
        options = {"format": "RAW", "subtype": "GSM610"} if request.param == "gsm" else {}
        soundfile.write(path, TONE, 8_000, **options)
    return tmp_path


def test_asterisk_prompts_are_what_is_spoken(prompts):
    found = {r.id: (r.text, r.speaker) for r in asterisk.read(prompts)}
    assert found == {
        "vm-goodbye": ("Goodbye", "allison"),
        "dictate.pause": ("press star to toggle, or pound to exit", "allison"),
        "letters.at": ("at", "allison"),
        "time": ("Ten: thirty", "allison"),
    }


def test_asterisk_audio_is_the_tone_that_was_written(prompts):
    waveform, rate = next(asterisk.read(prompts)).load()
    assert rate == 8_000
    assert len(waveform) == 8_000
    assert np.corrcoef(waveform, TONE)[0, 1] > 0.9


def test_asterisk_script_may_be_unpacked(prompts):
    packed = prompts / "core-sounds-en.txt.gz"
    (prompts / "core-sounds-en.txt").write_bytes(gzip.decompress(packed.read_bytes()))
    packed.unlink()
    assert len(list(asterisk.read(prompts))) == 4


def test_asterisk_cut_short_is_refused(prompts):
    audio = next(prompts.rglob("vm-goodbye.*"))
    if audio.suffix == ".gsm":
        audio.write_bytes(audio.read_bytes()[:-1])
        with pytest.raises(InputError, match=r"vm-goodbye\.gsm: .*33-byte frames.*fetch it again"):
            next(asterisk.read(prompts)).load()
    else:
        audio.write_bytes(audio.read_bytes()[:20])
        with pytest.raises(InputError, match=r"vm-goodbye\.wav: not readable as audio"):
            next(asterisk.read(prompts)).load()
    script = prompts / "core-sounds-en.txt.gz"
    script.write_bytes(script.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"core-sounds-en\.txt\.gz: not readable"):
        list(asterisk.read(prompts))


ITALIAN = """\ufeff; Core Asterisk Sounds in Italian

vm-goodbye: Arrivederci
beep: un suono beep
at-tone-time-exactly: Al segnale acustico, il tempo sar? esattamente..
vm-login: Posta vocale. Casella di posta?
conf-thereare: ci sono attualmente…
vm-star: premere * o #
conf-muted: Ora sei muto
queue-full: “La coda è piena.”
vm-quote: prego attendere."
invalid: Spiacente, [quello] non è valido (enfatico)
demo-try: tra centralini (IAX) con un server
vm-said: dice "ciao" e va
vm-tempremoved: Il saluto è stato eliminato.vm-then: poi premere
vm-then: vm-then: quindi premere
dictate/pause:
"""


def test_asterisk_speaks_other_languages_and_its_scripts_have_flaws(tmp_path: Path):
    """The recording of conf-muted says "voce disattivata"."""
    (tmp_path / "core-sounds-it.txt").write_text(ITALIAN)
    names = [line.partition(":")[0] for line in ITALIAN.splitlines()[2:]]
    for name in names:
        path = tmp_path / "sounds" / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, TONE, 8_000)
    found = list(asterisk.read(tmp_path, "it"))
    assert {r.id: r.text for r in found} == {
        "vm-goodbye": "Arrivederci",
        "vm-login": "Posta vocale. Casella di posta?",
        "conf-thereare": "ci sono attualmente",
        "vm-star": "premere asterisco o cancelletto",
        "queue-full": "La coda è piena.",
        "vm-quote": "prego attendere.",
        "invalid": "Spiacente, non è valido",
        "demo-try": "tra centralini IAX con un server",
        "vm-said": 'dice "ciao" e va',
        "vm-tempremoved": "Il saluto è stato eliminato.",
        "vm-then": "quindi premere",
    }
    assert {r.speaker for r in found} == {"carlo"}
    assert {r.extra["topic"] for r in found} == {"vm", "conf", "queue", "invalid", "demo"}
    with pytest.raises(
        InputError, match=r"core-sounds-fr\.txt .* is missing; .* in French needs it"
    ):
        list(asterisk.read(tmp_path, "fr"))


def test_asterisk_line_without_a_name_is_named(prompts):
    (prompts / "core-sounds-en.txt").write_text("vm-goodbye: Goodbye\nno colon here\n")
    with pytest.raises(InputError, match=r"core-sounds-en\.txt:2: 'no colon here'"):
        list(asterisk.read(prompts))

"""Texts of many languages: which are one and which are two, and who can write and speak them."""

import itertools
import json
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from transformers.models.whisper.english_normalizer import BasicTextNormalizer
from transformers.models.whisper.tokenization_whisper import LANGUAGES

import compare
import prepare
import score
import summarize
from configs import known, reading
from corpora import CORPORA
from domains import speakable
from engines import ENGINES
from errors import InputError
from files.manifest import write_jsonl
from filter import character_error_rate
from lineages import leaks
from made_up import evaluation, write_evaluations
from made_up_summary import made_up_summary
from recognisers.letters import special_cases, spell
from reporting import summary_table
from scoring.word_errors import score as score_texts
from test_experiment import CONFIG, changed
from texts import languages
from texts.normalise import WITHOUT_SPACES, normalise
from training import evaluation as training_evaluation


def rows(*texts: str) -> list[dict]:
    return [
        {"id": f"u{n}", "audio_filepath": f"{n}.flac", "duration": 1.0, "text": text}
        | {"speaker": "ann", "domain": "music"}
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("hi", "कि की के को कल कुल काल"),
        ("mr", "मी मा मे"),
        ("ne", "को के का"),
        ("bn", "কি কে কা কত কোতি"),
        ("as", "কি কে কা"),
        ("pa", "ਕਿ ਕੀ ਕੇ"),
        ("gu", "કિ કી કે"),
        ("ta", "கல் கால் கல கலை"),
        ("te", "కల కాల కిల"),
        ("kn", "ಕಲ ಕಾಲ"),
        ("ml", "കല കാല"),
        ("si", "කල කාල කිල"),
        ("yo", "ẹ̀kọ́ ẹkọ ekọ"),
        ("vi", "ma má mà mả mã mạ"),
        ("de", "schon schön Mutter Mütter um äh"),
        ("tr", "sıkıldı sikildi"),
        ("fr", "peche pêche péché"),
        ("pl", "laska łaska"),
        ("ru", "все всё"),
        ("uk", "гіта ґіта їж іж"),
        ("ko", "말 발 물"),
        ("yi", "אַ אָ"),
        ("fa", "کار کور"),
        ("el", "νόμος νομός"),
    ],
)
def test_different_words_stay_different(language: str, words: str):
    found = [normalise(word, language) for word in words.split()]
    assert all(found) and all(" " not in word for word in found)
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("de", "Das MÄDCHEN, (lacht) ja!", "das mädchen ja"),
        ("tr", "İSTANBUL'DA ILIK", "istanbul'da ılık"),
        ("az", "QIZIL", "qızıl"),
        ("de", "İstanbul", "istanbul"),
        ("el", "Ο ΔΡΟΜΟΣ.", "ο δρομος"),
        ("el", "οδοσ", "οδος"),
        ("ar", "مُحَمَّدٌ كَتَبَ", "محمد كتب"),
        ("ar", "جـــميل", "جميل"),
        ("he", "שָׁלוֹם", "שלום"),
        ("fa", "می\u200cخواهم", "میخواهم"),
        ("fa", "كيف", "کیف"),
        ("ur", "كيا", "کیا"),
        ("ro", "şi ţară", "și țară"),
        ("ru", "за\u0301мок", "замок"),
        ("hi", "क\u093cानून", "\u0958ानून"),
        ("bn", "পড\u09bc\u09be", "প\u09dc\u09be"),
        ("ml", "\u0d05\u0d35\u0d28\u0d4d\u200d", "\u0d05\u0d35\u0d7b"),
        ("bn", "\u0989\u09a4\u09cd\u200d\u09b8", "\u0989\u09ce\u09b8"),
        ("fr", "l\u00adéco\u200ble", "l'école".replace("'", "")),
        ("ja", "ｶﾞｷﾞ ＡＢＣ１２", "がぎ ABC12".translate({0x304C: "ガ", 0x304E: "ギ"})),
        ("ja", "そう（笑）です。", "そうです"),
        ("zh", "你好，世界！", "你好世界"),
        ("en", "Um, the colour.", "the color"),
    ],
)
def test_one_text_in_two_ways_of_writing_is_one(language: str, one: str, other: str):
    assert normalise(one, language) == normalise(other, language) != ""


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Désolé, ce n’est pas l'œuvre: « ça » coûte 3,50 € (TTC) à Noël!"),
        ("it", "C'è un'altra città? Prego, perché no... premere 5."),
        ("es", "¿Qué mañana? ¡Sí! El pingüino no. 2 contraseñas"),
        ("ru", "Нажмите «звёздочку» — 28,8 килобит. Й, ё!"),
    ],
)
def test_letters_and_marks_are_kept_as_the_basic_normaliser_of_transformers_does(language, text):
    words = BasicTextNormalizer()(text).split()
    assert normalise(text, language) == " ".join(words)


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ko", "한국어 말"), ("ja", "がぎぐ"), ("vi", "tiếng Việt"), ("de", "Mädchen"),
        ("hi", "\u0958ानून \u095bरूर"), ("ta", "கொடு"), ("bn", "কোতি"), ("ar", "آمن أمل"),
        ("fr", "élève"),
    ],
)  # fmt: skip
def test_composed_and_decomposed_letters_are_one(language: str, text: str):
    forms = {text} | {unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKD")}
    assert len(forms) > 1
    assert len({normalise(form, language) for form in forms}) == 1


@pytest.mark.parametrize("language", ["de", "hi", "th", "ar", "tr", "el", "yi", "ru", "ja"])
def test_what_is_normalised_stays_as_it_is(language: str):
    text = "İ I ΟΔΟΣ कि ทำน้ำ مُحَمَّد (x) שָׁלוֹם 你好 3.5 за́мок ﬁ Straße ẹ̀kọ́ ❤️"
    assert normalise(normalise(text, language), language) == normalise(text, language)


def test_german_um_is_a_word_and_english_um_is_none():
    assert normalise("Um acht, äh, um neun", "de") == "um acht äh um neun"
    assert normalise("Um, at eight", "en") == "at 8"


@pytest.mark.parametrize("language", WITHOUT_SPACES)
def test_characters_are_words_where_no_spaces_part_words(language: str):
    text = {"th": "ดี มาก", "lo": "ດີ ຫຼາຍ", "my": "က ခ", "km": "ក ខ"}.get(language, "你好 吗")
    assert normalise(text, language) == normalise(text.replace(" ", ""), language)
    assert len(normalise(text, language).split()) > 1


def test_a_wrong_character_of_four_is_a_quarter_of_wer_and_cer():
    found = score_texts(rows("今天天气"), rows("今 天天汽。"), "zh")
    assert (found.wer, found.cer) == (0.25, 0.25)
    assert found.words.reference == found.characters.reference == 4
    assert found.per_utterance[0].character_errors == 1


def test_two_hindi_words_are_an_error_and_the_score_says_how_it_counted():
    found = score_texts(rows("कल", "कि"), rows("कल", "की"), "hi")
    assert found.wer == 0.5
    assert (found.language, found.normaliser) == (
        "hi", "whisper-normalizer, basic, marks kept",
    )  # fmt: skip
    english = score_texts(rows("a"), rows("a"), "en")
    assert english.normaliser == "whisper-normalizer, English"
    assert score_texts(rows("你"), rows("你"), "zh").normaliser.endswith("a word")


def test_the_filter_hears_marks():
    assert character_error_rate("कि", "की", "hi") == 0.5
    assert character_error_rate("um acht", "acht", "de") == pytest.approx(2 / 6)
    assert character_error_rate("um, acht", "acht", "en") == 0


def test_sentences_that_differ_in_marks_are_spoken_both():
    texts = speakable.texts_to_speak(rows("कल कि", "कल की", "कल की।"), "d", "hi")
    assert [row["id"] for row in texts] == ["u0", "u1"]


@pytest.mark.parametrize(
    ("language", "message"),
    [
        ("german", "'german' is no code of Whisper's for a language; did you mean 'de' \\(German"),
        ("EN", "did you mean 'en'"),
        ("deu", "did you mean 'de'"),
        ("zh-cn", "did you mean 'zh'"),
        ("Frensh", "did you mean 'fr'"),
        ("", "known: af, am"),
        ("xx", "known: af, am"),
        ("de\n", "did you mean 'de'"),
    ],
)
def test_an_unknown_language_is_refused_by_every_command(language: str, message: str):
    with pytest.raises(InputError, match=message):
        normalise("a", language)
    with pytest.raises(InputError, match=message):
        score.main(["--references=r", "--hypotheses=h", "--output=o", f"--language={language}"])


def test_a_command_without_a_language_is_refused():
    with pytest.raises(InputError, match="are required: --language"):
        score.main(["--references=r", "--hypotheses=h", "--output=o"])


def test_codes_are_those_of_whisper_in_the_schema_too():
    assert set(languages.NAMES) == set(LANGUAGES)
    schema = yaml.safe_load(known.SCHEMA.read_text())
    assert schema["properties"]["language"]["enum"] == list(languages.NAMES)
    spoken = [about.languages for about in ENGINES.values()]
    read = [about.languages for about in CORPORA.values()]
    tables = (WITHOUT_SPACES, languages.SCRIPTS, *read, *spoken)
    assert set(itertools.chain(*tables)) <= set(LANGUAGES)


def scored(folder: Path, name: str, language: str) -> Path:
    """Score one text in a language; return the score file."""
    write_jsonl(folder / "m.jsonl", rows("ja", "nein"))
    write_jsonl(folder / f"{name}.jsonl", rows("ja", "nein"))
    options = [f"--references={folder / 'm.jsonl'}", f"--hypotheses={folder / name}.jsonl"]
    score.main([*options, f"--output={folder / name}.json", f"--language={language}"])
    return folder / f"{name}.json"


def test_scores_of_two_languages_are_not_compared(tmp_path: Path):
    german, english = scored(tmp_path, "a", "de"), scored(tmp_path, "b", "en")
    with pytest.raises(InputError, match="2 languages don't compare: .*a.json in 'de', .*b.json"):
        compare.main([str(german), str(english)])


def test_a_score_that_says_no_language_is_scored_again(tmp_path: Path):
    path = scored(tmp_path, "a", "de")
    content = json.loads(path.read_text())
    del content["language"]
    path.write_text(json.dumps(content, indent=1))
    with pytest.raises(InputError, match="lacks language; score the hypotheses"):
        compare.main([str(path), str(path)])


def test_texts_to_compare_need_a_language(tmp_path: Path):
    scored(tmp_path, "a", "de")
    path = str(tmp_path / "a.jsonl")
    with pytest.raises(InputError, match="m.jsonl: texts; give their language by --language"):
        compare.main([path, path, f"--references={tmp_path / 'm.jsonl'}"])


# --- the config


IN_NO_LANGUAGE = {"domains": CONFIG["domains"] | {"games": {"manifest": "games.jsonl"}}}


def with_tts(**voice: object) -> dict:
    return {"tts": {"voice": {"artifact": "voices"} | voice}}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"language": "german"}, r"language: 'german' is not one of \['af'.*de is German"),
        ({"language": False}, r"language: false is not one of"),
        ({"language": "en$(touch PWNED)"}, r"language: 'en\$\(touch PWNED\)' is not one of"),
        (
            {"language": "de", **with_tts(engine="coqui")},
            r"domains\.games\.corpus: amazon_queen is English, but language is 'de' \(German\)",
        ),
        (
            IN_NO_LANGUAGE | {"language": "de"},
            r"tts\.kokoro\.engine: kokoro speaks en, not 'de'; take another",
        ),
        (with_tts(engine="hibari", language="fr"), r"hibari speaks en, not 'fr'"),
        (with_tts(engine="speecht5", language="fr"), r"speecht5 speaks en, not 'fr'"),
        (with_tts(engine="bark", language="sv"), r"bark speaks de, en, .* not 'sv'"),
        (
            with_tts(engine="bark", voices=["v2/de_speaker_1", "v2/en_speaker_1"], language="de"),
            r"tts\.voice\.voices: 'v2/en_speaker_1' speaks 'en', not 'de'; .*v2/de_speaker_0",
        ),
        (
            with_tts(engine="kokoro", language="de"),
            r"tts\.voice\.engine: kokoro speaks en, not 'de'",
        ),
        (with_tts(engine="coqui", language="$(x)"), r"tts\.voice\.language: .* does not match"),
        (
            {"base_models": {"tiny": {"artifact": "base", "language": "de"}}},
            r"base_models\.tiny: unknown key 'language'; give it once for the whole experiment, at",
        ),
        (
            {"base_models": {"tiny": {"artifact": "whisper-small.en"}}, "language": "de"}
            | with_tts(engine="coqui"),
            r"tiny\.artifact: whisper-small\.en \(small\.en\) is Whisper for English only, but",
        ),
    ],
)
def test_a_language_that_a_part_of_the_experiment_does_not_speak_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        changed(**changes)


def test_an_english_only_original_is_known_by_its_files_whatever_it_is_called():
    source = {"sha256": "0" * 64, "sources": [{"path": "/weights"}]}
    files = {"weights.pt": source, "gpt2.tiktoken": source}
    own = {"artifacts": CONFIG["artifacts"] | {"base": {"licence": "MIT", "files": files}}}
    assert changed(**own)["language"] == "en"
    with pytest.raises(InputError, match=r"base \(gpt2.tiktoken\) is Whisper for English only"):
        changed(**own, **with_tts(engine="coqui"), language="de")


def test_the_language_is_every_voices_unless_it_has_its_own():
    assert changed()["language"] == changed()["tts"]["kokoro"]["language"] == "en"
    config = changed(**IN_NO_LANGUAGE, language="zh", tts={
        "bark": {"engine": "bark", "artifact": "voices", "voices": ["v2/zh_speaker_0"]},
        "xtts": {"engine": "coqui", "artifact": "voices", "language": "zh-cn"},
    })  # fmt: skip
    assert [tts["language"] for tts in config["tts"].values()] == ["zh", "zh-cn"]
    assert reading.complete_and_check(config) == config


def test_a_character_of_chinese_takes_longer_to_say_than_a_letter():
    assert changed()["filter"]["min_speaking_rate"] == 4
    chinese = IN_NO_LANGUAGE | {"language": "zh"} | with_tts(engine="coqui")
    assert changed(**chinese)["filter"]["min_speaking_rate"] == 1
    given = changed(**chinese, filter={"min_speaking_rate": 3})
    assert given["filter"]["min_speaking_rate"] == 3


# --- what the commands make of it


def prepared(folder: Path, declaration: dict, language: str) -> dict:
    """Prepare a domain of texts; return its counts."""
    prepare.main(
        ["--domain", "d", "--declaration", json.dumps(declaration), "--language", language]
        + ["--texts-dir", str(folder / "texts")]
    )
    return json.loads((folder / "texts/counts.json").read_text())


def test_train_and_test_share_a_sentence_only_if_it_is_one_in_their_language(tmp_path: Path):
    (tmp_path / "a.txt").write_text("एक कि\nदो\nतीन\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text("एक की\n", encoding="utf-8")
    declaration = {"texts": str(tmp_path / "a.txt"), "test_texts": str(tmp_path / "b.txt")}
    counts = prepared(tmp_path, declaration | {"dev": 1}, "hi")
    assert counts["texts"] == {"train": 2, "dev": 1, "test": 1}
    (tmp_path / "b.txt").write_text("एक कि।\n", encoding="utf-8")
    with pytest.raises(InputError, match="the sentence"):
        prepared(tmp_path, declaration | {"dev": 1}, "hi")


def test_words_of_chinese_are_counted_by_characters(tmp_path: Path):
    (tmp_path / "a.txt").write_text("今天天气\n你好\n明天见。\n后天见\n", encoding="utf-8")
    declaration = {"texts": str(tmp_path / "a.txt"), "min_words": 3, "dev": 1}
    counts = prepared(tmp_path, declaration, "zh")
    assert counts["left_out"] == {"fewer than 3 words": 1}


def test_dev_wer_follows_the_recognisers_language(monkeypatch: pytest.MonkeyPatch):
    heard = [{"id": "u0", "text": "acht"}]
    monkeypatch.setattr(training_evaluation, "transcribe", lambda *_: heard)
    for language, expected in (("de", 0.5), ("en", 0)):
        recogniser = SimpleNamespace(language=language)
        speech = SimpleNamespace(
            utterances=rows("um acht"), ids=["u0"], readers=0, recogniser=recogniser
        )
        assert training_evaluation.dev_wer(speech) == expected


def test_a_test_sentence_in_training_is_one_in_its_language_only():
    texts = rows("कि", "की", "um acht", "acht")
    assert len(leaks.sentences_of(texts, "hi")) == 4
    assert len(leaks.sentences_of(rows("um acht", "acht"), "en")) == 1


def test_scores_of_two_languages_are_no_table(tmp_path: Path):
    first = evaluation(tmp_path, "pretrained", [0, 1], seed=0)
    second = evaluation(tmp_path, "target-synthetic", [0, 1])
    path = Path(second["score"])
    path.write_text(path.read_text().replace('"language": "en"', '"language": "de"'))
    options = [f"--evaluations={write_evaluations(tmp_path, [first, second])}", "--constant=0.25"]
    options += [f"--output-{kind}={tmp_path / 'summary'}.{kind}" for kind in ("json", "tsv")]
    with pytest.raises(InputError, match="scores of 2 languages don't compare: .* in 'en', .*'de'"):
        summarize.main(options)


def test_a_table_of_chinese_says_what_a_wer_counts():
    note = summary_table.note(made_up_summary(language="zh"))
    assert note.startswith("Chinese parts no words by spaces: each character counts as one. WER")
    assert summary_table.note(made_up_summary(language="de")).startswith("WER in %")


def test_letters_of_a_ctc_model_have_turkish_cases():
    capital, small = set("ABCDEFGHIİKLRS"), set("abcdefgğhıiklrs")
    for letters, spelt in ((capital, "IRAK İKİ"), (small, "ırak iki")):
        ids = {letter: n for n, letter in enumerate(sorted(letters | {" "}))}
        cases = str.maketrans(special_cases(ids, "tr"))
        for text in ("Irak iki", "IRAK İKİ", "ırak iki"):
            assert spell(text.translate(cases), ids) == (spelt, {})
    assert special_cases(small, "de") == special_cases(small | capital, "tr") == {}

"""More texts by a language model: its prompt, what is kept of its lines, a tiny one that runs."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import write_texts
from domains.more_texts import Collection, items_of, prompt_of
from errors import InputError
from files.manifest import read_texts, write_jsonl

GIVEN = ["Turn on the lamp", "turn off the lamp", "open the door"]
WORDS = (" turn", " Turn", " on", " off", " open", " the", " lamp", " door")
TOKENS = ("<end>", "?", "-", "\n", *WORDS)


def write_language_model(folder: Path, longest: int = 256) -> Path:
    """Write a Llama with random weights, whose tokens are a dash, the end of a line and 8 words."""
    torch.manual_seed(0)
    tokenizer = Tokenizer(models.WordLevel({each: n for n, each in enumerate(TOKENS)}, "?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"\n|-| \w+"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(TOKENS), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=longest, eos_token_id=0, bos_token_id=0,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_language_model(tmp_path_factory.mktemp("model"))


def rows(*texts: str, prefix: str = "t") -> list[dict]:
    return [
        {"id": f"{prefix}{n}", "text": text, "spoken": text, "domain": "shop"}
        for n, text in enumerate(texts)
    ]


def run(folder: Path, model: Path, number: int = 3, *options: str) -> list[dict]:
    """Run the command; return the rows that are written."""
    write_jsonl(folder / "train.jsonl", rows(*GIVEN))
    write_jsonl(folder / "dev.jsonl", rows("open", prefix="d"))
    write_texts.main(
        [f"--texts={folder / 'train.jsonl'}", f"--apart={folder / 'dev.jsonl'}",
         f"--model={model}", f"--number={number}", "--language=en",
         f"--output={folder / 'written.jsonl'}", *options]
    )  # fmt: skip
    return read_texts(folder / "written.jsonl")


# --- prompt and lines


def test_a_prompt_is_a_list_that_ends_where_the_next_text_would_begin():
    assert prompt_of("", ["go", "stop"]) == "- go\n- stop\n-"
    assert prompt_of("Commands:", ["go"]) == "Commands:\n- go\n-"


def test_what_is_gone_on_with_is_read_to_the_first_line_that_is_no_item_and_the_last_is_cut_off():
    assert items_of(" wait\n- come here\n- and th") == ["wait", "come here"]
    assert items_of(" wait\n\nNow the story\n- come\n") == ["wait"]
    assert items_of(" wait and") == []


def collection(**changes: object) -> Collection:
    bounds = {"language": "en", "min_words": 1, "max_duration": 2.0}
    bounds |= {"given": ["Go to it, (now) 7-9"], "sentences": {"go"}}
    return Collection(**(bounds | changes))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Go!", "a character that no given text has"),
        ("go", "repeated"),
        ("GO,", "repeated"),
        ("7 - 9", "no letters"),
        (",", "no letters"),
        ("(go)", "no letters"),
        ("to it (now)", "something that nobody says"),
        ("go " * 9, "longer than 2 s to say"),  # 26 characters, 12 a second
        ("go gottoo", "a longer word than any given text has"),  # 6 characters, (now) has 5
        ("got", ""),
    ],
)
def test_a_line_is_left_out_for_a_reason(text, reason):
    assert collection().against(text.strip()) == reason


def test_texts_are_kept_up_to_a_number_each_once_and_the_others_counted():
    kept = collection(min_words=2)
    kept.take(["go now", "Go  now", "got", "to it", "got it"], 2)
    assert kept.kept == ["go now", "to it"]
    assert kept.left_out == {"repeated": 1, "fewer than 2 words": 1}


# --- a tiny model


def test_new_texts_stand_behind_those_given_are_marked_and_repeat_none(tmp_path, model):
    written = run(tmp_path, model)
    assert written[:3] == rows(*GIVEN)
    new = written[3:]
    assert [row["id"] for row in new] == [f"shop-written-{n:06d}" for n in range(1, 4)]
    assert all(row["generated"] is True and row["domain"] == "shop" for row in new)
    sentences = [row["text"].lower() for row in written]
    assert len(set(sentences)) == 6 and "open" not in sentences
    assert {word for row in new for word in row["text"].split()} <= {t.strip() for t in TOKENS}
    record = json.loads((tmp_path / "written.jsonl.lineage.json").read_text())
    assert (record["counts"]["texts"], record["counts"]["generated"]) == (3, 3)
    read = {Path(path).name for path in record["inputs"]}
    assert {"train.jsonl", "dev.jsonl", "model.safetensors", "tokenizer.json"} <= read


def test_the_same_seed_writes_the_same_texts_and_another_one_others(tmp_path, model):
    first = run(tmp_path, model)
    assert run(tmp_path, model) == first
    assert run(tmp_path, model, 3, "--seed=2") != first


def test_fewer_texts_than_asked_for_are_told_and_counted(tmp_path, model, capsys):
    new = run(tmp_path, model, 20, "--max-duration=0.7")[3:]  # 8 characters: a word or two
    assert 0 < len(new) < 20
    told = capsys.readouterr().err
    assert f"{len(new)} of 20 texts written (left out: " in told and "longer than 0.7 s" in told


def test_a_model_that_writes_nothing_of_use_is_refused_with_the_reasons(tmp_path, model):
    with pytest.raises(InputError, match=r"0 of 3 texts written \(left out: .*fewer than 99 words"):
        run(tmp_path, model, 3, "--min-words=99")


def test_a_list_that_is_too_long_for_the_model_is_refused(tmp_path, tmp_path_factory):
    small = write_language_model(tmp_path_factory.mktemp("small"), longest=24)
    with pytest.raises(InputError, match="a list of them has 18 tokens, .* takes 24; lower it"):
        run(tmp_path, small)


def test_a_folder_without_a_model_and_a_gguf_file_without_its_package_are_refused(tmp_path, model):
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match="config.json: no such file"):
        run(tmp_path, tmp_path / "none")
    (tmp_path / "none" / "model.gguf").write_bytes(b"GGUF")
    with pytest.raises(InputError, match="pip install gguf|no causal language model"):
        run(tmp_path, tmp_path / "none")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--number=0", "--number: '0'; give a whole number from 1"),
        ("--examples=0", "--examples 0: at least 1"),
        ("--temperature=0", "--temperature: '0'; give a number from 0.001"),
    ],
)
def test_a_faulty_option_is_refused(tmp_path, model, option, message):
    with pytest.raises(InputError, match=message):
        run(tmp_path, model, 3, option)

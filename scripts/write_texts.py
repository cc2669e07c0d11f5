"""Write more training texts of a domain by a language model that has seen some of them.

Su et al. 2024, "Corpus synthesis for zero-shot ASR domain adaptation using large language models"
(arXiv 2309.10707). --model is the folder of a causal language model of Hugging Face's transformers,
or of one .gguf file, which needs `pip install gguf`. It is shown lists of some of --texts, drawn
anew for each list, and goes on with them, sampled from the most probable tokens that have 95 % of
the mass. Left out are lines that repeat a text (of --texts, of --apart, or written before), that
have a character or a longer word than any of --texts has, no letters, or something that nobody
says, and what takes too long to say. Where it writes fewer than --number, that is told. Written are
--texts, and behind them the new ones, which have "generated": true.

The same texts come again on the same kind of machine, with the same packages and --batch-size.
"""

import argparse
import hashlib
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from computing.processor import processor
from domains.more_texts import Collection, items_of, prompt_of
from engines.accelerator import check_model_folder, load_model
from errors import InputError, run
from files.atomic import check_outputs
from files.manifest import read_jsonl, read_texts, write_jsonl
from options import Parser
from records.writing import versions_of, write_record
from texts.languages import add_language
from texts.normalise import normalise
from texts.spoken import clean_for_tts

TOP_P = 0.95  # mass of the most probable tokens, of which one is drawn (Holtzman et al. 2020)
LISTS = 2  # that are gone on with for each text that is asked for, at most
RECORDED = (
    "number", "prompt", "examples", "temperature", "seed", "batch_size", "min_words",
    "max_duration", "language",
)  # fmt: skip
GGUF = "gguf==0.19.0"


class Writer:
    """A causal language model, its tokenizer, and the files that they are of."""

    def __init__(self, folder: Path, threads: int = 0) -> None:
        if threads:
            torch.set_num_threads(threads)
        quantized = sorted(folder.glob("*.gguf"))
        self.files = quantized[:1] or [*check_model_folder(folder, "tokenizer_config.json")]
        self.files += [] if quantized else sorted(folder.glob("tokenizer.*"))
        options: dict[str, Any] = {"gguf_file": quantized[0].name} if quantized else {}
        try:
            self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, **options)
            self.model = load_model(
                AutoModelForCausalLM, folder, processor(), dtype=torch.float32, **options
            )
        except ImportError as error:
            raise InputError(
                f"{quantized[0] if quantized else folder}: transformers lacks a package"
                f" ({str(error).strip()[:100]}); for .gguf: pip install {GGUF}"
            ) from None
        except InputError:
            raise
        except Exception as error:  # of many kinds, for a file of another kind, or cut off
            raise InputError(
                f"{folder}: no causal language model that transformers can load"
                f" ({type(error).__name__}: {error}); give a folder as the hub has it"
            ) from None
        self.tokenizer.padding_side = "left"
        if self.tokenizer.pad_token is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.longest = getattr(self.model.config, "max_position_embeddings", None)

    def go_on(self, prompts: Sequence[str], temperature: float, seed: int) -> list[str]:
        """Return how each prompt goes on, for as many tokens as the longest of them has."""
        inputs = self.tokenizer(list(prompts), return_tensors="pt", padding=True)
        length = inputs.input_ids.shape[1]
        if self.longest is not None and 2 * length > self.longest:
            raise InputError(
                f"--examples: a list of them has {length} tokens, and with as many that are"
                f" written the model takes {self.longest}; lower it"
            )
        torch.manual_seed(seed)
        with torch.no_grad():
            tokens = self.model.generate(
                input_ids=inputs.input_ids.to(self.model.device),
                attention_mask=inputs.attention_mask.to(self.model.device),
                do_sample=True,
                temperature=temperature,
                top_p=TOP_P,
                top_k=0,
                max_new_tokens=length,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        return list(self.tokenizer.batch_decode(tokens[:, length:], skip_special_tokens=True))


def prompts(
    texts: Sequence[str], heading: str, examples: int, seed: int, batch_size: int
) -> Iterator[list[str]]:
    """Yield batches of prompts without end, each of texts that are drawn by its number."""
    drawn = (
        random.Random(f"{seed}:{number}").sample(texts, min(examples, len(texts)))
        for number in count()
    )
    while True:
        yield [prompt_of(heading, next(drawn)) for _ in range(batch_size)]


def seed_of(seed: int, batch: int) -> int:
    """Return the seed, of 32 bits, with which a batch is written."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{batch}".encode()).digest()[:4], "big")


def new_rows(kept: Sequence[str], rows: Sequence[dict], language: str) -> list[dict]:
    """Return kept texts as rows of the list, with ids that no other row has."""
    domain, taken = rows[0]["domain"], {row["id"] for row in rows}
    ids = (f"{domain}-written-{number:06d}" for number in count(1))
    free = (id for id in ids if id not in taken)
    return [
        {
            "id": next(free),
            "text": text,
            "spoken": clean_for_tts(text, language),
            "domain": domain,
            "generated": True,
        }
        for text in kept
    ]


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the command line's values, checked."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--texts", required=True, type=Path, help="training texts (JSON lines)")
    add("--apart", nargs="+", type=Path, default=[], help="dev and test texts, or manifests")
    add("--model", required=True, type=Path, help="folder of a causal language model")
    add("--number", required=True, type=int, help="of texts to write, at most")
    add("--prompt", default="", help="a line above each list of examples (default: none)")
    add("--examples", type=int, default=8, help="texts in each list (default: 8)")
    add("--temperature", type=float, default=0.7, help="of sampling (default: 0.7)")
    add("--seed", type=int, default=1, help="of examples and sampling (default: 1)")
    add("--batch-size", type=int, default=16, help="lists gone on with at once (default: 16)")
    add("--min-words", type=int, default=1, help="of a text (default: 1)")
    add("--max-duration", type=float, default=30.0, help="of a text, s to say (default: 30)")
    add("--threads", type=int, default=0, help="CPU threads (0: as PyTorch chooses)")
    add_language(parser)
    add("--output", required=True, type=Path, help="training texts, with those that are new")
    options = parser.parse_args(argv)
    for name in ("number", "examples", "batch_size"):
        if (value := getattr(options, name)) < 1:
            raise InputError(f"--{name.replace('_', '-')} {value}: at least 1")
    if not options.temperature > 0:
        raise InputError(f"--temperature {options.temperature}: above 0")
    return options


def main(argv: list[str] | None = None) -> None:
    """Write texts as the command line says."""
    options = parse(argv)
    inputs = [options.texts, *options.apart]
    check_outputs([options.output], [*inputs, options.model])
    rows = read_texts(options.texts)
    if not rows:
        raise InputError(f"{options.texts}: has no texts to show a language model")
    others = [row for path in options.apart for row in read_jsonl(path)]
    texts = [row["text"] for row in rows]
    collection = Collection(
        options.language,
        options.min_words,
        options.max_duration,
        texts,
        {normalise(row["text"], options.language) for row in [*rows, *others]},
    )
    writer = Writer(options.model, options.threads)
    batches = prompts(texts, options.prompt, options.examples, options.seed, options.batch_size)
    for batch in range(-(-LISTS * options.number // options.batch_size)):
        continued = writer.go_on(next(batches), options.temperature, seed_of(options.seed, batch))
        for each in continued:
            collection.take(items_of(each), options.number)
        if len(collection.kept) == options.number:
            break
    reasons = ", ".join(f"{n} {reason}" for reason, n in collection.left_out.most_common())
    told = (
        f"{len(collection.kept)} of {options.number} texts written (left out: {reasons or 'none'})"
    )
    if not collection.kept:
        raise InputError(f"{options.model}: {told}; take another model, or other texts")
    print(told, file=sys.stderr)
    write_jsonl(options.output, [*rows, *new_rows(collection.kept, rows, options.language)])
    write_record(
        __file__,
        [options.output],
        [*inputs, *writer.files],
        {name: getattr(options, name) for name in RECORDED},
        packages=versions_of(["gguf"]),
        device=writer.model.device.type,
        counts={
            "texts": len(rows),
            "generated": len(collection.kept),
            "left_out": dict(sorted(collection.left_out.items())),
        },
    )


if __name__ == "__main__":
    run(main)

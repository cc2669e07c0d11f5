"""Compute speakers' x-vectors from real speech, for SpeechT5's voices, by speechbrain.

The encoder is speechbrain/spkrec-xvect-voxceleb (Apache-2.0; 512-d): a folder with its
embedding_model.ckpt, read without executing pickles. Each vector is the mean of a speaker's
utterances, of length 1.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from computing.processor import processor
from errors import InputError, run
from files.atomic import atomic_path, check_outputs
from files.audio import SAMPLING_RATE, load_audio
from files.checkpoint_file import read_pickled
from files.manifest import read_manifest
from options import Parser
from records.writing import write_record

DIMENSIONS = 512
MEL_BANDS = 24  # as in the encoder's hyperparams.yaml
SHORTEST = 1.0  # s of speech; less says little about a speaker
CHECKPOINT = "embedding_model.ckpt"


def select(rows: Sequence[dict], per: str, most: int | None) -> dict[str, list[dict]]:
    """Return the utterances of each name, a speaker's or an utterance's own, that count.

    Those shorter than ``SHORTEST`` don't; of a speaker's, the first ``most`` in the order given.
    """
    chosen: dict[str, list[dict]] = {}
    for row in rows:
        taken = chosen.setdefault(row["speaker" if per == "speaker" else "id"], [])
        if row["duration"] >= SHORTEST and (most is None or len(taken) < most):
            taken.append(row)
    return chosen


def load_encoder(folder: Path, device: torch.device) -> torch.nn.ModuleDict:
    """Return the features, their normalisation and the network, as published (VoxCeleb recipe)."""
    from speechbrain.lobes.features import Fbank
    from speechbrain.lobes.models.Xvector import Xvector
    from speechbrain.processing.features import InputNormalization

    path = folder / CHECKPOINT
    if not path.is_file():
        raise InputError(f"{path}: no such file; fetch speechbrain/spkrec-xvect-voxceleb")
    encoder = torch.nn.ModuleDict(
        {
            "features": Fbank(n_mels=MEL_BANDS),
            "normalisation": InputNormalization(norm_type="sentence", std_norm=False),
            "network": Xvector(in_channels=MEL_BANDS, lin_neurons=DIMENSIONS),
        }
    )
    try:
        encoder["network"].load_state_dict(read_pickled(path))
    except Exception as error:  # a pickle that is no checkpoint, or another network's
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path}: not the x-vector network ({reason}); fetch speechbrain/spkrec-xvect-voxceleb"
        ) from None
    return encoder.to(device).eval()


@torch.no_grad()
def encode(waveform: np.ndarray, encoder: torch.nn.ModuleDict) -> np.ndarray:
    """Return the x-vector of an utterance: float32 [512], of length 1.

    One by one: in a batch, the silence that fills up the shorter utterances would change theirs.
    """
    audio = torch.from_numpy(waveform)[None].to(next(encoder.parameters()).device)
    whole = torch.ones(1, device=audio.device)  # of the utterance
    torch.manual_seed(0)  # speechbrain's pooling adds a little noise
    features = encoder["normalisation"](encoder["features"](audio), whole)
    vector = encoder["network"](features, whole)[0, 0]
    normalised: np.ndarray = torch.nn.functional.normalize(vector, dim=0).cpu().numpy()
    return normalised


def mean_direction(vectors: np.ndarray) -> np.ndarray:
    """Return the mean of vectors [n, d], scaled to length 1: float32 [d]."""
    mean = vectors.mean(axis=0)
    direction: np.ndarray = (mean / np.linalg.norm(mean)).astype(np.float32)
    return direction


def compute(chosen: dict[str, list[dict]], encoder: torch.nn.ModuleDict) -> dict[str, np.ndarray]:
    """Return the vector of each name that has utterances."""
    vectors = {}
    for name, rows in sorted(chosen.items()):
        if rows:
            encoded = [encode(load_audio(row["audio_filepath"]), encoder) for row in rows]
            vectors[name] = mean_direction(np.stack(encoded))
            print(f"{name}: {len(rows)} utterances", file=sys.stderr)
    return vectors


def read_manifests(paths: Sequence[Path], per: str) -> list[dict]:
    """Return the utterances of all manifests; ``InputError`` if audio is missing or ids repeat."""
    rows = [row for path in paths for row in read_manifest(path)]
    missing = [row for row in rows if not Path(row["audio_filepath"]).is_file()]
    if missing:
        raise InputError(
            f"the audio of {len(missing)} utterances is missing, first"
            f" {missing[0]['audio_filepath']} of {missing[0]['id']!r}; make the manifest again"
        )
    seen: set[str] = set()
    for row in rows:
        if per == "utterance" and row["id"] in seen:
            raise InputError(f"--manifest: id {row['id']!r} is in two of them; give each once")
        seen.add(row["id"])
    return rows


def main(argv: list[str] | None = None) -> None:
    """Compute x-vectors as the command line says."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--manifest", required=True, nargs="+", type=Path, help="real speech, JSON lines")
    add("--encoder", required=True, type=Path, help=f"folder with {CHECKPOINT}")
    add(
        "--per",
        choices=("speaker", "utterance"),
        default="speaker",
        help="what has a vector, and names it (default speaker)",
    )
    add("--max-utterances", type=int, help="of each speaker, at most, the first (default all)")
    add("--threads", type=int, default=1, help="threads on a CPU (default 1)")
    add("--output", required=True, type=Path, help="safetensors: float32 [512] for each name")
    options = parser.parse_args(argv)
    for name in ("max_utterances", "threads"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise InputError(f"--{name.replace('_', '-')} {value}: at least 1")
    check_outputs([options.output], [*options.manifest, options.encoder])
    rows = read_manifests(options.manifest, options.per)
    chosen = select(rows, options.per, options.max_utterances)
    without = sorted(name for name, taken in chosen.items() if not taken)
    if len(without) == len(chosen):
        raise InputError(
            f"{options.manifest[0]}: no utterance of {len(rows)} has {SHORTEST} s or more; give"
            " manifests with longer speech"
        )
    torch.set_num_threads(options.threads)
    device = processor()
    encoder = load_encoder(options.encoder, device)
    vectors = compute(chosen, encoder)
    from safetensors.numpy import save_file

    with atomic_path(options.output) as temporary:
        save_file(vectors, temporary)
    print(
        f"{len(vectors)} x-vectors; {len(without)} of {len(chosen)} {options.per}s have none, for"
        f" want of an utterance of {SHORTEST} s" + (f", first {without[0]!r}" if without else ""),
        file=sys.stderr,
    )
    write_record(
        __file__,
        [options.output],
        [*options.manifest, options.encoder / CHECKPOINT],
        {"per": options.per, "max_utterances": options.max_utterances},
        device=str(device),
        sampling_rate=SAMPLING_RATE,
        counts={
            "vectors": len(vectors),
            "utterances": sum(map(len, chosen.values())),
            "without": len(without),
        },
    )


if __name__ == "__main__":
    run(main)

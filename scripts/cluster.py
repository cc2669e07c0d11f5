"""Keep the utterances of one of several clusters of speakers, by k-means of their x-vectors.

So each cluster can have models, and a task vector, of its own: the mean of several corrects
pseudo-labels of whoever speaks (Pseudo2Real-SC; Lin et al. 2025, 2510.08047). Nothing is drawn: the
first centre is the speaker nearest to the mean of all, each further one the speaker farthest from
those before. Utterances of speakers without an x-vector are left out.
"""

import argparse
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from errors import InputError, run
from files.atomic import check_outputs
from files.audio_file import UNKNOWN_SPEAKER
from files.checkpoint_file import read_tensors
from files.manifest import read_manifest, write_jsonl
from options import Parser
from records.writing import write_record

MOST_ROUNDS = 100  # of k-means, which has long settled by then


def distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the squared distance of each point [n, d] from each centre [k, d]: [n, k]."""
    squared: np.ndarray = ((points[:, None] - centres[None]) ** 2).sum(axis=2)
    return squared


def kmeans(points: np.ndarray, count: int) -> np.ndarray:
    """Return the cluster, 0 to ``count`` - 1, of each point: int64 [n], of float64 [n, d].

    A cluster that loses all its points keeps its centre.
    """
    chosen = [int(distances(points, points.mean(axis=0)[None]).argmin())]
    while len(chosen) < count:
        chosen.append(int(distances(points, points[chosen]).min(axis=1).argmax()))
    centres, before = points[chosen], None
    for _ in range(MOST_ROUNDS):
        nearest: np.ndarray = distances(points, centres).argmin(axis=1)
        if before is not None and (nearest == before).all():
            break
        before = nearest
        for cluster in set(nearest.tolist()):
            centres[cluster] = points[nearest == cluster].mean(axis=0)
    return nearest


def clusters(vectors: Mapping[str, np.ndarray], count: int) -> dict[str, int]:
    """Return the cluster of each speaker, 1 to ``count``."""
    names = sorted(vectors)
    points = np.stack([vectors[name].astype(np.float64) for name in names])
    return {
        name: int(cluster) + 1 for name, cluster in zip(names, kmeans(points, count), strict=True)
    }


def check_speakers(vectors: Mapping[str, np.ndarray], count: int, path: Path) -> None:
    """Raise ``InputError`` for speakers of whom no such clusters can be made."""
    if UNKNOWN_SPEAKER in vectors:
        raise InputError(
            f"{path}: some utterances are of nobody known, and clusters are of speakers; name them"
            " in the manifest (speaker), or leave out vectors of clusters"
        )
    if len(vectors) < count:
        raise InputError(
            f"{path}: has {len(vectors)} speakers, too few for {count} clusters; ask for fewer, or"
            " leave out vectors of clusters"
        )


def main(argv: list[str] | None = None) -> None:
    """Keep the utterances of the cluster that the command line names."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--speakers", type=Path, required=True, help="x-vectors of speakers (see xvectors.py)")
    add("--manifest", type=Path, required=True, help="their utterances")
    add("--clusters", type=int, required=True, help="how many clusters there are")
    add("--cluster", type=int, required=True, help="the one whose utterances are kept, from 1 on")
    add("--output", type=Path, required=True, help="manifest to write")
    options = parser.parse_args(argv)
    if not 1 <= options.cluster <= options.clusters:
        raise InputError(f"--cluster {options.cluster}: give 1 to {options.clusters}")
    inputs = [options.speakers, options.manifest]
    check_outputs([options.output], inputs)
    vectors = read_tensors(options.speakers, "make it with xvectors.py")
    rows = read_manifest(options.manifest)
    check_speakers(vectors, options.clusters, options.speakers)
    cluster_of = clusters(vectors, options.clusters)
    found = Counter(cluster_of.get(row["speaker"], 0) for row in rows)
    if not found[options.cluster]:
        raise InputError(
            f"{options.manifest}: has no utterance of cluster {options.cluster} of"
            f" {options.clusters}; ask for fewer clusters"
        )
    write_jsonl(
        options.output, [row for row in rows if cluster_of.get(row["speaker"]) == options.cluster]
    )
    speakers = Counter(cluster_of.values())
    counts = {"utterances": found[options.cluster], "speakers": speakers[options.cluster]}
    print(f"{options.output}: {counts['utterances']} of {len(rows)} utterances; {found[0]} have no"
          " x-vector")  # fmt: skip
    write_record(
        __file__,
        [options.output],
        inputs,
        {"clusters": options.clusters, "cluster": options.cluster},
        counts=counts | {"without": found[0]},
    )


if __name__ == "__main__":
    run(main)

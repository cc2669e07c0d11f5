"""Utterances parted by clusters of their speakers: k-means of x-vectors."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

import cluster
from errors import InputError
from files.manifest import read_manifest, write_jsonl

ROW = {"audio_filepath": "a.flac", "duration": 2.0, "text": "go", "domain": "desk"}
PLACES = {"ann": 0.0, "bob": 1.0, "cy": 10.0, "di": 12.0}  # of x-vectors, on a line


def vectors(**places: float) -> dict[str, np.ndarray]:
    return {name: np.array([place, 0], np.float32) for name, place in places.items()}


def test_speakers_that_are_near_to_each_other_are_one_cluster():
    assert cluster.clusters(vectors(**PLACES), 2) == {"ann": 2, "bob": 2, "cy": 1, "di": 1}
    assert cluster.clusters(vectors(**PLACES), 3) == {"ann": 2, "bob": 2, "cy": 1, "di": 3}
    assert len(set(cluster.clusters(vectors(**PLACES), 4).values())) == 4


def test_centres_move_to_the_mean_of_their_points_until_none_changes_its_own():
    """From 8, the nearest to the mean, and 20: 14 is as near to 8, then farther from 6.75."""
    points = np.array([[0.0], [5.0], [8.0], [14.0], [20.0]])
    assert cluster.kmeans(points, 2).tolist() == [0, 0, 0, 1, 1]


def made(folder: Path, rows: list[dict], speakers: dict[str, np.ndarray], *options: str) -> list:
    """Return the ids that the command keeps of some utterances."""
    save_file(speakers, folder / "speakers.safetensors")
    write_jsonl(folder / "rows.jsonl", rows)
    files = [f"--speakers={folder}/speakers.safetensors", f"--manifest={folder}/rows.jsonl"]
    cluster.main([*files, f"--output={folder}/kept.jsonl", *options])
    return [row["id"] for row in read_manifest(folder / "kept.jsonl")]


def test_each_utterance_is_in_the_cluster_of_its_speaker_and_those_without_a_vector_in_none(
    tmp_path, capsys
):
    names = ("ann", "di", "eve", "bob", "cy")
    rows = [ROW | {"id": f"u{n}", "speaker": name} for n, name in enumerate(names)]
    of_both = [
        made(tmp_path, rows, vectors(**PLACES), "--clusters=2", f"--cluster={n}") for n in (1, 2)
    ]
    assert of_both == [["u1", "u4"], ["u0", "u3"]]
    assert "2 of 5 utterances; 1 have no x-vector" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("speakers", "options", "message"),
    [
        ({"ann": 0, "unknown": 1}, ["--clusters=2"], "some utterances are of nobody known"),
        (PLACES, ["--clusters=5"], r"has 4 speakers, too few for 5 clusters; .* \(clusters4\)"),
        ({"di": 0, "eve": 9}, ["--clusters=2"], "has no utterance of cluster 1 of 2"),
        (PLACES, ["--clusters=2", "--cluster=3"], "--cluster 3: give 1 to 2"),
    ],
)
def test_clusters_that_can_not_be_are_refused(tmp_path, speakers, options, message):
    rows = [ROW | {"id": "u0", "speaker": "eve"}]
    with pytest.raises(InputError, match=message):
        made(tmp_path, rows, vectors(**speakers), "--cluster=1", *options)

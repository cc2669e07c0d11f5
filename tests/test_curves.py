"""The curves of a training run: what is drawn, and that the training stays as it is."""

import sys
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

import finetune
from conftest import ROOT
from errors import InputError
from tiny import finetune_command, write_speech, write_whisper
from training.curves import check_tensorboard, curves


class Writer:
    """A SummaryWriter that keeps what it is given."""

    made: list["Writer"] = []

    def __init__(self, folder: str, purge_step: int):
        self.folder, self.purge_step, self.closed = folder, purge_step, False
        self.points: list[tuple[str, float, int]] = []
        Writer.made.append(self)

    def add_scalar(self, *point) -> None:
        self.points.append(point)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def writers(monkeypatch) -> list[Writer]:
    monkeypatch.setattr(Writer, "made", [])
    monkeypatch.setitem(
        sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer)
    )
    monkeypatch.setattr(torch.utils, "tensorboard", None, raising=False)
    return Writer.made


def test_a_training_draws_loss_and_dev_evaluations_and_learns_the_same(tmp_path, writers):
    write_whisper(tmp_path / "base")
    write_speech(tmp_path, "train", 8)
    write_speech(tmp_path, "dev", 2, seed=1)
    usual = {"model": tmp_path / "base", "epochs": 2, "batch_size": 4}
    plain, drawn = tmp_path / "plain", tmp_path / "drawn"
    finetune.main(finetune_command(tmp_path, plain, **usual))
    assert writers == []
    folder = str(tmp_path / "curves")
    finetune.main(finetune_command(tmp_path, drawn, **usual, tensorboard=folder))
    [writer] = writers
    steps = {
        name: [at for each, _, at in writer.points if each == name] for name, *_ in writer.points
    }
    assert steps == {"loss": [1, 2, 3, 4], "learning rate": [1, 2, 3, 4], "dev loss": [2, 4]}
    assert (writer.folder, writer.purge_step, writer.closed) == (folder, 1, True)
    weights = [load_file(each / "model.safetensors") for each in (plain, drawn)]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    assert {path.name for path in plain.iterdir()} == {path.name for path in drawn.iterdir()}


def test_what_was_drawn_beyond_the_step_at_which_a_run_goes_on_is_purged(writers):
    with curves("folder") as draw:
        draw("loss", 0.5, 7)
    assert [(writer.purge_step, writer.points) for writer in writers] == [(7, [("loss", 0.5, 7)])]


def test_without_its_package_tensorboard_is_refused_with_the_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"pip install tensorboard==2.20.0, or set"):
        check_tensorboard()


def test_where_curves_lie_is_no_parameter_of_the_rule_so_that_to_look_reruns_nothing():
    rule = (ROOT / "rules/finetune.smk").read_text()
    parameters = rule.partition("params:")[2].partition("shell:")[0]
    assert "--tensorboard={resources.curves:q}" in rule and "curves" not in parameters

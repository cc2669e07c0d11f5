"""The checked config, and the names that may stand in file names."""

import functools
import gc
import json
import os
import signal
import sys

from snakemake_interface_executor_plugins.settings import ExecMode

# A plan's objects live as long as it: looking for dead ones took an eighth of its time.
gc.set_threshold(100_000, 10, 10)

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

import adaptations
import addresses
from names import one_of
from records.code_version import code_version as hash_of_code
from errors import InputError
from configs import reading, user_files
from runs.forward_sigterm import forward_sigterm
from runs.words import command_of_number
import groups
import matrix
import methods
import modules
import paths
import places
import roles
from runs.guard import begin_run
from runs.log import follow

try:  # what is read of the files is what was checked, and not what Snakemake read of them
    config = reading.read(workflow.configfiles, workflow.config_settings.config)
    config = addresses.hide(config, os.environ)
    if workflow.exec_mode == ExecMode.DEFAULT:  # once, and not for each job
        for remark in user_files.check_files(config["domains"], config["language"]):
            print(remark, file=sys.stderr)
        if config["tensorboard"]:
            from training.curves import check_tensorboard  # which takes PyTorch

            check_tensorboard()
except InputError as error:
    files, overrides = workflow.configfiles, workflow.config_settings.config
    raise WorkflowError(reading.with_line(str(error), files, overrides))

if workflow.exec_mode == ExecMode.DEFAULT:
    run_log = follow(workflow, config)
    # Only the keyboard sends SIGINT to its jobs, too.
    forward_sigterm(signal.SIGINT, signal.SIGTERM, tell=run_log.interrupt)
else:
    forward_sigterm(signal.SIGTERM)  # this is the Snakemake of a job, which SLURM may stop


pathvars:
    experiment=f"results/{config['name']}",
    results=matrix.results_folder(config),
    logs=f"logs/{config.get('shared', config['name'])}",


SCRIPTS = Path(workflow.basedir) / "scripts"
RESULTS = matrix.results_folder(config)
SCALES = [paths.coefficient(scale) for scale in config["task_vector"]["scaling_coefficients"]]
WITH_RECORDINGS = [
    name for name, domain in config["domains"].items() if not roles.is_text_only(domain)
]
TEXT_ONLY = [name for name in config["domains"] if name not in WITH_RECORDINGS]
WITH_TEST_TEXTS = [
    name for name, domain in config["domains"].items() if roles.has_test_texts(domain)
]
WITH_TEST_RECORDINGS = [
    name for name, domain in config["domains"].items() if roles.has_test_recordings(domain)
]
AUGMENTED = [name for name, domain in config["domains"].items() if domain.get("augmentation")]
TRAINING_TTS = roles.training_tts(config)
GROUPS = roles.groups(config)
POOLED = [group for group in GROUPS if group not in config["domains"]]


def record_of(outputs):
    """Return the lineage record that a stage writes beside an output, or those beside several."""
    if isinstance(outputs, str):
        return f"{outputs}.lineage.json"
    return [record_of(output) for output in outputs]


TTS = one_of(config["tts"])
TRANSCRIBED = f"{paths.REAL}|{TTS}"  # speech whose texts are known
PSEUDO = one_of(paths.labelled_by(base) for base in config["base_models"])
ANOTHER_SCALE = f"(?!(?:{one_of(SCALES)})/){paths.NUMBER}"  # one that no sweep is asked for
HEARD = one_of([*config["domains"], *POOLED])
CLUSTERS = matrix.clusters(config)
OF_SOURCE = [*GROUPS, *WITH_RECORDINGS, *CLUSTERS]  # what task vectors are of
TRAINING_DATA = paths.TrainingData.pattern([*GROUPS, *config["domains"], *CLUSTERS], config["tts"])


wildcard_constraints:
    artifact=one_of(config["artifacts"]),
    base=one_of(config["base_models"]),
    domain=one_of(config["domains"]),
    group=one_of(OF_SOURCE),
    speech=f"{roles.JUDGED}|{TRANSCRIBED}|{PSEUDO}",
    tts=TTS,
    split="train|dev|test",
    data=TRAINING_DATA,
    first=TRAINING_DATA,
    model=paths.Model.TRAINED,
    modules=modules.SEVERAL,
    aids=paths.Aids.pattern(config["domains"]),
    adaptation=adaptations.NAME,
    vector=paths.TaskVector.pattern(OF_SOURCE, config["tts"]),
    unmerged=paths.TaskVector.unmerged(OF_SOURCE, config["tts"]),
    method=methods.METHOD,
    scale=paths.NUMBER,
    seed=paths.SEED,
    shard=r"\d+",
    shards=r"\d+",


@functools.cache
def code_version(script: str, *more: str) -> str:
    """Return the hash of a script's logic: as a parameter of a rule, it reruns what it touches."""
    return hash_of_code(SCRIPTS / script, *more)


def guard_run() -> None:
    """Hold the experiment's lock from here on; its file stays open as long as the process lives.

    From here on SIGTERM is Ctrl-C: Snakemake's own handler waits for a lock that may be held by the
    thread which it interrupts, while that chooses the next jobs.
    """
    global run_lock
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_lock = begin_run(
            f"logs/{config.get('shared', config['name'])}",
            getattr(workflow.scheduler._executor, "run_uuid", None),
        )
    except InputError as error:
        raise WorkflowError(str(error))

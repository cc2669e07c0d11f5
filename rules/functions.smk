"""What the rules' inputs, parameters and environments depend on, beyond their wildcards."""

from dataclasses import replace

from domains.domain import NOT_PREPARED, named_paths
from engines import ENGINES
from evaluation import Evaluation
from inputs.folders import files_of
from inputs.sounds import audio_files
from places import Hypotheses, TrainingTexts
from runs import estimates, sizes
from runs.shards import number_of_shards, seconds_per_utterance
from scoring.summary import shipped
from training.settings import Settings as TrainingSettings


def as_json(settings):
    """Return a function that gives as JSON what ``settings`` gives for some wildcards.

    Of a function's text Snakemake takes no brace for a wildcard.
    """
    return lambda wildcards: json.dumps(settings(wildcards), sort_keys=True)


def whole_config(wildcards) -> str:
    """Return the config as JSON, but for the exports, which change nothing else."""
    return json.dumps({k: v for k, v in config.items() if k != "exports"}, sort_keys=True)


def domain_declaration(wildcards) -> str:
    """Return a domain as ``prepare`` is told of it."""
    domain = config["domains"][wildcards.domain]
    return json.dumps({k: v for k, v in domain.items() if k not in NOT_PREPARED}, sort_keys=True)


def untranscribed_declaration(wildcards) -> dict:
    """Return a domain's untranscribed recordings as ``collect`` is told of them."""
    domain = config["domains"][wildcards.domain]
    told = ["min_duration", "max_silence", "max_clipping", "skip_missing_audio"]
    told += [] if "artifact" in domain else ["licence", "forbids"]
    return {"recordings": domain[roles.UNTRANSCRIBED]} | {k: domain[k] for k in told if k in domain}


def declaration_to_learn(wildcards) -> dict:
    """Return the same of recordings to learn from, which a training hears whole."""
    return untranscribed_declaration(wildcards) | {"max_duration": config["window"]}


def size_of_untranscribed(wildcards) -> list[int]:
    """Return number and bytes of a folder's recordings: of those below it Snakemake sees nothing."""
    folder = Path(config["domains"][wildcards.domain][roles.UNTRANSCRIBED])
    sizes_below = [path.stat().st_size for path in audio_files(folder)] if folder.is_dir() else []
    return [len(sizes_below), sum(sizes_below)]


def share_for_verdict(wildcards) -> list[str]:
    """Return how much of a domain's untranscribed recordings the verdict may take: half, if others
    are learnt from, and none without a judge."""
    if not roles.learns_from_untranscribed(config, wildcards.domain):
        return []
    return ["--share", "0.5" if "judge" in config else "0"]


def recordings_to_label(wildcards) -> str:
    """Return the recordings of a split that a base model labels: the domain's own, if it has any."""
    if roles.is_text_only(config["domains"][wildcards.domain]):
        return f"<results>/untranscribed/{wildcards.domain}-{wildcards.split}.jsonl"
    return f"<results>/manifests/{wildcards.domain}/{paths.REAL}/{wildcards.split}.jsonl"


JUDGE = config["filter"]["base_model"]  # of synthetic speech


def base_of(wildcards) -> str:
    """Return the name of a rule's base model: one of the arms', or the judge of synthetic speech."""
    return wildcards.get("base", JUDGE)


def base_model(wildcards) -> dict:
    """Return the config of a rule's base model."""
    return config["base_models"][base_of(wildcards)]


def prompt(wildcards) -> dict:
    """Return what a base model is prompted with, and nothing of how it is trained."""
    return {"language": config["language"], "task": base_model(wildcards)["task"]}


def encodings(wildcards) -> list[str]:
    """Return the option that keeps the encoder's outputs, where all models share the encoder."""
    finetune = base_model(wildcards)["finetune"]
    shared = modules.keeps_encoder(finetune["trained"]) and not finetune["spec_augment"]
    if not shared or not config["keep_encodings"]:
        return []
    return ["--encodings", f"{RESULTS}/encodings/{base_of(wildcards)}"]


def curves(wildcards) -> str:
    """Return the folder of a training run's curves, or nothing.

    It is a resource, and no parameter: to look on reruns no training.
    """
    if not config["tensorboard"]:
        return ""
    after = f"-after-{wildcards.first}" if "first" in wildcards.keys() else ""
    return f"{RESULTS}/curves/{wildcards.base}/{wildcards.data}{after}/seed{wildcards.seed}"


def transcription_window(wildcards) -> float:
    """Return the window (s) in which speech is transcribed: that of all arms, or the filter's."""
    by_a_base_model = "base" in wildcards.keys()  # and not by the judge of synthetic speech
    return config["decoding_window"] if by_a_base_model else config["filter"]["window"]


def index_of(artifact: str) -> str:
    """Return the file that lists an artifact's fetched files."""
    return f"resources/{artifact}/files.json"


def environment_of_tts(wildcards) -> str:
    """Return the environment of a TTS engine: Coqui's has many packages that nothing else needs."""
    return f"../envs/{ENGINES[config['tts'][wildcards.tts]['engine']].environment}.yaml"


def files_of_domain(wildcards) -> list[str]:
    """Return the files that a domain is made from: a fetched corpus, or the user's own."""
    domain = config["domains"][wildcards.domain]
    if "artifact" in domain:
        return [index_of(domain["artifact"])]
    return [str(file) for path in named_paths(domain) for file in files_of(path)]


def corpus_folder(wildcards, input) -> list[str]:
    """Return prepare's option for the folder of a fetched corpus, if the domain has one."""
    if "artifact" not in config["domains"][wildcards.domain]:
        return []
    return ["--artifact", str(Path(input[0]).parent)]


def shards_of(name: str, split: str | None = None):
    """Return a function that gives the files called ``name`` of all shards of a split.

    The split is that of the wildcards, unless it is given.
    """

    def shards(wildcards):
        of_speech = {**wildcards, "split": split or wildcards.split}
        count = 1
        if of_speech["split"] == "train":
            domain, tts = config["domains"][wildcards.domain], config["tts"][wildcards.tts]
            count = number_of_shards(domain, tts)
        path = f"<results>/synthesized/{{domain}}/{{tts}}/{{split}}/{name}"
        return expand(path, **of_speech, shard=range(1, count + 1), shards=count)

    return shards


def checkpoint(model: str):
    """Return a function that gives a model's weights; the pretrained one has the seed 0 only."""

    def weights(wildcards):
        name = paths.Model.parse(model.format(**wildcards))
        place = paths.Checkpoint.for_seed(wildcards.base, name, int(wildcards.seed))
        return f"<results>/{place}/model.safetensors"

    return weights


def repeated(flag: str, files: str):
    """Return a function that gives an option once for each file of a named input."""
    return lambda wildcards, input: [part for path in input[files] for part in (flag, path)]


def training_manifests(split: str):
    """Return a function that gives the manifests of a data set: one for each kind of speech."""

    def manifests(wildcards):
        data = paths.TrainingData.parse(wildcards.data)
        of_data = data.manifests(split, wildcards.base)
        if split == "dev" and base_model(wildcards)["finetune"]["selected_on"] == "real":
            of_data = [paths.Manifest(groups.whole_group(data.group), paths.REAL, split)]
        return [f"<results>/{manifest}" for manifest in of_data]

    return manifests


def manifests_of_fisher(wildcards) -> list[str]:
    """Return the recordings of the source to which EWC holds a model of a target, if it does."""
    if "ewc_weight" not in finetune_settings(wildcards):
        return []
    target = paths.TrainingData.parse(wildcards.data).group
    manifest = paths.Manifest(roles.source_group(config, target), paths.REAL, "train")
    return [f"<results>/{manifest}"]


def options_of_manifests(wildcards, input) -> list[str]:
    """Return the options of what is trained on, replayed in part, and of what EWC holds to.

    What is replayed comes last, and is trained on like the rest where there is no ratio.
    """
    flags = ["--train"] * len(input.train)
    if "replay" in finetune_settings(wildcards):
        flags[-1] = "--replayed"
    pairs = [*zip(flags, input.train), *(("--fisher", path) for path in input.fisher)]
    return [part for pair in pairs for part in pair]


def vectors_to_merge(wildcards) -> list[str]:
    """Return the task vectors that a method merges: of each domain, TTS or cluster, or just one."""
    vector = paths.TaskVector.parse(wildcards.unmerged)
    of_each = [vector]
    if vector.clusters:
        of_clusters = groups.Cluster.all(vector.group, vector.clusters)
        of_each = [paths.TaskVector(cluster, vector.speech) for cluster in of_clusters]
    elif vector.each:
        domains = roles.domains_of(config, vector.group)
        of_each = [paths.TaskVector(domain, vector.speech) for domain in domains]
    elif vector.speech == paths.ENGINES:
        of_each = [paths.TaskVector(vector.group, tts) for tts in TRAINING_TTS]
    base, seed = wildcards.base, int(wildcards.seed)
    return [f"<results>/{places.VectorFile(base, each, seed)}" for each in of_each]


def method_version(wildcards) -> str:
    """Return the hash of the logic of merging by one method."""
    return code_version("merge.py", f"merging/{methods.method_of(wildcards.method).name}.py")


def adaptation_version(wildcards) -> str:
    """Return the hash of the logic of transcribing with one method of test-time adaptation."""
    return code_version("transcribe.py", f"adaptation/{wildcards.adaptation}.py")


def task_vector_option(input, scales: list[str]) -> list[str]:
    """Return the options that add a task vector, with each of some scaling coefficients."""
    return ["--task-vector", input.vector, "--scaling-coefficient", *scales]


def files_of_aids(kind: str):
    """Return a function that gives the file of ``terms`` or ``texts``, if a decoder is led by it."""
    return lambda wildcards: matrix.files_of_aids(config, paths.Aids.parse(wildcards.aids))[kind]


def options_of_aids(wildcards, input) -> list[str]:
    """Return the options that lead a decoder: files, and how strongly."""
    strengths, options = config["decoding"], []
    if input.terms:
        options += ["--terms", *input.terms, "--terms-bonus", str(strengths["terms_bonus"])]
    if input.texts:
        options += ["--texts", *input.texts, "--texts-weight", str(strengths["texts_weight"])]
    return options


@functools.cache
def evaluations() -> list[Evaluation]:
    """Return the experiment's matrix (see scripts/matrix.py), made once: each job reads the rules."""
    return list(matrix.evaluations(config))


def delivered(file: str):
    """Return a file of each delivered checkpoint: those named by hand, or those of the verdicts.

    The latter are known when the summary is there.
    """
    if not matrix.is_named_by_hand(config):
        return lambda wildcards: [f"{folder}/{file}" for folder in shipped_by_verdicts()]
    return [
        f"<results>/{paths.Checkpoint(base, matrix.delivered(config, target, tts), seed)}/{file}"
        for base in matrix.delivering(config)
        for target in config["targets"]
        for tts in TRAINING_TTS
        for seed in config["seeds"]
    ]


def shipped_by_verdicts() -> list[str]:
    """Return the folders of the checkpoints that the summary's verdicts ship.

    One that cannot be read, of an older version, say, ends Snakemake with one message: of what an
    input function raises it shows a traceback.
    """
    summary = Path(checkpoints.summarize.get().output.json)
    try:
        return shipped(summary)
    except InputError as error:
        sys.exit(str(error))


def target_of(wildcards) -> str:
    """Return the target of a delivered model: of what it was trained on, or what leads its decoder."""
    model = paths.Model.parse(wildcards.name)
    return model.aids.domain if model.aids else model.data.group


def test_utterances(wildcards) -> paths.Manifest:
    """Return on what a model's exports are measured: its target's test set, or synthetic dev speech."""
    target = target_of(wildcards)
    for speech in roles.test_speech(config, target):
        return paths.Manifest(target, speech, "test")
    return paths.Manifest(target, roles.evidence_tts(config), "dev")


def hypotheses_to_compare(wildcards) -> str:
    """Return what a checkpoint writes of the utterances that its exports are measured on.

    It is led by nothing, as its exports are.
    """
    model = replace(paths.Model.parse(wildcards.name), aids=None)
    place = Hypotheses(wildcards.base, model, int(wildcards.seed), test_utterances(wildcards))
    return f"{RESULTS}/{place}"


def key_terms_of_target(wildcards) -> list[str]:
    """Return the key terms of a model's target, if the experiment lists them for an arm."""
    if not any("terms" in arm.split("+") for arm in config["arms"]):
        return []
    of_terms = paths.Aids(target_of(wildcards), terms=True, lm=False)
    return matrix.files_of_aids(config, of_terms)["terms"]


def pronunciations_of_target(wildcards) -> list[str]:
    """Return the file of how words of a model's target are said, if key terms go with it."""
    path = config["domains"][target_of(wildcards)].get("pronunciations")
    return [path] if path and key_terms_of_target(wildcards) else []


def engine_version(wildcards) -> str:
    """Return the hash of the logic of the synthesis with one engine."""
    engine = config["tts"][wildcards.tts]["engine"]
    return code_version("synthesize.py", f"engines/{engine}.py")


def reader_version(wildcards) -> str:
    """Return the hash of the logic that prepares a domain, its corpus's reader included."""
    corpus = config["domains"][wildcards.domain].get("corpus")
    return code_version("prepare.py", *([f"corpora/{corpus}.py"] if corpus else []))


def tts_settings(wildcards) -> dict:
    """Return what a synthesis is told of its engine: a parameter that changes reruns it."""
    tts = config["tts"][wildcards.tts]
    told = ("engine", "voices", "samples_per_text", "batch_size", "precision", "seed")
    settings = {key: tts[key] for key in (*told, "max_failures")}
    settings["samples_per_text"] = roles.samples_per_text(tts, wildcards.split)
    return settings | {"voices": roles.voices_of(tts, wildcards.split)}


def speakers(wildcards) -> list[str]:
    """Return where the speakers that a TTS imitates are, if it is given any."""
    named = config["tts"][wildcards.tts].get("speakers")
    if named is None:
        return []
    return [
        f"<results>/speakers/{wildcards.tts}.safetensors" if named == "source" else index_of(named)
    ]


def training_texts(domain: str, which: str) -> str:
    """Return the file of a domain's training texts (see ``TrainingTexts``)."""
    return f"<results>/{TrainingTexts(domain, which)}"


def texts_to_speak(wildcards) -> str:
    """Return the texts of a domain's split that a TTS speaks."""
    if wildcards.split != "train":
        return f"<results>/texts/{wildcards.domain}/{wildcards.split}.jsonl"
    spoken = roles.texts_spoken(config["domains"][wildcards.domain])
    return training_texts(wildcards.domain, spoken)


def texts_to_select_of(wildcards) -> str:
    """Return the training texts of which some are selected: with those that are written, if any."""
    written = "generate" in config["domains"][wildcards.domain]
    return training_texts(wildcards.domain, "written" if written else "train")


def selection(wildcards) -> dict:
    """Return how texts of a domain are selected."""
    return config["domains"][wildcards.domain]["select"]


def texts_of_source(wildcards) -> list[str]:
    """Return the training texts of a target's source, if those of the target are to be unlike."""
    if selection(wildcards)["by"] != "unlike_source":
        return []
    source = roles.domains_of(config, roles.source_group(config, wildcards.domain))
    return [training_texts(name, "train") for name in source]


def bounds_of_texts(wildcards) -> dict:
    """Return what bounds a domain's texts."""
    domain = config["domains"][wildcards.domain]
    return {key: domain[key] for key in ("min_words", "max_duration")}


def texts_apart(wildcards) -> list[str]:
    """Return a domain's dev and test texts, which no language model may write again."""
    name = wildcards.domain
    apart = [f"<results>/texts/{name}/dev.jsonl"]
    if name in WITH_TEST_TEXTS:
        apart.append(f"<results>/texts/{name}/test.jsonl")
    if name in [*WITH_RECORDINGS, *WITH_TEST_RECORDINGS]:
        apart.append(f"<results>/manifests/{name}/real/test.jsonl")
    return apart


def pronunciations(wildcards) -> list[str]:
    """Return the file of how a domain's words are said, if it has one."""
    path = config["domains"][wildcards.domain].get("pronunciations")
    return [path] if path else []


def options_of_tts(wildcards, input) -> list[str]:
    """Return the options that not every synthesis has, where the config gives them."""
    tts = config["tts"][wildcards.tts]
    about = ENGINES[tts["engine"]]
    options = ["--language", tts["language"]] if about.takes_language else []
    options += [part for k in about.own_settings if k in tts for part in (f"--{k}", str(tts[k]))]
    if "speed_range" in tts:
        options += ["--speed-range", *map(str, tts["speed_range"])]
    for path in input.speakers:  # a file, or the index of a fetched folder
        options += ["--speakers", str(Path(path).parent) if path.endswith(".json") else path]
    for path in input.pronunciations:
        options += ["--pronunciations", path]
    return options


def augmentation(wildcards) -> dict:
    """Return what is done to the synthetic speech of a domain's split."""
    settings = dict(config["domains"][wildcards.domain]["augmentation"])
    of_dev = settings.pop("dev", settings)
    return of_dev if wildcards.split == "dev" else settings


def augmentation_settings(wildcards) -> str:
    """Return the same as JSON, without the artifacts, whose folders are options of their own."""
    settings = {
        kind: (
            {key: value for key, value in of_kind.items() if key != "artifact"}
            if isinstance(of_kind, dict)
            else of_kind
        )
        for kind, of_kind in augmentation(wildcards).items()
    }
    return json.dumps(settings, sort_keys=True)


def folders(flag: str, files: str):
    """Return a function that gives an option for the folder of each index of a named input."""
    return lambda wildcards, input: [
        part for path in input[files] for part in (flag, str(Path(path).parent))
    ]


def folder_of(kind: str):
    """Return a function that gives the index of the recordings that an augmentation adds, if any."""

    def index(wildcards):
        artifact = augmentation(wildcards).get(kind, {}).get("artifact")
        return [index_of(artifact)] if artifact else []

    return index


def channels_imitated(wildcards) -> list[str]:
    """Return the file of the channels that synthetic speech is made like, if any."""
    if "like_source" not in augmentation(wildcards):
        return []
    return [f"<results>/channels/{roles.imitated_group(config, wildcards.domain)}.jsonl"]


def finetune_settings(wildcards) -> dict:
    """Return the settings of a training run, and no others: one that changes reruns it."""
    settings, data = base_model(wildcards)["finetune"], paths.TrainingData.parse(wildcards.data)
    if data.mixed:
        settings = settings | settings["mixed"]
    if "first" in wildcards.keys():
        rate = settings["learning_rate"] * settings["continued_learning_rate_factor"]
        settings = settings | {"learning_rate": rate}
    settings = settings | {key: config[key] for key in ("window", "precision", "max_length")}
    settings["task"] = base_model(wildcards)["task"]
    uses = {"ia3": True, "replay": data.replayed, "ewc_weight": data.group in config["targets"]}
    unused = {key for key, is_of_use in uses.items() if not (is_of_use and settings.get(key))}
    known = TrainingSettings.__dataclass_fields__.keys() - unused
    return {key: value for key, value in settings.items() if key in known}


def filter_bounds(wildcards) -> dict:
    """Return the bounds of the filter: all that the config has of it, but for its judge."""
    judge = ("base_model", "window")
    return {key: value for key, value in config["filter"].items() if key not in judge}

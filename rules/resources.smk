"""What jobs ask of a scheduler; see scripts/runs/estimates.py.

An input that is not made yet leaves it to be determined (``<TBD>`` in a dry run), which Snakemake
does when the job can start.
"""


def memory(needs):
    """Return a function that gives the memory (MB) of a job with these needs."""
    return lambda wildcards, input, attempt, threads: estimates.memory_mb(
        needs(wildcards, input, threads), attempt
    )


def run_time(needs):
    """Return a function that gives the run time (min) of a job with these needs."""
    return lambda wildcards, input, attempt, threads: estimates.minutes(
        needs(wildcards, input, threads), attempt
    )


def disk(needs):
    """Return a function that gives the disk (MB) that a job with these needs fills."""
    return lambda wildcards, input, threads: estimates.disk_mb(needs(wildcards, input, threads))


def only(named) -> str:
    """Return the file of a named input, given by name or as a list of one."""
    return named if isinstance(named, str) else named[0]


def gpus_to_finetune(wildcards) -> int:
    """Return how many GPUs share a training run, a process each.

    The processes are a resource of their own: a site may ask for GPUs by another name (``gres``).
    """
    return base_model(wildcards)["finetune"]["gpus"]


def cores_to_finetune(wildcards, threads) -> int:
    """Return the cores of a training run: ``threads`` for each of its GPUs read the audio."""
    return threads * gpus_to_finetune(wildcards)


def to_finetune(wildcards, input, threads):
    """Return what a training run needs."""
    return estimates.finetune(
        sizes.megabytes(input.checkpoint),
        sizes.speech_of(input.train),
        sizes.speech_of(input.dev),
        config["window"],
        finetune_settings(wildcards),
        gpus_to_finetune(wildcards),
        cores_to_finetune(wildcards, threads),
    )


def to_transcribe(wildcards, input, threads):
    """Return what a transcription needs: of a shard, or with one model, or with every lambda."""
    names = wildcards.keys()
    return estimates.transcribe(
        sizes.megabytes(only(input.checkpoint)),
        sizes.speech_of([input.manifest]),
        transcription_window(wildcards),
        len(SCALES) if "vector" in names and "scale" not in names else 1,
        threads,
        adapts="adaptation" in names,
    )


def gpus_of_tts(wildcards) -> int:
    """Return how many GPUs a synthesis can use: none, if its engine computes on the CPU."""
    return int(ENGINES[config["tts"][wildcards.tts]["engine"]].on_gpu)


def to_synthesize(wildcards, input, threads):
    """Return what a shard of a synthesis needs."""
    tts = config["tts"][wildcards.tts]
    texts = sizes.count_lines(input.texts) / int(wildcards.shards)
    return estimates.synthesize(
        sizes.weights_mb(input.weights),
        texts * tts_settings(wildcards)["samples_per_text"],
        seconds_per_utterance(tts),
        bool(gpus_of_tts(wildcards)),
    )


def to_compute_xvectors(wildcards, input, threads):
    """Return what the x-vectors of the source's speakers need."""
    return estimates.xvectors(sizes.speech_of(input.manifests))


def to_convert(wildcards, input, threads):
    """Return what the conversion of a pretrained model needs."""
    return estimates.pretrained(sizes.weights_mb(input[0]))


def to_prepare(wildcards, input, threads):
    """Return what the preparation of a domain needs."""
    return estimates.prepare()


def to_write_texts(wildcards, input, threads):
    """Return what a language model needs that writes texts."""
    domain = config["domains"][wildcards.domain]
    return estimates.write_texts(sizes.weights_mb(input.weights), domain["generate"]["texts"])


def to_select_texts(wildcards, input, threads):
    """Return what selecting texts needs."""
    return estimates.select_texts(sum(map(sizes.count_lines, input)))


def to_filter(wildcards, input, threads):
    """Return what the filter needs."""
    return estimates.filter_speech(sizes.speech_of(input.manifests))


def to_measure_channels(wildcards, input, threads):
    """Return what the channels of recordings need."""
    return estimates.channels(sizes.speech_of([input.manifest]))


def to_augment(wildcards, input, threads):
    """Return what the augmentation of a data set needs."""
    copies = augmentation(wildcards).get("copies", 1)
    return estimates.augment(sizes.speech_of([input.manifest]), copies, threads)


def to_compute_task_vector(wildcards, input, threads):
    """Return what arithmetic on models or task vectors needs."""
    return estimates.task_vector([sizes.megabytes(path) for path in input])


def to_export(wildcards, input, threads):
    """Return what a form of a model needs, to be written and measured."""
    speech = sizes.speech_of([input.manifest])
    return estimates.export(sizes.megabytes(input.checkpoint), speech, bool(input.terms))


def to_merge(wildcards, input, threads):
    """Return what a method of merging task vectors needs."""
    return estimates.merge([sizes.megabytes(path) for path in input])

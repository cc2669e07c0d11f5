"""The channel of a domain, laid over its synthetic speech after the filter."""


def augmentation(wildcards) -> dict:
    """Return what is done to the synthetic speech of a domain."""
    return config["domains"][wildcards.domain]["augmentation"]


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


def folder_of(kind: str):
    """Return a function that gives the index of the recordings that an augmentation adds, if any."""

    def index(wildcards):
        artifact = augmentation(wildcards).get(kind, {}).get("artifact")
        return [index_of(artifact)] if artifact else []

    return index


rule augment:
    input:
        manifest="<results>/filtered/{domain}/{tts}/{split}.jsonl",
        noises=folder_of("noise"),
        rooms=folder_of("room"),
    output:
        "<results>/manifests/{domain}/{tts}/{split}.jsonl",
    log:
        "<logs>/augment/{domain}-{tts}-{split}.log",
    wildcard_constraints:
        domain=one_of(AUGMENTED),
        split="train|dev",
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    params:
        code=code_version("augment.py"),
        settings=augmentation_settings,
        longest=config["window"],
        noises=lambda wildcards, input: [
            part for path in input.noises for part in ("--noises", str(Path(path).parent))
        ],
        rooms=lambda wildcards, input: [
            part for path in input.rooms for part in ("--rooms", str(Path(path).parent))
        ],
        audio=f"{RESULTS}/audio/{{domain}}/{{tts}}-augmented/{{split}}",
    shell:
        """
        python scripts/augment.py \
            --manifest {input.manifest:q} \
            --settings {params.settings:q} {params.noises:q} {params.rooms:q} \
            --max-duration {params.longest} \
            --seed 1 \
            --jobs {threads} \
            --audio-dir {params.audio:q} \
            --output {output:q} >{log:q} 2>&1
        """

"""The channel of a domain, laid over its synthetic speech after the filter."""


rule channels:
    input:
        manifest="<results>/manifests/{group}/real/train.jsonl",
    output:
        channels="<results>/channels/{group}.jsonl",
        lineage=record_of("<results>/channels/{group}.jsonl"),
    log:
        "<logs>/channels/{group}.log",
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    resources:
        mem_mb=memory(to_measure_channels),
        runtime=run_time(to_measure_channels),
        disk_mb=disk(to_measure_channels),
    params:
        code=code_version("channels.py"),
    shell:
        """
        python scripts/channels.py \
            --manifest {input.manifest:q} \
            --jobs {threads:q} \
            --output {output.channels:q} >{log:q} 2>&1
        """


rule augment:
    input:
        manifest="<results>/filtered/{domain}/{tts}/{split}.jsonl",
        noises=folder_of("noise"),
        rooms=folder_of("room"),
        channels=channels_imitated,
    output:
        manifest="<results>/manifests/{domain}/{tts}/{split}.jsonl",
        lineage=record_of("<results>/manifests/{domain}/{tts}/{split}.jsonl"),
    log:
        "<logs>/augment/{domain}-{tts}-{split}.log",
    wildcard_constraints:
        domain=one_of(AUGMENTED),
        split="train|dev",
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    resources:
        mem_mb=memory(to_augment),
        runtime=run_time(to_augment),
        disk_mb=disk(to_augment),
    params:
        code=code_version("augment.py"),
        settings=augmentation_settings,
        longest=config["window"],
        noises=folders("--noises", "noises"),
        rooms=folders("--rooms", "rooms"),
        channels=repeated("--channels", "channels"),
        audio=f"{RESULTS}/audio/{{domain}}/{{tts}}-augmented/{{split}}",
    shell:
        """
        python scripts/augment.py \
            --manifest {input.manifest:q} \
            --settings {params.settings:q} {params.noises:q} {params.rooms:q} \
            {params.channels:q} \
            --max-duration {params.longest:q} \
            --seed 1 \
            --jobs {threads:q} \
            --audio-dir {params.audio:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """

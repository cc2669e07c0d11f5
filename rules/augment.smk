"""The channel of a domain, laid over its synthetic speech after the filter."""


rule augment:
    input:
        manifest="<results>/filtered/{domain}/{tts}/{split}.jsonl",
        noises=folder_of("noise"),
        rooms=folder_of("room"),
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
        audio=f"{RESULTS}/audio/{{domain}}/{{tts}}-augmented/{{split}}",
    shell:
        """
        python scripts/augment.py \
            --manifest {input.manifest:q} \
            --settings {params.settings:q} {params.noises:q} {params.rooms:q} \
            --max-duration {params.longest:q} \
            --seed 1 \
            --jobs {threads:q} \
            --audio-dir {params.audio:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """

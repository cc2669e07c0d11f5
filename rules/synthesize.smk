"""Text to speech, in shards."""


rule synthesize:
    input:
        texts=texts_to_speak,
        weights=lambda wildcards: index_of(config["tts"][wildcards.tts]["artifact"]),
        speakers=speakers,
        pronunciations=pronunciations,
    output:
        manifest="<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.jsonl",
        lineage=record_of(
            "<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.jsonl"
        ),
    log:
        "<logs>/synthesize/{domain}-{tts}-{split}-shard{shard}of{shards}.log",
    priority: 1
    conda:
        environment_of_tts
    threads: 1
    resources:
        gpu=gpus_of_tts,
        mem_mb=memory(to_synthesize),
        runtime=run_time(to_synthesize),
        disk_mb=disk(to_synthesize),
    params:
        code=engine_version,
        tts=tts_settings,
        options=options_of_tts,
        audio=f"{RESULTS}/audio/{{domain}}/{{tts}}/{{split}}",
    shell:
        """
        python scripts/synthesize.py \
            --texts {input.texts:q} \
            --engine {params.tts[engine]:q} \
            --resources "$(dirname {input.weights:q})" {params.options:q} \
            --tts {wildcards.tts:q} \
            --voices {params.tts[voices]:q} \
            --samples-per-text {params.tts[samples_per_text]:q} \
            --max-failures {params.tts[max_failures]:q} \
            --batch-size {params.tts[batch_size]:q} \
            --precision {params.tts[precision]:q} \
            --seed {params.tts[seed]:q} \
            --shard {wildcards.shard:q} --shards {wildcards.shards:q} \
            --threads {threads:q} \
            --audio-dir {params.audio:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """


rule xvectors:
    input:
        encoder=lambda wildcards: index_of(config["tts"][wildcards.tts]["speaker_encoder"]),
        manifests=expand(
            "<results>/manifests/{domain}/real/train.jsonl",
            domain=[] if config["source"] == roles.COMPLEMENT else config["source"],
        ),
    output:
        speakers="<results>/speakers/{tts}.safetensors",
        lineage=record_of("<results>/speakers/{tts}.safetensors"),
    log:
        "<logs>/xvectors/{tts}.log",
    conda:
        "../envs/syn2real.yaml"
    resources:
        gpu=1,
        mem_mb=memory(to_compute_xvectors),
        runtime=run_time(to_compute_xvectors),
        disk_mb=disk(to_compute_xvectors),
    params:
        code=code_version("xvectors.py"),
    shell:
        """
        python scripts/xvectors.py \
            --encoder "$(dirname {input.encoder:q})" \
            --manifest {input.manifests:q} \
            --output {output.speakers:q} >{log:q} 2>&1
        """


rule test_on_synthetic_speech:
    input:
        "<results>/synthesized/{domain}/{tts}/test/shard1of1.jsonl",
    output:
        manifest="<results>/manifests/{domain}/{tts}/test.jsonl",
        lineage=record_of("<results>/manifests/{domain}/{tts}/test.jsonl"),
    log:
        "<logs>/test_on_synthetic_speech/{domain}-{tts}.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("pool.py"),
    shell:
        """
        python scripts/pool.py --output {output.manifest:q} {input:q} >{log:q} 2>&1
        """

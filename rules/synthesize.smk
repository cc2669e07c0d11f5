"""Text to speech, in shards."""


rule synthesize:
    input:
        texts="<results>/texts/{domain}/{split}.jsonl",
        weights=files_of_tts,
    output:
        "<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.jsonl",
    log:
        "<logs>/synthesize/{domain}-{tts}-{split}-shard{shard}of{shards}.log",
    wildcard_constraints:
        split="train|dev",
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_version("synthesize.py"),
        tts=lambda wildcards: config["tts"][wildcards.tts],
        audio=f"{RESULTS}/audio/{{domain}}/{{tts}}/{{split}}",
    shell:
        """
        python scripts/synthesize.py \
            --texts {input.texts:q} \
            --engine {params.tts[engine]} \
            --resources "$(dirname {input.weights:q})" \
            --tts {wildcards.tts} \
            --voices {params.tts[voices]:q} \
            --samples-per-text {params.tts[samples_per_text]} \
            --speed-range {params.tts[speed_range]} \
            --augmentation {params.tts[augmentation]} \
            --seed {params.tts[seed]} \
            --shard {wildcards.shard} --shards {wildcards.shards} \
            --threads {threads} \
            --audio-dir {params.audio:q} \
            --output {output:q} >{log:q} 2>&1
        """

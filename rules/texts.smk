"""Training texts of targets: more by a language model, and a selection of those that are spoken."""


rule write_texts:
    input:
        texts="<results>/texts/{domain}/train.jsonl",
        apart=texts_apart,
        weights=lambda wildcards: index_of(
            config["domains"][wildcards.domain]["generate"]["artifact"]
        ),
    output:
        texts="<results>/texts/{domain}/written.jsonl",
        lineage=record_of("<results>/texts/{domain}/written.jsonl"),
    log:
        "<logs>/write_texts/{domain}.log",
    wildcard_constraints:
        domain=one_of([name for name, each in config["domains"].items() if "generate" in each]),
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    resources:
        gpu=1,
        mem_mb=memory(to_write_texts),
        runtime=run_time(to_write_texts),
        disk_mb=disk(to_write_texts),
    params:
        code=code_version("write_texts.py"),
        generate=lambda wildcards: config["domains"][wildcards.domain]["generate"],
        bounds=bounds_of_texts,
        language=config["language"],
    shell:
        """
        python scripts/write_texts.py \
            --texts {input.texts:q} \
            --apart {input.apart:q} \
            --model "$(dirname {input.weights:q})" \
            --number {params.generate[texts]:q} \
            --prompt={params.generate[prompt]:q} \
            --examples {params.generate[examples]:q} \
            --temperature {params.generate[temperature]:q} \
            --seed {params.generate[seed]:q} \
            --min-words {params.bounds[min_words]:q} \
            --max-duration {params.bounds[max_duration]:q} \
            --language {params.language:q} \
            --threads {threads:q} \
            --output {output.texts:q} >{log:q} 2>&1
        """


rule select_texts:
    input:
        texts=texts_to_select_of,
        source=texts_of_source,
    output:
        texts="<results>/texts/{domain}/selected.jsonl",
        lineage=record_of("<results>/texts/{domain}/selected.jsonl"),
    log:
        "<logs>/select_texts/{domain}.log",
    wildcard_constraints:
        domain=one_of([name for name, each in config["domains"].items() if "select" in each]),
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_select_texts),
        runtime=run_time(to_select_texts),
        disk_mb=disk(to_select_texts),
    params:
        code=code_version("select_texts.py"),
        select=selection,
        language=config["language"],
        source=repeated("--source", "source"),
    shell:
        """
        python scripts/select_texts.py \
            --texts {input.texts:q} {params.source:q} \
            --number {params.select[texts]:q} \
            --by {params.select[by]:q} \
            --seed {params.select[seed]:q} \
            --language {params.language:q} \
            --output {output.texts:q} >{log:q} 2>&1
        """

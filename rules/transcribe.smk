"""Hypotheses: any checkpoint on any speech; a task vector is added while the model is loaded."""

SWEPT_HYPOTHESES = expand(
    "<results>/hypotheses/{{base}}/{{model}}+{{vector}}-tv{scale}/seed{{seed}}/"
    "{{domain}}/{{speech}}/{{split}}.jsonl",
    scale=SCALES,
)


rule transcribe:
    input:
        checkpoint=checkpoint("{model}"),
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        hypotheses="<results>/hypotheses/{base}/{model}/seed{seed}/{domain}/{speech}/{split}.jsonl",
        lineage=record_of(
            "<results>/hypotheses/{base}/{model}/seed{seed}/{domain}/{speech}/{split}.jsonl"
        ),
    log:
        "<logs>/transcribe/{base}/{model}/seed{seed}/{domain}-{speech}-{split}.log",
    wildcard_constraints:
        domain=HEARD,
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=1,
        mem_mb=memory(to_transcribe),
        runtime=run_time(to_transcribe),
        disk_mb=1000,
    params:
        code=code_version("transcribe.py"),
        guard=["--guard-repetition"] if config["guard_repetition"] else [],
        longer=[],
        sure=[],
        vector=[],
        aids=[],
        window=transcription_window,
        batch_size=config["batch_size"],
        precision=config["precision"],
        encodings=encodings,
        max_length=config["max_length"],
        prompt=prompt,
        work=f"{RESULTS}/work/transcribe/{{base}}/{{model}}/seed{{seed}}/"
        "{domain}-{speech}-{split}",
    shell:
        """
        python scripts/transcribe.py \
            --model "$(dirname {input.checkpoint:q})" {params.vector:q} {params.aids:q} \
            --manifest {input.manifest:q} \
            --window {params.window:q} \
            --batch-size {params.batch_size:q} \
            --precision {params.precision:q} {params.encodings:q} \
            --max-length {params.max_length:q} {params.guard:q} {params.sure:q} \
            --language {params.prompt[language]:q} --task {params.prompt[task]:q} \
            --threads {threads:q} \
            --work-dir {params.work:q} {params.longer:q} \
            --output {output.hypotheses:q} >{log:q} 2>&1
        """


use rule transcribe as transcribe_sweep with:
    input:
        checkpoint=checkpoint("{model}"),
        vector="<results>/task_vectors/{base}/{vector}/seed{seed}.safetensors",
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        hypotheses=SWEPT_HYPOTHESES,
        lineage=record_of(SWEPT_HYPOTHESES),
    log:
        "<logs>/transcribe/{base}/{model}+{vector}-sweep/seed{seed}/{domain}-{speech}-{split}.log",
    params:
        vector=lambda wildcards, input: task_vector_option(input, SCALES),
        work=f"{RESULTS}/work/transcribe/{{base}}/{{model}}+{{vector}}-sweep/seed{{seed}}/"
        "{domain}-{speech}-{split}",


use rule transcribe as transcribe_with_task_vector with:
    input:
        checkpoint=checkpoint("{model}"),
        vector="<results>/task_vectors/{base}/{vector}/seed{seed}.safetensors",
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        hypotheses="<results>/hypotheses/{base}/{model}+{vector}-tv{scale}/seed{seed}/"
        "{domain}/{speech}/{split}.jsonl",
        lineage=record_of(
            "<results>/hypotheses/{base}/{model}+{vector}-tv{scale}/seed{seed}/"
            "{domain}/{speech}/{split}.jsonl"
        ),
    log:
        "<logs>/transcribe/{base}/{model}+{vector}-tv{scale}/seed{seed}/"
        "{domain}-{speech}-{split}.log",
    wildcard_constraints:
        domain=HEARD,
        scale=ANOTHER_SCALE,
    params:
        vector=lambda wildcards, input: task_vector_option(input, [wildcards.scale]),
        work=f"{RESULTS}/work/transcribe/{{base}}/{{model}}+{{vector}}-tv{{scale}}/seed{{seed}}/"
        "{domain}-{speech}-{split}",


use rule transcribe as transcribe_with_aids with:
    input:
        checkpoint=checkpoint("{model}"),
        terms=files_of_aids("terms"),
        texts=files_of_aids("texts"),
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        hypotheses="<results>/hypotheses/{base}/{model}+{aids}/seed{seed}/"
        "{domain}/{speech}/{split}.jsonl",
        lineage=record_of(
            "<results>/hypotheses/{base}/{model}+{aids}/seed{seed}/{domain}/{speech}/{split}.jsonl"
        ),
    log:
        "<logs>/transcribe/{base}/{model}+{aids}/seed{seed}/{domain}-{speech}-{split}.log",
    params:
        aids=options_of_aids,
        work=f"{RESULTS}/work/transcribe/{{base}}/{{model}}+{{aids}}/seed{{seed}}/"
        "{domain}-{speech}-{split}",


use rule transcribe as transcribe_adapting with:
    input:
        checkpoint=checkpoint("{model}"),
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        hypotheses="<results>/hypotheses/{base}/{model}+{adaptation}/seed{seed}/"
        "{domain}/{speech}/{split}.jsonl",
        lineage=record_of(
            "<results>/hypotheses/{base}/{model}+{adaptation}/seed{seed}/"
            "{domain}/{speech}/{split}.jsonl"
        ),
    log:
        "<logs>/transcribe/{base}/{model}+{adaptation}/seed{seed}/{domain}-{speech}-{split}.log",
    params:
        code=adaptation_version,
        aids=lambda wildcards: ["--adapt", wildcards.adaptation],
        batch_size=1,
        encodings=[],  # an encoder that adapts has none to keep
        work=f"{RESULTS}/work/transcribe/{{base}}/{{model}}+{{adaptation}}/seed{{seed}}/"
        "{domain}-{speech}-{split}",

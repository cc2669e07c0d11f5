"""Hypotheses: any checkpoint on any speech; a task vector is added while the model is loaded."""


rule transcribe:
    input:
        checkpoint="<results>/models/{model}/seed{seed}/model.safetensors",
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        "<results>/hypotheses/{model}/seed{seed}/{domain}/{speech}/{split}.jsonl",
    log:
        "<logs>/transcribe/{model}/seed{seed}/{domain}-{speech}-{split}.log",
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_version("transcribe.py"),
        vector="",
        window=lambda wildcards: experiment.window_of(config, wildcards.model),
        batch_size=config["batch_size"],
        precision=config["precision"],
        encodings=ENCODINGS,
        max_length=config["max_length"],
        model=config["model"],
    shell:
        """
        python scripts/transcribe.py \
            --model "$(dirname {input.checkpoint:q})" {params.vector} \
            --manifest {input.manifest:q} \
            --window {params.window} \
            --batch-size {params.batch_size} \
            --precision {params.precision} {params.encodings} \
            --max-length {params.max_length} \
            --language {params.model[language]} --task {params.model[task]} \
            --threads {threads} \
            --output {output:q} >{log:q} 2>&1
        """


use rule transcribe as transcribe_with_task_vector with:
    input:
        checkpoint="<results>/models/{model}/seed{seed}/model.safetensors",
        vector=vector_of_model,
        manifest="<results>/manifests/{domain}/{speech}/{split}.jsonl",
    output:
        "<results>/hypotheses/{model}+tv{scale}/seed{seed}/{domain}/{speech}/{split}.jsonl",
    log:
        "<logs>/transcribe/{model}+tv{scale}/seed{seed}/{domain}-{speech}-{split}.log",
    params:
        code=code_version("transcribe.py"),
        vector=lambda wildcards, input: (
            f"--task-vector {input.vector} --scaling-coefficient {wildcards.scale}"
        ),
        window=config["window"],
        batch_size=config["batch_size"],
        precision=config["precision"],
        encodings=ENCODINGS,
        max_length=config["max_length"],
        model=config["model"],

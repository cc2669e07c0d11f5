"""The synthetic2real task vector of the source domains, and checkpoints to which it is added."""

LEARNT = f"{TTS}|{paths.PSEUDO}"  # what real speech is held against


rule task_vector:
    input:
        real="<results>/models/{base}/{group}-real/seed{seed}/model.safetensors",
        synthetic="<results>/models/{base}/{group}-{tts}/seed{seed}/model.safetensors",
    output:
        vector="<results>/task_vectors/{base}/{group}-{tts}/seed{seed}.safetensors",
        lineage=record_of("<results>/task_vectors/{base}/{group}-{tts}/seed{seed}.safetensors"),
    log:
        "<logs>/task_vector/{base}/{group}-{tts}/seed{seed}.log",
    wildcard_constraints:
        tts=LEARNT,
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_compute_task_vector),
        runtime=run_time(to_compute_task_vector),
        disk_mb=disk(to_compute_task_vector),
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py subtract \
            --real {input.real:q} \
            --synthetic {input.synthetic:q} \
            --output {output.vector:q} >{log:q} 2>&1
        """


rule mean_task_vector_of_domains:
    input:
        lambda wildcards: expand(
            "<results>/task_vectors/{base}/{domain}-{tts}/seed{seed}.safetensors",
            **wildcards,
            domain=roles.domains_of(config, wildcards.group),
        ),
    output:
        vector="<results>/task_vectors/{base}/each-{group}-{tts}/seed{seed}.safetensors",
        lineage=record_of("<results>/task_vectors/{base}/each-{group}-{tts}/seed{seed}.safetensors"),
    log:
        "<logs>/task_vector/{base}/each-{group}-{tts}/seed{seed}.log",
    wildcard_constraints:
        group=one_of(GROUPS),
        tts=LEARNT,
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_compute_task_vector),
        runtime=run_time(to_compute_task_vector),
        disk_mb=disk(to_compute_task_vector),
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py mean \
            --vectors {input:q} \
            --output {output.vector:q} >{log:q} 2>&1
        """


use rule mean_task_vector_of_domains as mean_task_vector_of_engines with:
    input:
        expand(
            "<results>/task_vectors/{{base}}/{{group}}-{tts}/seed{{seed}}.safetensors",
            tts=TRAINING_TTS,
        ),
    output:
        vector=f"<results>/task_vectors/{{base}}/{{group}}-{paths.ENGINES}/seed{{seed}}.safetensors",
        lineage=record_of(
            f"<results>/task_vectors/{{base}}/{{group}}-{paths.ENGINES}/seed{{seed}}.safetensors"
        ),
    log:
        f"<logs>/task_vector/{{base}}/{{group}}-{paths.ENGINES}/seed{{seed}}.log",


use rule mean_task_vector_of_domains as mean_task_vector_of_clusters with:
    input:
        lambda wildcards: expand(
            "<results>/task_vectors/{base}/{cluster}-{tts}/seed{seed}.safetensors",
            **wildcards,
            cluster=groups.Cluster.all(wildcards.group, int(wildcards.clusters)),
        ),
    output:
        vector="<results>/task_vectors/{base}/clusters-{clusters}-{group}-{tts}/seed{seed}.safetensors",
        lineage=record_of(
            "<results>/task_vectors/{base}/clusters-{clusters}-{group}-{tts}/seed{seed}.safetensors"
        ),
    log:
        "<logs>/task_vector/{base}/clusters-{clusters}-{group}-{tts}/seed{seed}.log",
    wildcard_constraints:
        group=one_of(GROUPS),
        tts=paths.PSEUDO,
        clusters=r"\d+",


rule task_vector_of_modules:
    input:
        "<results>/task_vectors/{base}/{group}-{tts}/seed{seed}.safetensors",
    output:
        vector="<results>/task_vectors/{base}/{group}-{tts}-{modules}/seed{seed}.safetensors",
        lineage=record_of(
            "<results>/task_vectors/{base}/{group}-{tts}-{modules}/seed{seed}.safetensors"
        ),
    log:
        "<logs>/task_vector/{base}/{group}-{tts}-{modules}/seed{seed}.log",
    wildcard_constraints:
        tts=LEARNT,
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_compute_task_vector),
        runtime=run_time(to_compute_task_vector),
        disk_mb=disk(to_compute_task_vector),
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py restrict \
            --vector {input:q} \
            --modules {wildcards.modules:q} \
            --output {output.vector:q} >{log:q} 2>&1
        """


rule task_vector_by_method:
    input:
        vectors_to_merge,
    output:
        vector="<results>/task_vectors/{base}/{unmerged}-{method}/seed{seed}.safetensors",
        lineage=record_of(
            "<results>/task_vectors/{base}/{unmerged}-{method}/seed{seed}.safetensors"
        ),
    log:
        "<logs>/task_vector/{base}/{unmerged}-{method}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_merge),
        runtime=run_time(to_merge),
        disk_mb=disk(to_merge),
    params:
        code=method_version,
    shell:
        """
        python scripts/merge.py \
            --method {wildcards.method:q} \
            --vectors {input:q} \
            --output {output.vector:q} >{log:q} 2>&1
        """


rule apply:
    input:
        checkpoint=checkpoint("{model}"),
        vector="<results>/task_vectors/{base}/{vector}/seed{seed}.safetensors",
    output:
        weights="<results>/models/{base}/{model}+{vector}-tv{scale}/seed{seed}/model.safetensors",
        lineage=record_of(
            "<results>/models/{base}/{model}+{vector}-tv{scale}/seed{seed}/model.safetensors"
        ),
    log:
        "<logs>/apply/{base}/{model}+{vector}-tv{scale}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_compute_task_vector),
        runtime=run_time(to_compute_task_vector),
        disk_mb=disk(to_compute_task_vector),
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py apply \
            --checkpoint {input.checkpoint:q} \
            --vector {input.vector:q} \
            --scaling-coefficient {wildcards.scale:q} \
            --output {output.weights:q} >{log:q} 2>&1
        """

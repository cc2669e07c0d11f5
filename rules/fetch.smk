"""External files: fetched once, whoever uses them, and checked against their checksums."""


rule fetch:
    output:
        index="resources/{artifact}/files.json",
        lineage=record_of("resources/{artifact}/files.json"),
    log:
        "<logs>/fetch/{artifact}.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("fetch.py"),
        declaration=lambda wildcards: json.dumps(
            config["artifacts"][wildcards.artifact], sort_keys=True
        ),
    shell:
        """
        python scripts/fetch.py \
            --artifact {wildcards.artifact:q} \
            --declaration {params.declaration:q} \
            --output resources/{wildcards.artifact:q} >{log:q} 2>&1
        """


rule pretrained:
    input:
        lambda wildcards: index_of(base_model(wildcards)["artifact"]),
    output:
        weights="<results>/models/{base}/pretrained/seed0/model.safetensors",
        lineage=record_of("<results>/models/{base}/pretrained/seed0/model.safetensors"),
    log:
        "<logs>/pretrained/{base}.log",
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_convert),
        runtime=run_time(to_convert),
        disk_mb=disk(to_convert),
    params:
        code=code_version("pretrained.py"),
        prompt=prompt,
    shell:
        """
        python scripts/pretrained.py \
            --artifact "$(dirname {input:q})" \
            --language {params.prompt[language]:q} --task {params.prompt[task]:q} \
            --output "$(dirname {output.weights:q})" >{log:q} 2>&1
        """

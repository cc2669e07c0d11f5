"""The delivered models as services run them, each measured by the library that runs it."""


rule export:
    input:
        checkpoint="<results>/models/{base}/{name}/seed{seed}/model.safetensors",
        manifest=lambda wildcards: f"{RESULTS}/{test_utterances(wildcards)}",
        hypotheses=hypotheses_to_compare,
        terms=key_terms_of_target,
        pronunciations=pronunciations_of_target,
    output:
        folder=directory("<results>/models/{base}/{name}/seed{seed}/{format}"),
        measured="<results>/exports/{base}/{name}/seed{seed}/{format}.json",
        transcripts="<results>/exports/{base}/{name}/seed{seed}/{format}.jsonl",
        lineage=record_of("<results>/exports/{base}/{name}/seed{seed}/{format}.json"),
    log:
        "<logs>/export/{base}/{name}/seed{seed}/{format}.log",
    wildcard_constraints:
        name=paths.Model.pattern(paths.NUMBER),
        format=one_of(config["exports"]) if config["exports"] else "(?!)",
    conda:
        "../envs/export.yaml"
    threads: 1
    resources:
        mem_mb=memory(to_export),
        runtime=run_time(to_export),
        disk_mb=disk(to_export),
    params:
        code=code_version("export.py"),
        terms=repeated("--terms", "terms"),
        pronunciations=repeated("--pronunciations", "pronunciations"),
        prompt=prompt,
        resampled_by=config["resampled_by"],
    shell:
        """
        python scripts/export.py \
            --checkpoint {input.checkpoint:q} \
            --format {wildcards.format:q} \
            --manifest {input.manifest:q} \
            --hypotheses {input.hypotheses:q} {params.terms:q} {params.pronunciations:q} \
            --language {params.prompt[language]:q} --task {params.prompt[task]:q} \
            --resampled-by {params.resampled_by:q} \
            --threads {threads:q} \
            --output {output.folder:q} \
            --measured {output.measured:q} \
            --transcripts {output.transcripts:q} >{log:q} 2>&1
        """

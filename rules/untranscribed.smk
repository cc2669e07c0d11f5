"""Recordings of a target that nobody has transcribed: a judge, larger than the base models, does."""

UNTRANSCRIBED = [
    name for name, domain in config["domains"].items() if roles.UNTRANSCRIBED in domain
]


rule collect:
    input:
        lambda wildcards: [
            str(path)
            for path in files_of(Path(config["domains"][wildcards.domain][roles.UNTRANSCRIBED]))
        ],
    output:
        manifest="<results>/untranscribed/{domain}.jsonl",
        lineage=record_of("<results>/untranscribed/{domain}.jsonl"),
    log:
        "<logs>/collect/{domain}.log",
    wildcard_constraints:
        domain=one_of(UNTRANSCRIBED),
    priority: 1
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    resources:
        mem_mb=memory(to_prepare),
        runtime=run_time(to_prepare),
        disk_mb=disk(to_prepare),
    params:
        code=code_version("collect.py"),
        part=share_for_verdict,
        declaration=as_json(untranscribed_declaration),
        size=size_of_untranscribed,
        language=config["language"],
        audio=f"{RESULTS}/audio/{{domain}}/untranscribed",
    shell:
        """
        python scripts/collect.py \
            --domain {wildcards.domain:q} \
            --declaration {params.declaration:q} \
            --language {params.language:q} {params.part:q} \
            --jobs {threads:q} \
            --audio-dir {params.audio:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """


use rule pretrained as pretrained_judge with:
    input:
        [index_of(config["judge"])] if "judge" in config else [],
    output:
        weights="<results>/judge/model.safetensors",
        lineage=record_of("<results>/judge/model.safetensors"),
    log:
        "<logs>/pretrained_judge.log",


use rule transcribe as transcribe_by_judge with:
    input:
        checkpoint="<results>/judge/model.safetensors",
        manifest="<results>/untranscribed/{domain}.jsonl",
    output:
        hypotheses="<results>/untranscribed/{domain}.hypotheses.jsonl",
        lineage=record_of("<results>/untranscribed/{domain}.hypotheses.jsonl"),
    log:
        "<logs>/transcribe_by_judge/{domain}.log",
    wildcard_constraints:
        domain=one_of(UNTRANSCRIBED),
    params:
        encodings=[],  # the base models share theirs
        window=config["decoding_window"],
        work=f"{RESULTS}/work/untranscribed/{{domain}}",


rule label:
    input:
        manifest="<results>/untranscribed/{domain}.jsonl",
        hypotheses="<results>/untranscribed/{domain}.hypotheses.jsonl",
    output:
        manifest="<results>/manifests/{domain}/real-untranscribed/dev.jsonl",
        lineage=record_of("<results>/manifests/{domain}/real-untranscribed/dev.jsonl"),
    log:
        "<logs>/label/{domain}.log",
    wildcard_constraints:
        domain=one_of(UNTRANSCRIBED),
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("label.py"),
        bounds=[],
        language=config["language"],
    shell:
        """
        python scripts/label.py \
            --manifest {input.manifest:q} \
            --hypotheses {input.hypotheses:q} {params.bounds:q} \
            --language {params.language:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """


rule agree:
    input:
        references="<results>/manifests/{domain}/real-untranscribed/dev.jsonl",
        texts="<results>/texts/{domain}/train.jsonl",
        hypotheses="<results>/hypotheses/{base}/{name}/seed{seed}/{domain}/real-untranscribed/dev.jsonl",
    output:
        scores="<results>/scores/{base}/{name}/seed{seed}/{domain}/real-untranscribed/dev.json",
        lineage=record_of(
            "<results>/scores/{base}/{name}/seed{seed}/{domain}/real-untranscribed/dev.json"
        ),
    log:
        "<logs>/agree/{base}/{name}/seed{seed}/{domain}.log",
    wildcard_constraints:
        domain=one_of(UNTRANSCRIBED),
        name=paths.Model.pattern(paths.NUMBER),
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("agree.py"),
        language=config["language"],
    shell:
        """
        python scripts/agree.py \
            --references {input.references:q} \
            --texts {input.texts:q} \
            --hypotheses {input.hypotheses:q} \
            --language {params.language:q} \
            --output {output.scores:q} >{log:q} 2>&1
        """

"""Word and character errors of hypotheses."""

SWEPT_SCORES = expand(
    "<results>/scores/{{base}}/{{model}}+{{vector}}-tv{scale}/seed{{seed}}/"
    "{{domain}}/{{speech}}/{{split}}.json",
    scale=SCALES,
)


rule score:
    input:
        references="<results>/manifests/{domain}/{speech}/{split}.jsonl",
        hypotheses="<results>/hypotheses/{base}/{name}/seed{seed}/{domain}/{speech}/{split}.jsonl",
    output:
        scores="<results>/scores/{base}/{name}/seed{seed}/{domain}/{speech}/{split}.json",
        lineage=record_of(
            "<results>/scores/{base}/{name}/seed{seed}/{domain}/{speech}/{split}.json"
        ),
    log:
        "<logs>/score/{base}/{name}/seed{seed}/{domain}-{speech}-{split}.log",
    wildcard_constraints:
        domain=HEARD,
        speech=TRANSCRIBED,
        name=paths.Model.pattern(ANOTHER_SCALE),
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("score.py"),
        language=config["language"],
    shell:
        """
        python scripts/score.py \
            --references {input.references:q} \
            --hypotheses {input.hypotheses:q} \
            --language {params.language:q} \
            --output {output.scores:q} >{log:q} 2>&1
        """


use rule score as score_sweep with:
    input:
        references="<results>/manifests/{domain}/{speech}/{split}.jsonl",
        hypotheses=SWEPT_HYPOTHESES,
    output:
        scores=SWEPT_SCORES,
        lineage=record_of(SWEPT_SCORES),
    log:
        "<logs>/score/{base}/{model}+{vector}-sweep/seed{seed}/{domain}-{speech}-{split}.log",
    wildcard_constraints:
        domain=HEARD,
        speech=TRANSCRIBED,
    localrule: True

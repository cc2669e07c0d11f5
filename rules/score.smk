"""Word and character errors of hypotheses."""


rule score:
    input:
        references="<results>/manifests/{domain}/{speech}/{split}.jsonl",
        hypotheses="<results>/hypotheses/{base}/{name}/seed{seed}/{domain}/{speech}/{split}.jsonl",
    output:
        "<results>/scores/{base}/{name}/seed{seed}/{domain}/{speech}/{split}.json",
    log:
        "<logs>/score/{base}/{name}/seed{seed}/{domain}-{speech}-{split}.log",
    wildcard_constraints:
        domain=HEARD,
        name=rf"[^+/]+(?:\+[^/]+-tv{ANOTHER_SCALE})?",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("score.py"),
    shell:
        """
        python scripts/score.py \
            --references {input.references:q} \
            --hypotheses {input.hypotheses:q} \
            --output {output:q} >{log:q} 2>&1
        """


use rule score as score_sweep with:
    input:
        references="<results>/manifests/{domain}/{speech}/{split}.jsonl",
        hypotheses=expand(
            "<results>/hypotheses/{{base}}/{{model}}+{{vector}}-tv{scale}/seed{{seed}}/"
            "{{domain}}/{{speech}}/{{split}}.jsonl",
            scale=SCALES,
        ),
    output:
        expand(
            "<results>/scores/{{base}}/{{model}}+{{vector}}-tv{scale}/seed{{seed}}/"
            "{{domain}}/{{speech}}/{{split}}.json",
            scale=SCALES,
        ),
    log:
        "<logs>/score/{base}/{model}+{vector}-sweep/seed{seed}/{domain}-{speech}-{split}.log",
    localrule: True

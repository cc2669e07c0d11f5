"""Word and character errors of hypotheses."""


rule score:
    input:
        references="<results>/manifests/{domain}/{speech}/{split}.jsonl",
        hypotheses="<results>/hypotheses/{name}/seed{seed}/{domain}/{speech}/{split}.jsonl",
    output:
        "<results>/scores/{name}/seed{seed}/{domain}/{speech}/{split}.json",
    log:
        "<logs>/score/{name}/seed{seed}/{domain}-{speech}-{split}.log",
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

"""What goes with an adapted checkpoint to a model hub: its card and its lineage."""


rule model_card:
    input:
        checkpoint="<results>/models/{base}/{name}/seed{seed}/model.safetensors",
        summary="<experiment>/summary.json",
        template="scripts/reporting/templates/model_card.md.j2",
    output:
        card="<results>/models/{base}/{name}/seed{seed}/README.md",
        history="<results>/models/{base}/{name}/seed{seed}/lineage.json",
        lineage=record_of("<results>/models/{base}/{name}/seed{seed}/README.md"),
    log:
        "<logs>/model_card/{base}/{name}/seed{seed}.log",
    wildcard_constraints:
        name=paths.Model.pattern(paths.NUMBER),
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("model_card.py"),
        window=config["decoding_window"],
    shell:
        """
        python scripts/model_card.py \
            --checkpoint {input.checkpoint:q} \
            --summary {input.summary:q} \
            --window {params.window:q} >{log:q} 2>&1
        """

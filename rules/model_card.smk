"""What is delivered: a checkpoint, with what leads its decoder, its card and its lineage."""


rule deliver:
    input:
        checkpoint=checkpoint("{model}"),
        terms=files_of_aids("terms"),
        texts=files_of_aids("texts"),
    output:
        weights="<results>/models/{base}/{model}+{aids}/seed{seed}/model.safetensors",
        lineage=record_of("<results>/models/{base}/{model}+{aids}/seed{seed}/model.safetensors"),
    log:
        "<logs>/deliver/{base}/{model}+{aids}/seed{seed}.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("deliver.py"),
        aids=options_of_aids,
        guard=["--guard-repetition"] if config["guard_repetition"] else [],
        window=config["decoding_window"],
        max_length=config["max_length"],
        prompt=prompt,
    shell:
        """
        python scripts/deliver.py \
            --checkpoint {input.checkpoint:q} {params.aids:q} \
            --window {params.window:q} \
            --max-length {params.max_length:q} {params.guard:q} \
            --language {params.prompt[language]:q} --task {params.prompt[task]:q} \
            --output {output.weights:q} >{log:q} 2>&1
        """


rule model_card:
    input:
        checkpoint="<results>/models/{base}/{name}/seed{seed}/model.safetensors",
        summary="<experiment>/summary.json",
        exports=expand(
            "<results>/exports/{{base}}/{{name}}/seed{{seed}}/{format}.json",
            format=config["exports"],
        ),
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
            --exports {input.exports:q} \
            --window {params.window:q} >{log:q} 2>&1
        """

"""The synthetic2real task vector of the source domains, and checkpoints to which it is added."""


rule task_vector:
    input:
        real="<results>/models/source-real/seed{seed}/model.safetensors",
        synthetic="<results>/models/source-{tts}/seed{seed}/model.safetensors",
    output:
        "<results>/task_vectors/source-{tts}/seed{seed}.safetensors",
    log:
        "<logs>/task_vector/source-{tts}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py subtract \
            --real {input.real:q} \
            --synthetic {input.synthetic:q} \
            --output {output:q} >{log:q} 2>&1
        """


rule apply:
    input:
        checkpoint="<results>/models/{model}/seed{seed}/model.safetensors",
        vector=vector_of_model,
    output:
        "<results>/models/{model}+tv{scale}/seed{seed}/model.safetensors",
    log:
        "<logs>/apply/{model}+tv{scale}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("task_vector.py"),
    shell:
        """
        python scripts/task_vector.py apply \
            --checkpoint {input.checkpoint:q} \
            --vector {input.vector:q} \
            --scaling-coefficient {wildcards.scale} \
            --output {output:q} >{log:q} 2>&1
        """

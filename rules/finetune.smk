"""Fine-tuning: every trained arm is a data set, after the base model or after another arm."""


rule finetune:
    input:
        checkpoint="<results>/models/{base}/pretrained/seed0/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
        fisher=manifests_of_fisher,
    output:
        weights="<results>/models/{base}/{data}/seed{seed}/model.safetensors",
        lineage=record_of("<results>/models/{base}/{data}/seed{seed}/model.safetensors"),
    log:
        "<logs>/finetune/{base}/{data}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=gpus_to_finetune,
        processes=gpus_to_finetune,
        cpus_per_task=cores_to_finetune,
        mem_mb=memory(to_finetune),
        runtime=run_time(to_finetune),
        disk_mb=disk(to_finetune),
        curves=curves,
    params:
        code=code_version("finetune.py"),
        train=options_of_manifests,
        dev=repeated("--dev", "dev"),
        settings=as_json(finetune_settings),
        language=config["language"],
        encodings=encodings,
        work=f"{RESULTS}/work/{{base}}/{{data}}/seed{{seed}}",
    shell:
        """
        python scripts/finetune.py \
            --model "$(dirname {input.checkpoint:q})" {params.train:q} {params.dev:q} \
            --settings {params.settings:q} \
            --language {params.language:q} {params.encodings:q} \
            --seed {wildcards.seed:q} \
            --processes {resources.processes:q} \
            --threads {resources.cpus_per_task:q} \
            --work-dir {params.work:q} \
            --tensorboard={resources.curves:q} \
            --output "$(dirname {output.weights:q})" >>{log:q} 2>&1
        """


use rule finetune as finetune_further with:
    input:
        checkpoint="<results>/models/{base}/{first}/seed{seed}/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
        fisher=manifests_of_fisher,
    output:
        weights="<results>/models/{base}/{data}-after-{first}/seed{seed}/model.safetensors",
        lineage=record_of(
            "<results>/models/{base}/{data}-after-{first}/seed{seed}/model.safetensors"
        ),
    log:
        "<logs>/finetune/{base}/{data}-after-{first}/seed{seed}.log",
    params:
        work=f"{RESULTS}/work/{{base}}/{{data}}-after-{{first}}/seed{{seed}}",

"""Fine-tuning: every trained arm is a data set, after the base model or after another arm."""


rule finetune:
    input:
        checkpoint="<results>/models/{base}/pretrained/seed0/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
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
        mem_mb=memory(to_finetune),
        runtime=run_time(to_finetune),
        disk_mb=disk(to_finetune),
    params:
        code=code_version("finetune.py"),
        train=repeated("--train", "train"),
        dev=repeated("--dev", "dev"),
        finetune=finetune_settings,
        switches=lambda wildcards: switches(finetune_settings(wildcards)),
        window=config["window"],
        precision=config["precision"],
        encodings=encodings,
        max_length=config["max_length"],
        prompt=prompt,
        work=f"{RESULTS}/work/{{base}}/{{data}}/seed{{seed}}",
    shell:
        """
        python scripts/finetune.py \
            --processes {resources.processes} \
            --model "$(dirname {input.checkpoint:q})" {params.train:q} {params.dev:q} \
            --window {params.window} \
            --learning-rate {params.finetune[learning_rate]} \
            --weight-decay {params.finetune[weight_decay]} \
            --warmup-steps {params.finetune[warmup_steps]} \
            --epochs {params.finetune[epochs]} \
            --max-steps {params.finetune[max_steps]} \
            --batch-size {params.finetune[batch_size]} \
            --micro-batch-size {params.finetune[micro_batch_size]} \
            --trained {params.finetune[trained]} \
            --lora-rank {params.finetune[lora_rank]} \
            --optimizer {params.finetune[optimizer]} \
            --evaluate-every {params.finetune[evaluate_every]} \
            --patience {params.finetune[patience]} \
            --criterion {params.finetune[criterion]} {params.switches} \
            --precision {params.precision} {params.encodings} \
            --max-length {params.max_length} \
            --language {params.prompt[language]:q} --task {params.prompt[task]:q} \
            --seed {wildcards.seed} \
            --threads {threads} \
            --work-dir {params.work:q} \
            --output "$(dirname {output.weights:q})" >>{log:q} 2>&1
        """


use rule finetune as finetune_further with:
    input:
        checkpoint="<results>/models/{base}/{first}/seed{seed}/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
    output:
        weights="<results>/models/{base}/{data}-after-{first}/seed{seed}/model.safetensors",
        lineage=record_of(
            "<results>/models/{base}/{data}-after-{first}/seed{seed}/model.safetensors"
        ),
    log:
        "<logs>/finetune/{base}/{data}-after-{first}/seed{seed}.log",
    params:
        code=code_version("finetune.py"),
        train=repeated("--train", "train"),
        dev=repeated("--dev", "dev"),
        finetune=continued_settings,
        switches=lambda wildcards: switches(continued_settings(wildcards)),
        window=config["window"],
        precision=config["precision"],
        encodings=encodings,
        max_length=config["max_length"],
        prompt=prompt,
        work=f"{RESULTS}/work/{{base}}/{{data}}-after-{{first}}/seed{{seed}}",

"""Fine-tuning: every trained arm is a data set, after the base model or after another arm."""


def finetune_settings(wildcards) -> dict:
    """Return what a training run is told, and nothing else: a parameter that changes reruns it."""
    settings = base_model(wildcards)["finetune"]
    mixed = settings["mixed"] if "-mixed-" in wildcards.data else {}
    not_told = ("mixed", "gpus", "selected_on", "continued_learning_rate_factor")
    return {key: value for key, value in (settings | mixed).items() if key not in not_told}


def continued_settings(wildcards) -> dict:
    """Return what a further training run is told, at a lower learning rate."""
    settings = finetune_settings(wildcards)
    factor = base_model(wildcards)["finetune"]["continued_learning_rate_factor"]
    return settings | {"learning_rate": settings["learning_rate"] * factor}


def switches(settings: dict) -> list[str]:
    """Return the options that are given only where they say something."""
    options = ["--gradient-checkpointing"] if settings["gradient_checkpointing"] else []
    for key in ("dropout", "mask_time_prob"):
        if key in settings:
            options += [f"--{key.replace('_', '-')}", str(settings[key])]
    return options


rule finetune:
    input:
        checkpoint="<results>/models/{base}/pretrained/seed0/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
    output:
        "<results>/models/{base}/{data}/seed{seed}/model.safetensors",
    log:
        "<logs>/finetune/{base}/{data}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=lambda wildcards: base_model(wildcards)["finetune"]["gpus"],
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
        model=base_model,
        work=f"{RESULTS}/work/{{base}}/{{data}}/seed{{seed}}",
    shell:
        """
        python scripts/finetune.py \
            --processes {resources.gpu} \
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
            --language {params.model[language]} --task {params.model[task]} \
            --seed {wildcards.seed} \
            --threads {threads} \
            --work-dir {params.work:q} \
            --output "$(dirname {output:q})" >>{log:q} 2>&1
        """


use rule finetune as finetune_further with:
    input:
        checkpoint="<results>/models/{base}/{first}/seed{seed}/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
    output:
        "<results>/models/{base}/{data}-after-{first}/seed{seed}/model.safetensors",
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
        model=base_model,
        work=f"{RESULTS}/work/{{base}}/{{data}}-after-{{first}}/seed{{seed}}",

"""Fine-tuning: every trained arm is a data set, after the base model or after another arm."""


rule finetune:
    input:
        checkpoint="<results>/models/pretrained/seed0/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
    output:
        "<results>/models/{data}/seed{seed}/model.safetensors",
    log:
        "<logs>/finetune/{data}/seed{seed}.log",
    conda:
        "../envs/syn2real.yaml"
    threads: 1
    resources:
        gpu=1,
    params:
        code=code_version("finetune.py"),
        train=repeated("--train", "train"),
        dev=repeated("--dev", "dev"),
        finetune=config["finetune"],
        learning_rate=config["finetune"]["learning_rate"],
        window=config["window"],
        precision=config["precision"],
        encodings=ENCODINGS,
        max_length=config["max_length"],
        model=config["model"],
        work=f"{RESULTS}/work/{{data}}/seed{{seed}}",
    shell:
        """
        python scripts/finetune.py \
            --model "$(dirname {input.checkpoint:q})" {params.train:q} {params.dev:q} \
            --window {params.window} \
            --learning-rate {params.learning_rate} \
            --weight-decay {params.finetune[weight_decay]} \
            --warmup-steps {params.finetune[warmup_steps]} \
            --epochs {params.finetune[epochs]} \
            --batch-size {params.finetune[batch_size]} \
            --trained {params.finetune[trained]} \
            --evaluate-every {params.finetune[evaluate_every]} \
            --patience {params.finetune[patience]} \
            --criterion {params.finetune[criterion]} \
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
        checkpoint="<results>/models/{first}/seed{seed}/model.safetensors",
        train=training_manifests("train"),
        dev=training_manifests("dev"),
    output:
        "<results>/models/{data}-after-{first}/seed{seed}/model.safetensors",
    log:
        "<logs>/finetune/{data}-after-{first}/seed{seed}.log",
    params:
        code=code_version("finetune.py"),
        train=repeated("--train", "train"),
        dev=repeated("--dev", "dev"),
        finetune=config["finetune"],
        learning_rate=config["finetune"]["learning_rate"]
        * config["finetune"]["continued_learning_rate_factor"],
        window=config["window"],
        precision=config["precision"],
        encodings=ENCODINGS,
        max_length=config["max_length"],
        model=config["model"],
        work=f"{RESULTS}/work/{{data}}-after-{{first}}/seed{{seed}}",

"""External files: fetched once, whoever uses them, and checked against their checksums."""


rule fetch:
    output:
        "resources/{artifact}/files.json",
    log:
        "logs/fetch/{artifact}.log",
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("fetch.py"),
        declaration=declaration("artifacts", "artifact"),
    shell:
        """
        python scripts/fetch.py \
            --artifact {wildcards.artifact} \
            --declaration {params.declaration:q} \
            --output resources/{wildcards.artifact} >{log:q} 2>&1
        """


rule pretrained:
    input:
        expand("resources/{artifact}/files.json", artifact=config["model"]["artifact"]),
    output:
        "<results>/models/pretrained/seed0/model.safetensors",
    log:
        "<logs>/pretrained.log",
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("pretrained.py"),
    shell:
        """
        python scripts/pretrained.py \
            --artifact "$(dirname {input:q})" \
            --output "$(dirname {output:q})" >{log:q} 2>&1
        """

"""External files: fetched once, whoever uses them, and checked against their checksums."""


rule fetch:
    output:
        "resources/{artifact}/files.json",
    params:
        code=code_version("fetch.py"),
        declaration=declaration("artifacts", "artifact"),
    log:
        "logs/fetch/{artifact}.log",
    shell:
        """
        python {SCRIPTS:q}/fetch.py \
            --artifact {wildcards.artifact} \
            --declaration {params.declaration:q} \
            --output resources/{wildcards.artifact} >{log:q} 2>&1
        """


rule pretrained:
    input:
        expand("resources/{artifact}/files.json", artifact=config["model"]["artifact"]),
    output:
        "<results>/models/pretrained/seed0/model.safetensors",
    params:
        code=code_version("pretrained.py"),
    log:
        "<logs>/pretrained.log",
    shell:
        """
        python {SCRIPTS:q}/pretrained.py \
            --artifact "$(dirname {input:q})" \
            --output "$(dirname {output:q})" >{log:q} 2>&1
        """

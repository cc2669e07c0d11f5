"""External files: fetched once, whoever uses them, and checked against their checksums."""


rule fetch:
    output:
        "resources/{artifact}/SHA256SUMS",
    params:
        code=code_version("fetch.py"),
        declaration=declaration("artifacts", "artifact"),
        scripts=SCRIPTS,
    log:
        "logs/fetch/{artifact}.log",
    shell:
        """
        python {params.scripts:q}/fetch.py \
            --artifact {wildcards.artifact} \
            --declaration {params.declaration:q} \
            --output resources/{wildcards.artifact} >{log:q} 2>&1
        """


rule pretrained:
    input:
        expand("resources/{artifact}/SHA256SUMS", artifact=config["model"]["artifact"]),
    output:
        "<results>/models/pretrained/seed0/model.safetensors",
    params:
        code=code_version("pretrained.py"),
        scripts=SCRIPTS,
    log:
        "<logs>/pretrained.log",
    shell:
        """
        python {params.scripts:q}/pretrained.py \
            --artifact "$(dirname {input:q})" \
            --output "$(dirname {output:q})" >{log:q} 2>&1
        """

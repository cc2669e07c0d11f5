"""The table of all arms, and the page that shows it."""

# Domains in the report's audio players.
HEARD = [*([] if config["source"] == matrix.COMPLEMENT else config["source"]), *config["targets"]]
HEARD_REAL = [name for name in HEARD if name in WITH_RECORDINGS]


rule evaluations:
    output:
        "<results>/evaluations.json",
    log:
        "<logs>/evaluations.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("experiment.py"),
        experiment=json.dumps(config, sort_keys=True),
    shell:
        """
        python scripts/experiment.py \
            --experiment {params.experiment:q} \
            --output {output:q} >{log:q} 2>&1
        """


rule summarize:
    input:
        evaluations="<results>/evaluations.json",
        scores=[row["score"] for row in evaluations() if row["score"]],
    output:
        json="<results>/summary.json",
        tsv="<results>/summary.tsv",
    log:
        "<logs>/summarize.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("summarize.py"),
        resamples=config["resamples"],
    shell:
        """
        python scripts/summarize.py \
            --evaluations {input.evaluations:q} \
            --resamples {params.resamples} \
            --output-json {output.json:q} \
            --output-tsv {output.tsv:q} >{log:q} 2>&1
        """


rule report:
    input:
        summary="<results>/summary.json",
        template="scripts/templates/report.html.j2",
        real=expand("<results>/manifests/{domain}/real/train.jsonl", domain=HEARD_REAL),
        synthetic=expand(
            "<results>/manifests/{domain}/{tts}/train.jsonl", domain=HEARD, tts=TRAINING_TTS
        ),
    output:
        "<results>/report.html",
    log:
        "<logs>/report.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("report.py"),
        experiment=json.dumps(config, sort_keys=True),
    shell:
        """
        python scripts/report.py \
            --summary {input.summary:q} \
            --experiment {params.experiment:q} \
            --real {input.real:q} \
            --synthetic {input.synthetic:q} \
            --output {output:q} >{log:q} 2>&1
        """

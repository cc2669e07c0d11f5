"""The table of all arms, what is behind its numbers, and the page that shows it."""

from glob import glob

# Domains in the report's audio players.
PLAYED = [*([] if config["source"] == roles.COMPLEMENT else config["source"]), *config["targets"]]
PLAYED_REAL = [name for name in PLAYED if name in WITH_RECORDINGS]
SOURCE_DOMAINS = sorted({name for group in GROUPS for name in roles.domains_of(config, group)})
SCORES = sorted({row.score for row in evaluations() if row.score})
HAS_VECTORS = any(row.vector_path for row in evaluations())
# One target's arms of one base model are ranked by its own table.
IS_RANKED = len(config["targets"]) * len(config["base_models"]) > 1 and all(
    roles.test_speech(config, target) for target in config["targets"]
)


rule evaluations:
    output:
        json="<experiment>/evaluations.json",
        lineage=record_of("<experiment>/evaluations.json"),
    log:
        "<logs>/evaluations.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("experiment.py"),
        experiment=whole_config,
    shell:
        """
        python scripts/experiment.py \
            --experiment {params.experiment:q} \
            --output {output.json:q} >{log:q} 2>&1
        """


rule leakage:
    input:
        evaluations="<experiment>/evaluations.json",
        scores=SCORES,
    output:
        json="<experiment>/leakage.json",
        lineage=record_of("<experiment>/leakage.json"),
    log:
        "<logs>/leakage.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("leakage.py"),
        language=config["language"],
    shell:
        """
        python scripts/leakage.py \
            --evaluations {input.evaluations:q} \
            --language {params.language:q} \
            --output {output.json:q} >{log:q} 2>&1
        """


checkpoint summarize:
    input:
        evaluations="<experiment>/evaluations.json",
        leakage="<experiment>/leakage.json",
        scores=SCORES,
    output:
        json="<experiment>/summary.json",
        tsv=report(
            "<experiment>/summary.tsv", caption="report_captions/summary.rst", category="Results"
        ),
        lineage=record_of("<experiment>/summary.json"),
    log:
        "<logs>/summarize.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("summarize.py"),
        resamples=config["resamples"],
        resampled_by=config["resampled_by"],
        chosen_on=config["task_vector"]["chosen_on"],
        constant=config["task_vector"]["constant"],
        again=lambda wildcards: command_of_number(
            workflow.configfiles, workflow.config_settings.config_args
        ),
    shell:
        """
        python scripts/summarize.py \
            --evaluations {input.evaluations:q} \
            --leakage {input.leakage:q} \
            --resamples {params.resamples:q} \
            --resampled-by {params.resampled_by:q} \
            --chosen-on {params.chosen_on:q} \
            --constant {params.constant:q} \
            --again {params.again:q} \
            --output-json {output.json:q} \
            --output-tsv {output.tsv:q} >{log:q} 2>&1
        """


rule breakdown:
    input:
        summary="<experiment>/summary.json",
        source=expand("<results>/manifests/{domain}/real/train.jsonl", domain=SOURCE_DOMAINS),
    output:
        json="<experiment>/breakdown.json",
        lineage=record_of("<experiment>/breakdown.json"),
    log:
        "<logs>/breakdown.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("breakdown.py"),
    shell:
        """
        python scripts/breakdown.py \
            --summary {input.summary:q} \
            --source-training {input.source:q} \
            --output {output.json:q} >{log:q} 2>&1
        """


rule rank:
    input:
        evaluations="<experiment>/evaluations.json",
        summary="<experiment>/summary.json",
        scores=sorted({row.score for row in evaluations() if row.role == "test"}),
    output:
        json="<experiment>/ranking.json",
        lineage=record_of("<experiment>/ranking.json"),
    log:
        "<logs>/rank.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("rank.py"),
    shell:
        """
        python scripts/rank.py \
            --evaluations {input.evaluations:q} \
            --summary {input.summary:q} \
            --output {output.json:q} >{log:q} 2>&1
        """


rule vector_geometry:
    input:
        vectors=sorted({row.vector_path for row in evaluations() if row.vector_path}),
        bases=expand(
            "<results>/models/{base}/pretrained/seed0/model.safetensors",
            base=config["base_models"],
        ),
    output:
        json="<experiment>/task_vectors.json",
        lineage=record_of("<experiment>/task_vectors.json"),
    log:
        "<logs>/vector_geometry.log",
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_compute_task_vector),
        runtime=run_time(to_compute_task_vector),
        disk_mb=disk(to_compute_task_vector),
    params:
        code=code_version("vector_geometry.py"),
    shell:
        """
        python scripts/vector_geometry.py \
            --vector {input.vectors:q} \
            --base {input.bases:q} \
            --output {output.json:q} >{log:q} 2>&1
        """


rule report:
    input:
        summary="<experiment>/summary.json",
        breakdown="<experiment>/breakdown.json",
        vectors=["<experiment>/task_vectors.json"] if HAS_VECTORS else [],
        ranking=["<experiment>/ranking.json"] if IS_RANKED else [],
        templates=sorted(
            glob("scripts/reporting/templates/*.html.j2")
            + glob("scripts/reporting/templates/report.*")
        ),
        real=expand("<results>/manifests/{domain}/real/train.jsonl", domain=PLAYED_REAL),
        synthetic=expand(
            "<results>/manifests/{domain}/{tts}/train.jsonl", domain=PLAYED, tts=TRAINING_TTS
        ),
    output:
        page=report(
            "<experiment>/report.html", caption="report_captions/report.rst", category="Results"
        ),
        lineage=record_of("<experiment>/report.html"),
    log:
        "<logs>/report.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("report.py"),
        vectors=repeated("--task-vectors", "vectors"),
        ranking=repeated("--ranking", "ranking"),
        experiment=whole_config,
    shell:
        """
        python scripts/report.py \
            --summary {input.summary:q} \
            --breakdown {input.breakdown:q} {params.vectors:q} {params.ranking:q} \
            --experiment {params.experiment:q} \
            --real {input.real:q} \
            --synthetic {input.synthetic:q} \
            --output {output.page:q} >{log:q} 2>&1
        """

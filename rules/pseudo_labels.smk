"""Recordings with pseudo-labels: what the base model heard in them, where it was sure.

Those of the source may be parted by clusters of its speakers, each with a task vector of its own.
"""


use rule collect as collect_to_learn with:
    output:
        manifest="<results>/untranscribed/{domain}-{split}.jsonl",
        lineage=record_of("<results>/untranscribed/{domain}-{split}.jsonl"),
    log:
        "<logs>/collect/{domain}-{split}.log",
    wildcard_constraints:
        domain=one_of(UNTRANSCRIBED),
        split="train|dev",
    params:
        part=lambda wildcards: [*share_for_verdict(wildcards), "--part", wildcards.split],
        declaration=as_json(declaration_to_learn),
        audio=f"{RESULTS}/audio/{{domain}}/untranscribed-{{split}}",


use rule transcribe as transcribe_to_label with:
    input:
        checkpoint="<results>/models/{base}/pretrained/seed0/model.safetensors",
        manifest=recordings_to_label,
    output:
        hypotheses="<results>/pseudo_labels/{base}/{domain}/{split}.hypotheses.jsonl",
        lineage=record_of("<results>/pseudo_labels/{base}/{domain}/{split}.hypotheses.jsonl"),
    log:
        "<logs>/transcribe_to_label/{base}/{domain}-{split}.log",
    wildcard_constraints:
        domain=one_of(config["domains"]),
        split="train|dev",
    params:
        sure=["--log-probability"],
        work=f"{RESULTS}/work/pseudo_labels/{{base}}/{{domain}}-{{split}}",


use rule label as label_to_learn with:
    input:
        manifest=recordings_to_label,
        hypotheses="<results>/pseudo_labels/{base}/{domain}/{split}.hypotheses.jsonl",
    output:
        manifest="<results>/manifests/{domain}/pseudo-{base}/{split}.jsonl",
        lineage=record_of("<results>/manifests/{domain}/pseudo-{base}/{split}.jsonl"),
    log:
        "<logs>/label/{base}/{domain}-{split}.log",
    wildcard_constraints:
        domain=one_of(config["domains"]),
        split="train|dev",
    params:
        bounds=[
            *("--fewest", "1"),
            *("--min-log-probability", str(config["pseudo_labels"]["min_log_probability"])),
        ],


use rule xvectors as xvectors_to_cluster with:
    input:
        encoder=index_of(config["pseudo_labels"]["speaker_encoder"]),
        manifests=["<results>/manifests/{group}/real/train.jsonl"],
    output:
        speakers="<results>/speakers/of-{group}.safetensors",
        lineage=record_of("<results>/speakers/of-{group}.safetensors"),
    log:
        "<logs>/xvectors/of-{group}.log",
    wildcard_constraints:
        group=one_of(GROUPS),


rule cluster:
    input:
        speakers="<results>/speakers/of-{group}.safetensors",
        manifest="<results>/manifests/{group}/{speech}/train.jsonl",
    output:
        manifest="<results>/manifests/{group}-cluster-{cluster}of{clusters}/{speech}/train.jsonl",
        lineage=record_of(
            "<results>/manifests/{group}-cluster-{cluster}of{clusters}/{speech}/train.jsonl"
        ),
    log:
        "<logs>/cluster/{group}-cluster-{cluster}of{clusters}-{speech}.log",
    wildcard_constraints:
        group=one_of(GROUPS),
        speech=f"{paths.REAL}|{PSEUDO}",
        cluster=r"\d+",
        clusters=r"\d+",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("cluster.py"),
    shell:
        """
        python scripts/cluster.py \
            --speakers {input.speakers:q} \
            --manifest {input.manifest:q} \
            --clusters {wildcards.clusters:q} \
            --cluster {wildcards.cluster:q} \
            --output {output.manifest:q} >{log:q} 2>&1
        """

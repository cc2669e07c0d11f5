"""Recordings with pseudo-labels: what the base model heard in them, where it was sure."""

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

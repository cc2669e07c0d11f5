"""syn2real: adapt a speech recogniser to a new domain from its text alone."""

from snakemake.utils import min_version

min_version("9.27")

if not workflow.config_settings.configfiles:

    configfile: "config.yaml"


include: "rules/common.smk"
include: "rules/functions.smk"
include: "rules/resources.smk"
include: "rules/fetch.smk"
include: "rules/prepare.smk"
include: "rules/texts.smk"
include: "rules/synthesize.smk"
include: "rules/transcribe.smk"
include: "rules/filter.smk"
include: "rules/augment.smk"
include: "rules/untranscribed.smk"
include: "rules/pseudo_labels.smk"
include: "rules/finetune.smk"
include: "rules/task_vector.smk"
include: "rules/score.smk"
include: "rules/report.smk"
include: "rules/export.smk"
include: "rules/model_card.smk"


onstart:
    guard_run()


rule all:
    default_target: True
    input:
        "<experiment>/report.html",
        delivered("model.safetensors"),
        delivered("README.md"),

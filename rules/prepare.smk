"""Domains: manifests of real speech, and the texts that the TTS reads."""


rule prepare:
    input:
        files_of_domain,
    output:
        train="<results>/manifests/{domain}/real/train.jsonl",
        dev="<results>/manifests/{domain}/real/dev.jsonl",
        test="<results>/manifests/{domain}/real/test.jsonl",
        texts="<results>/texts/{domain}/train.jsonl",
        dev_texts="<results>/texts/{domain}/dev.jsonl",
        lineage=record_of(
            [
                "<results>/manifests/{domain}/real/train.jsonl",
                "<results>/texts/{domain}/train.jsonl",
            ]
        ),
    log:
        "<logs>/prepare/{domain}.log",
    wildcard_constraints:
        domain=one_of(WITH_RECORDINGS),
    priority: 1
    conda:
        "../envs/syn2real.yaml"
    threads: 2
    resources:
        mem_mb=memory(to_prepare),
        runtime=run_time(to_prepare),
        disk_mb=disk(to_prepare),
    params:
        code=reader_version,
        declaration=domain_declaration,
        language=config["language"],
        corpus=corpus_folder,
        audio=f"{RESULTS}/audio/{{domain}}/real",
        manifests=f"{RESULTS}/manifests/{{domain}}/real",
        texts=f"{RESULTS}/texts/{{domain}}",
    shell:
        """
        python scripts/prepare.py \
            --domain {wildcards.domain:q} \
            --declaration {params.declaration:q} {params.corpus:q} \
            --language {params.language:q} \
            --jobs {threads:q} \
            --audio-dir {params.audio:q} \
            --manifests-dir {params.manifests:q} \
            --texts-dir {params.texts:q} >{log:q} 2>&1
        """


use rule prepare as prepare_texts with:
    output:
        texts="<results>/texts/{domain}/train.jsonl",
        dev_texts="<results>/texts/{domain}/dev.jsonl",
        lineage=record_of("<results>/texts/{domain}/train.jsonl"),
    wildcard_constraints:
        domain=one_of(set(TEXT_ONLY) - {*WITH_TEST_TEXTS, *WITH_TEST_RECORDINGS}),


use rule prepare_texts as prepare_texts_to_test_on with:
    output:
        texts="<results>/texts/{domain}/train.jsonl",
        dev_texts="<results>/texts/{domain}/dev.jsonl",
        test_texts="<results>/texts/{domain}/test.jsonl",
        lineage=record_of("<results>/texts/{domain}/train.jsonl"),
    wildcard_constraints:
        domain=one_of(WITH_TEST_TEXTS),


use rule prepare_texts as prepare_texts_and_test_recordings with:
    output:
        test="<results>/manifests/{domain}/real/test.jsonl",
        texts="<results>/texts/{domain}/train.jsonl",
        dev_texts="<results>/texts/{domain}/dev.jsonl",
        lineage=record_of(
            [
                "<results>/manifests/{domain}/real/test.jsonl",
                "<results>/texts/{domain}/train.jsonl",
            ]
        ),
    wildcard_constraints:
        domain=one_of(WITH_TEST_RECORDINGS),


rule pool:
    input:
        lambda wildcards: expand(
            "<results>/manifests/{domain}/{speech}/{split}.jsonl",
            domain=roles.domains_of(config, wildcards.group),
            speech=wildcards.speech,
            split=wildcards.split,
        ),
    output:
        manifest="<results>/manifests/{group}/{speech}/{split}.jsonl",
        lineage=record_of("<results>/manifests/{group}/{speech}/{split}.jsonl"),
    log:
        "<logs>/pool/{group}-{speech}-{split}.log",
    wildcard_constraints:
        group=one_of(POOLED),
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("pool.py"),
    shell:
        """
        python scripts/pool.py --output {output.manifest:q} {input:q} >{log:q} 2>&1
        """

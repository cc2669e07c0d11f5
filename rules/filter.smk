"""Round trip: what the base model does not understand, or what sounds wrong, is left out.

Words that it misses are key terms, for decoders that are led by them.
"""


use rule transcribe as transcribe_synthesized with:
    input:
        checkpoint=expand("<results>/models/{base}/pretrained/seed0/model.safetensors", base=JUDGE),
        manifest="<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.jsonl",
    output:
        hypotheses="<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.hypotheses.jsonl",
        lineage=record_of(
            "<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.hypotheses.jsonl"
        ),
    log:
        "<logs>/transcribe_synthesized/{domain}-{tts}-{split}-shard{shard}of{shards}.log",
    params:
        longer=["--leave-out-longer"],  # the filter rejects it
        work=f"{RESULTS}/work/synthesized/{{domain}}-{{tts}}-{{split}}-shard{{shard}}of{{shards}}",


rule filter:
    input:
        manifests=shards_of("shard{shard}of{shards}.jsonl"),
        hypotheses=shards_of("shard{shard}of{shards}.hypotheses.jsonl"),
    output:
        kept="<results>/manifests/{domain}/{tts}/{split}.jsonl",
        rejected="<results>/manifests/{domain}/{tts}/{split}.rejected.tsv",
        lineage=record_of("<results>/manifests/{domain}/{tts}/{split}.jsonl"),
    log:
        "<logs>/filter/{domain}-{tts}-{split}.log",
    wildcard_constraints:
        domain=one_of(set(config["domains"]) - set(AUGMENTED)),
        split="train|dev",
    conda:
        "../envs/syn2real.yaml"
    resources:
        mem_mb=memory(to_filter),
        runtime=run_time(to_filter),
        disk_mb=disk(to_filter),
    params:
        code=code_version("filter.py"),
        bounds=as_json(filter_bounds),
        language=config["language"],
    shell:
        """
        python scripts/filter.py \
            --manifest {input.manifests:q} \
            --hypotheses {input.hypotheses:q} \
            --language {params.language:q} \
            --settings {params.bounds:q} \
            --output {output.kept:q} \
            --rejected {output.rejected:q} >{log:q} 2>&1
        """


use rule filter as filter_before_augmentation with:
    output:
        kept="<results>/filtered/{domain}/{tts}/{split}.jsonl",
        rejected="<results>/filtered/{domain}/{tts}/{split}.rejected.tsv",
        lineage=record_of("<results>/filtered/{domain}/{tts}/{split}.jsonl"),
    wildcard_constraints:
        domain=one_of(AUGMENTED),
        split="train|dev",


rule key_terms:
    input:
        manifests=shards_of("shard{shard}of{shards}.jsonl", "train"),
        hypotheses=shards_of("shard{shard}of{shards}.hypotheses.jsonl", "train"),
    output:
        terms="<results>/key_terms/{domain}/{tts}.jsonl",
        lineage=record_of("<results>/key_terms/{domain}/{tts}.jsonl"),
    log:
        "<logs>/key_terms/{domain}-{tts}.log",
    localrule: True
    conda:
        "../envs/syn2real.yaml"
    params:
        code=code_version("key_terms.py"),
        language=config["language"],
    shell:
        """
        python scripts/key_terms.py \
            --manifest {input.manifests:q} \
            --hypotheses {input.hypotheses:q} \
            --language {params.language:q} \
            --output {output.terms:q} >{log:q} 2>&1
        """

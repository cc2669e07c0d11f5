"""Round trip: what the base model does not understand, or what sounds wrong, is left out."""


rule transcribe_synthesized:
    input:
        checkpoint="<results>/models/pretrained/seed0/model.safetensors",
        manifest="<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.jsonl",
    output:
        "<results>/synthesized/{domain}/{tts}/{split}/shard{shard}of{shards}.hypotheses.jsonl",
    params:
        code=code_version("transcribe.py"),
        window=config["filter"]["window"],
        batch_size=config["batch_size"],
        precision=config["precision"],
        encodings=ENCODINGS,
        model=config["model"],
    threads: 1
    resources:
        gpu=1,
    log:
        "<logs>/transcribe_synthesized/{domain}-{tts}-{split}-shard{shard}of{shards}.log",
    shell:
        """
        python {SCRIPTS:q}/transcribe.py \
            --model "$(dirname {input.checkpoint:q})" \
            --manifest {input.manifest:q} \
            --window {params.window} \
            --batch-size {params.batch_size} \
            --precision {params.precision} {params.encodings} \
            --language {params.model[language]} --task {params.model[task]} \
            --threads {threads} \
            --output {output:q} >{log:q} 2>&1
        """


rule filter:
    input:
        manifests=shards_of("shard{shard}of{shards}.jsonl"),
        hypotheses=shards_of("shard{shard}of{shards}.hypotheses.jsonl"),
    output:
        kept="<results>/manifests/{domain}/{tts}/{split}.jsonl",
        rejected="<results>/manifests/{domain}/{tts}/{split}.rejected.tsv",
    params:
        code=code_version("filter.py"),
        bounds=config["filter"],
    wildcard_constraints:
        split="train|dev",
    log:
        "<logs>/filter/{domain}-{tts}-{split}.log",
    shell:
        """
        python {SCRIPTS:q}/filter.py \
            --manifest {input.manifests:q} \
            --hypotheses {input.hypotheses:q} \
            --max-cer {params.bounds[max_cer]} \
            --min-duration {params.bounds[min_duration]} \
            --max-duration {params.bounds[max_duration]} \
            --min-speaking-rate {params.bounds[min_speaking_rate]} \
            --max-speaking-rate {params.bounds[max_speaking_rate]} \
            --max-silence {params.bounds[max_silence]} \
            --max-clipping {params.bounds[max_clipping]} \
            --output {output.kept:q} \
            --rejected {output.rejected:q} >{log:q} 2>&1
        """

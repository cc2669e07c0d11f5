"""Tiny random Bark, SpeechT5 with HiFi-GAN, x-vector and VITS models, in the real ones' format."""

import json
import string
from pathlib import Path

import numpy as np
import torch

LETTERS = list(string.ascii_lowercase)


def write_bark(folder: Path, seed: int = 0) -> Path:
    """Write a Bark whose vocabularies are the real ones' and whose layers are tiny.

    It says at most 12 semantic tokens, 0.24 s; each is the end once in 41 times.
    """
    from transformers import BarkConfig, BarkModel, BertTokenizer, EncodecConfig
    from transformers.models.bark import (
        BarkCoarseConfig,
        BarkFineConfig,
        BarkProcessor,
        BarkSemanticConfig,
    )
    from transformers.models.bark.generation_configuration_bark import (
        BarkCoarseGenerationConfig,
        BarkFineGenerationConfig,
        BarkGenerationConfig,
        BarkSemanticGenerationConfig,
    )

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    layers = {"num_layers": 1, "num_heads": 2, "hidden_size": 8, "block_size": 1024}
    codec = EncodecConfig(
        num_filters=4,
        hidden_size=8,
        codebook_dim=8,
        codebook_size=1024,
        num_lstm_layers=1,
        target_bandwidths=[6.0],  # 8 codebooks, as Bark's
    )
    config = BarkConfig(
        semantic_config=BarkSemanticConfig(
            input_vocab_size=129_600, output_vocab_size=10_048, **layers
        ).to_dict(),
        coarse_acoustics_config=BarkCoarseConfig(
            input_vocab_size=12_096, output_vocab_size=12_096, **layers
        ).to_dict(),
        fine_acoustics_config=BarkFineConfig(
            input_vocab_size=1_056, output_vocab_size=1_056, **layers
        ).to_dict(),
        codec_config=codec.to_dict(),
    )
    model = BarkModel(config)
    with torch.no_grad():
        for layer in model.codec_model.quantizer.layers:  # of zeros until it is trained
            layer.codebook.embed.normal_()
    model.save_pretrained(folder)
    generation = BarkGenerationConfig.from_sub_model_configs(
        BarkSemanticGenerationConfig(do_sample=True, max_new_tokens=12, semantic_vocab_size=40),
        BarkCoarseGenerationConfig(do_sample=True),
        BarkFineGenerationConfig(temperature=0.5),
    )
    (folder / "generation_config.json").write_text(json.dumps(generation.to_dict()))
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *LETTERS]
    vocabulary += [f"##{letter}" for letter in LETTERS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    tokenizer = BertTokenizer(str(folder / "vocab.txt"))
    BarkProcessor(tokenizer).save_pretrained(folder)
    return folder


def write_bark_preset(folder: Path, voice: str, seed: int, as_npy: bool = False) -> None:
    """Write a voice preset of 2 s, as the .npz or as the three .npy files of the real one."""
    random = np.random.default_rng(seed)
    prompts = {
        "semantic_prompt": random.integers(0, 10_000, 100),
        "coarse_prompt": random.integers(0, 1024, (2, 150)),
        "fine_prompt": random.integers(0, 1024, (8, 150)),
    }
    path = folder / "speaker_embeddings" / voice
    path.parent.mkdir(parents=True, exist_ok=True)
    if as_npy:
        for name, prompt in prompts.items():
            np.save(f"{path}_{name}.npy", prompt)
    else:
        np.savez(f"{path}.npz", **prompts)


def write_speecht5(folder: Path, seed: int = 0) -> Path:
    """Write a SpeechT5 that knows lower-case letters, and its vocoder; it never stops by itself."""
    import sentencepiece
    from transformers import (
        SpeechT5Config,
        SpeechT5ForTextToSpeech,
        SpeechT5HifiGan,
        SpeechT5HifiGanConfig,
        SpeechT5Tokenizer,
    )

    torch.manual_seed(seed)
    model_folder = folder / "model"
    model_folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([" ".join(LETTERS), "".join(LETTERS)]),
        model_prefix=str(model_folder / "spm_char"),
        model_type="char",
        vocab_size=31,
        bos_id=0,
        pad_id=1,
        eos_id=2,
        unk_id=3,
        minloglevel=2,
    )
    tokenizer = SpeechT5Tokenizer(str(model_folder / "spm_char.model"))
    config = SpeechT5Config(
        vocab_size=len(tokenizer),
        hidden_size=16,
        encoder_layers=1,
        encoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        num_mel_bins=80,
        speech_decoder_prenet_units=16,
        speech_decoder_postnet_units=16,
        speech_decoder_postnet_layers=2,
        speaker_embedding_dim=512,
        conv_dim=(16,) * 7,
        max_text_positions=60,
        max_speech_positions=64,
    )
    model = SpeechT5ForTextToSpeech(config)
    with torch.no_grad():
        model.speech_decoder_postnet.prob_out.bias.fill_(-100)
    model.save_pretrained(model_folder)
    tokenizer.save_pretrained(model_folder)
    vocoder = SpeechT5HifiGanConfig(
        upsample_initial_channel=16,
        upsample_rates=[4, 4, 4, 4],
        upsample_kernel_sizes=[8, 8, 8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        initializer_range=0.2,  # loud enough to be no silence
    )
    SpeechT5HifiGan(vocoder).save_pretrained(folder / "vocoder")
    return folder


def write_xvector(folder: Path, seed: int = 0) -> Path:
    """Write an x-vector network of the real size, 4 M parameters, with random weights."""
    from speechbrain.lobes.models.Xvector import Xvector

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    network = Xvector(
        in_channels=24,
        activation=torch.nn.LeakyReLU,
        tdnn_blocks=5,
        tdnn_channels=[512, 512, 512, 512, 1500],
        tdnn_kernel_sizes=[5, 3, 3, 1, 1],
        tdnn_dilations=[1, 2, 3, 1, 1],
        lin_neurons=512,
    )
    torch.save(network.state_dict(), folder / "embedding_model.ckpt")
    return folder


def write_vits(folder: Path, seed: int = 0) -> Path:
    """Write a Coqui VITS of two speakers, whose config.json has another machine's paths."""
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    speakers = folder / "speaker_ids.json"
    speakers.write_text(json.dumps({"p225": 0, "p226": 1}))
    arguments = VitsArgs(
        hidden_channels=8,
        hidden_channels_ffn_text_encoder=8,
        num_heads_text_encoder=2,
        num_layers_text_encoder=1,
        num_layers_posterior_encoder=1,
        num_layers_flow=1,
        upsample_initial_channel_decoder=16,
        upsample_rates_decoder=[8, 8, 4],
        upsample_kernel_sizes_decoder=[16, 16, 8],
        resblock_kernel_sizes_decoder=[3],
        resblock_dilation_sizes_decoder=[[1, 3, 5]],
        use_speaker_embedding=True,
        speaker_embedding_channels=8,
        speakers_file=str(speakers),
        init_discriminator=False,
    )
    config = VitsConfig(
        model_args=arguments,
        use_speaker_embedding=True,
        speakers_file=str(speakers),
        text_cleaner="english_cleaners",
        characters=CharactersConfig(
            characters_class="TTS.tts.models.vits.VitsCharacters",
            characters="".join(LETTERS),
            punctuations=" .,!?",
            phonemes="",
            pad="_",
            eos=None,
            bos=None,
            blank="<BLNK>",
        ),
    )
    model = Vits.init_from_config(config)
    with torch.no_grad():
        model.waveform_decoder.conv_post.weight.mul_(1000)  # loud enough to be no silence
    torch.save({"model": model.state_dict()}, folder / "model_file.pth")
    config.speakers_file = config.model_args.speakers_file = "/elsewhere/speaker_ids.json"
    config.save_json(folder / "config.json")
    return folder


def write_xtts(folder: Path, seed: int = 0) -> Path:
    """Write a Coqui XTTS of two speakers that says at most 20 audio tokens, a second."""
    from tokenizers import Tokenizer, models
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.models.xtts import Xtts, _legacy_safe_globals

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["[STOP]", "[UNK]", "[SPACE]", "[START]", "[en]", *LETTERS]
    vocabulary = models.BPE(
        vocab={token: i for i, token in enumerate(tokens)}, merges=[], unk_token="[UNK]"
    )
    tokenizer = Tokenizer(vocabulary)
    tokenizer.add_special_tokens(tokens[:5])
    tokenizer.save(str(folder / "vocab.json"))
    config = XttsConfig(
        languages=["en", "es"],
        model_args=XttsArgs(
            tokenizer_file=str(folder / "vocab.json"),
            gpt_layers=1,
            gpt_n_model_channels=64,
            gpt_n_heads=2,
            gpt_max_audio_tokens=20,
            gpt_max_text_tokens=300,
            gpt_num_audio_tokens=1026,
            gpt_start_audio_token=1024,
            gpt_stop_audio_token=1025,
            gpt_use_perceiver_resampler=True,
            decoder_input_dim=64,
        ),
    )
    config.save_json(folder / "config.json")
    model = Xtts(config)
    model.tokenizer.tokenizer = tokenizer
    model.init_models()
    with _legacy_safe_globals():  # published checkpoints have a config of Coqui's class in them
        torch.save({"model": model.state_dict(), "config": config}, folder / "model.pth")
    speakers = {
        name: {
            "gpt_cond_latent": torch.randn(1, 32, 64),
            "speaker_embedding": torch.randn(1, 512, 1),
        }
        for name in ("Ana", "Boris")
    }
    torch.save(speakers, folder / "speakers_xtts.pth")
    return folder

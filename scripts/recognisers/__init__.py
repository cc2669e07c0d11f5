"""Whisper and CTC models: loaded, trained on, and made to transcribe."""

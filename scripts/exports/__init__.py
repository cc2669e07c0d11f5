"""The forms in which services run a Whisper: each is written, and run by its own library."""

"""An experiment's config: read, completed from presets and defaults, and checked."""

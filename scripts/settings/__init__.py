"""Settings of every kind, checked: an experiment's by a schema, a command's by a dataclass."""

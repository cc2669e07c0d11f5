"""Files of the kinds that the stages write and read."""

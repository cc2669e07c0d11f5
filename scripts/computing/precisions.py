"""What a precision may be called, for those who do without PyTorch: the rules, and the config."""

from typing import Literal

Precision = Literal["bf16", "fp32"]
PrecisionChoice = Literal["auto", "bf16", "fp32"]

"""What a long job says now and then of how far it is."""


def progress(done: int, total: int, resumed: int, seconds: float) -> str:
    """Return a line that says how far it is and how long it will take."""
    line = f"{done}/{total} utterances"
    if done > resumed:
        speed = (done - resumed) / max(seconds, 1e-9)
        line += f", {speed:.1f} a second, {(total - done) / speed:.0f} s left"
    return line + (f" ({resumed} were there already)" if resumed else "")

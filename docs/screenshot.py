"""Draw the first screen of a report as a browser shows it: docs/report.png, of the README.

``make demo checks``, then ``python docs/screenshot.py``.
"""

import argparse
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
SIZE = {"width": 840, "height": 596}  # pixels


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    default = Path("results/demo/report.html")
    parser.add_argument("--report", type=Path, default=default, help=f"default: {default}")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("report.png"))
    options = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(options.report.resolve().as_uri())
        page.screenshot(path=options.output)
        browser.close()


if __name__ == "__main__":
    main()

"""The page to listen on, as a browser shows it: it plays from disk, on a phone, by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

import listen
from made_up_speech import RESULTS, make_all
from test_report_in_browser import browser, open_all  # noqa: F401


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("heard")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        listen.main([f"--experiment={make_all(monkeypatch)}"])
    return folder / RESULTS / "listen.html"


@pytest.fixture
def page(browser: Browser, written: Path) -> Iterator[Page]:  # noqa: F811
    """The page, which must not complain, and ask for nothing but itself and its audio."""
    shown, said, asked = browser.new_page(), [], []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(written.as_uri())
    yield shown
    shown.close()
    assert said == []
    own = (written.as_uri(), "data:", f"{written.parent.as_uri()}/audio/")
    assert [url for url in asked if not url.startswith(own)] == []


def test_tab_and_space_play_an_utterance_from_disk(page: Page):
    page.get_by_role("link", name="listen.tsv").focus()
    for _ in range(9):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "AUDIO":
            break
    assert page.evaluate("document.activeElement.readyState") == 0  # nothing is loaded unasked
    page.keyboard.press("Space")
    for _ in range(100):
        page.wait_for_timeout(100)  # ms
        if page.evaluate("document.activeElement.currentTime") > 0:
            break
    assert page.evaluate("document.activeElement.currentTime") > 0
    assert 0.6 <= page.evaluate("document.activeElement.duration") <= 4  # s


def test_at_390_pixels_the_page_is_no_wider_than_the_screen(page: Page):
    page.set_viewport_size({"width": 390, "height": 800})
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, written: Path, scheme: str):  # noqa: F811
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(written.as_uri())
    open_all(page)
    only = {"type": "tag", "values": ["wcag2a", "wcag2aa"]}
    violations = Axe().run(page, options={"runOnly": only}).response["violations"]
    context.close()
    assert [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ] == []

"""The page, as a browser shows it: what can be clicked, read aloud, printed, and how soon."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, sync_playwright

import report
from made_up_report import NAMES, SMALL, Size, write_made_up_report_inputs

CHROMIUM = Path("/usr/bin/chromium")
TABLE = "table.results >> nth=0"

if not CHROMIUM.is_file() and "CI" not in os.environ:
    pytest.skip(f"no Chromium at {CHROMIUM}", allow_module_level=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("small"), SMALL)


@pytest.fixture
def page(browser: Browser, written: Path) -> Iterator[Page]:
    """The small experiment's page; it must not complain, and ask for nothing but itself."""
    shown, said, asked = browser.new_page(), [], []
    shown.on("console", lambda message: said.append(message.text))
    shown.on("pageerror", lambda error: said.append(str(error)))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(written.as_uri())
    yield shown
    shown.close()
    assert said == []
    assert {url for url in asked if not url.startswith(("data:", "blob:"))} == {written.as_uri()}


def write(folder: Path, size: Size) -> Path:
    options = write_made_up_report_inputs(folder, size)
    report.main([*options, f"--output={folder / 'report.html'}"])
    return folder / "report.html"


def column(page: Page, number: int) -> list[str]:
    """Return what stands in a column of the first table of WERs, row by row."""
    rows = page.locator(TABLE).locator("tbody > tr:first-child")
    return [row.locator("th, td").nth(number).inner_text() for row in rows.all()]


def heading(page: Page, name: str) -> Locator:
    """Return the button that sorts the first table of WERs; the arrow is no part of its name."""
    return page.locator(TABLE).get_by_role("button", name=name, exact=True)


def sorting(page: Page) -> list[str | None]:
    headings = page.locator(TABLE).locator("thead th").all()
    return [heading.get_attribute("aria-sort") for heading in headings]


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


def test_a_click_sorts_by_number_and_the_next_one_turns_the_order(page: Page):
    wer = heading(page, "WER %")
    wer.click()
    assert [cell.split()[0] for cell in column(page, 1)][:3] == ["12.0", "17.0", "18.0"]
    assert sorting(page)[:2] == [None, "ascending"]
    wer.click()
    assert [cell.split()[0] for cell in column(page, 1)][:3] == ["27.0", "26.0", "24.0"]
    assert sorting(page)[:2] == [None, "descending"]


def test_differences_sort_by_their_sign_and_rows_without_one_stay_last(page: Page):
    button = heading(page, "vs pretrained")
    button.click()
    assert [cell.split()[0] for cell in column(page, 2)][:2] == ["−12.0", "−7.0"]
    assert column(page, 2)[-1] == "–"
    button.click()
    assert column(page, 2)[0].split()[0] == "+3.0"
    assert column(page, 2)[-1] == "–"


def test_the_keyboard_sorts_by_words(page: Page):
    heading(page, "Arm").focus()
    page.keyboard.press("Enter")
    assert column(page, 0)[0] == "pretrained"
    assert sorting(page)[:2] == ["ascending", None]
    page.keyboard.press("Space")
    assert column(page, 0)[-1] == "pretrained"
    assert sorting(page)[:2] == ["descending", None]


def test_what_stands_under_a_row_moves_with_it(page: Page):
    topline = page.locator(TABLE).locator("tbody", has_text="target-real")
    assert "target recordings (training 1,200, selection 100)" in topline.inner_text()
    heading(page, "WER %").click()
    first = page.locator(TABLE).locator("tbody").first
    assert "target recordings (training 1,200" in first.inner_text()
    command = first.get_by_text("snakemake results/made-up/alarm/target-real")
    assert not command.is_visible()
    first.locator("summary").click()
    assert command.is_visible()
    lineage = "results/made-up/alarm/target-real/seed1/score.json.lineage.json"
    assert first.get_by_text(lineage, exact=True).is_visible()


def test_the_table_is_downloaded_as_it_stands(page: Page, tmp_path: Path):
    heading(page, "WER %").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as TSV: made-up alarm", exact=True).click()
    assert download.value.suggested_filename == "made-up alarm.tsv"
    download.value.save_as(tmp_path / "table.tsv")
    lines = [line.split("\t") for line in (tmp_path / "table.tsv").read_text().splitlines()]
    assert lines[0][:2] == ["Arm", "WER %"]
    assert [line[0] for line in lines[1:]] == column(page, 0)
    assert lines[1][:2] == ["target-real", "12.0 [11.0, 13.2]"]
    assert {len(line) for line in lines} == {len(lines[0])}


def test_tables_of_folded_parts_can_be_sorted_once_they_are_opened(page: Page):
    speakers = page.locator("details", has_text="By speaker (3)").first
    assert speakers.locator("thead button").count() == 0
    speakers.locator("summary").click()
    speakers.get_by_role("button", name="Utterances").click()
    speakers.get_by_role("button", name="Utterances").click()
    assert speakers.locator("tbody th").all_inner_texts() == ["FE-2", "FE-1", "FE-0"]


def test_recordings_can_be_played(page: Page):
    open_all(page)
    seconds = page.evaluate(
        """async () => {
             const player = document.querySelector("audio");
             player.load(); player.preload = "auto";
             await new Promise((done) => player.addEventListener("loadedmetadata", done));
             return player.duration;
           }"""
    )
    assert seconds == pytest.approx(4, abs=0.2)


def test_links_from_the_overview_lead_to_the_target(page: Page):
    page.get_by_role("link", name="audio", exact=True).click()
    assert page.evaluate("location.hash") == "#target-2"
    assert "audio: " in page.locator("#target-2 h3").inner_text()


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_is_never_wider_than_the_screen(page: Page, width: int):
    page.set_viewport_size({"width": width, "height": 800})
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_texts_of_charts_do_not_overlap_and_are_legible_on_a_phone(page: Page):
    page.set_viewport_size({"width": 360, "height": 800})
    open_all(page)
    found = page.evaluate(
        """() => [...document.querySelectorAll("figure svg")].map((svg) => {
             const frame = svg.getBoundingClientRect();
             const boxes = [...svg.querySelectorAll("text")]
               .map((text) => [text.textContent, text.getBoundingClientRect()])
               .filter(([words]) => words.length > 1);
             const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
               && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3;
             return {
               pairs: boxes.flatMap(([words, box], i) => boxes.slice(i + 1)
                 .filter(([, other]) => overlap(box, other)).map(([others]) => [words, others])),
               cut: boxes.filter(([, box]) => box.left < frame.left - 1
                 || box.right > frame.right + 1).map(([words]) => words),
               height: Math.min(...boxes.map(([, box]) => Math.min(box.height, box.width))),
             };
           })"""
    )
    assert len(found) == 10  # bars, curve, forgetting of either target; of all; three maps
    assert [chart["pairs"] for chart in found] == [[]] * 10
    assert [chart["cut"] for chart in found] == [[]] * 10
    assert min(chart["height"] for chart in found) > 6  # pixels


def test_dark_mode_turns_paper_and_ink(page: Page):
    colours = (
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert page.evaluate(colours) == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(colours) == ["rgb(20, 23, 27)", "rgb(228, 232, 236)"]
    ink = "getComputedStyle(document.querySelector('.figures svg text')).fill"
    assert page.evaluate(ink) == "rgb(228, 232, 236)"


def test_print_is_black_on_white_without_what_needs_a_screen(page: Page):
    page.emulate_media(media="print", color_scheme="dark")
    body = page.evaluate("getComputedStyle(document.body).color")
    assert body == "rgb(0, 0, 0)"
    assert not page.get_by_role("button", name="Download as TSV").first.is_visible()
    assert not page.locator("audio").first.is_visible()
    assert page.locator(".plain p").first.is_visible()
    assert len(page.pdf()) > 50_000


@pytest.mark.parametrize(
    ("scheme", "only"),
    [("light", {"type": "tag", "values": ["wcag2a", "wcag2aa"]}),
     ("dark", {"type": "rule", "values": ["color-contrast"]})],
)  # fmt: skip
def test_axe_finds_nothing_serious(browser: Browser, written: Path, scheme: str, only: dict):
    context = browser.new_context(bypass_csp=True, color_scheme=scheme)
    page = context.new_page()
    page.goto(written.as_uri())
    open_all(page)
    violations = Axe().run(page, options={"runOnly": only}).response["violations"]
    context.close()
    assert [
        (one["id"], one["nodes"][0]["html"][:200])
        for one in violations
        if one["impact"] in ("serious", "critical")
    ] == []


def test_an_experiment_of_slurps_size_is_there_at_once(
    browser: Browser, tmp_path: Path, capsys: pytest.CaptureFixture
):
    started = time.perf_counter()
    path = write(tmp_path, Size(recordings=2_000))
    rendered = time.perf_counter() - started
    page = browser.new_page()
    page.goto(path.as_uri())
    shown = page.evaluate("document.body.offsetHeight && performance.now()")
    with capsys.disabled():
        size = path.stat().st_size / 1e6
        print(f"\nreport of 18 targets: {rendered:.0f} s, {size:.1f} MB, shown in {shown:.0f} ms")
    assert size < 6
    assert page.locator("audio").count() <= 60
    assert not page.locator("#target-7 table.results").is_visible()
    page.get_by_role("link", name=NAMES[6], exact=True).click()
    page.locator("#target-7 table.results").wait_for()
    page.emulate_media(media="print")
    assert page.locator("#target-9 table.results").is_visible()
    page.close()

"""The pages as a reader meets them in Chromium: with eyes or without, mouse or keyboard, on a telephone, on paper."""

import re

import pytest

from tests.experiment.pages import browser
from textbook.experiment.pages import links

CHAPTER = "ch6/index.html"  # the shortest
TAB, ENTER, ESCAPE = "\ue004", "\ue007", "\ue00c"
# the rows of the verdicts' table that are in sight
ROWS = "[...document.querySelectorAll('tbody tr[data-verdict]')].filter(row => row.checkVisibility())"
# of a long chapter a section of every kind, and of a long table some rows: what is alike need not be judged again
SHORTEN = """
const kinds = ["figure", ".film", ".first", ".correction", ".knobs em", ".note", "pre.source"];
const sections = [...document.querySelectorAll("section.section")];
const kept = new Set(kinds.map(kind => sections.find(section => section.querySelector(kind))));
for (const section of sections) if (!kept.has(section)) section.remove();
for (const row of [...document.querySelectorAll("tr[data-verdict]")].slice(20)) row.remove();
for (const claims of document.querySelectorAll(".claims")) [...claims.children].slice(3).forEach(c => c.remove());
for (const code of document.querySelectorAll("pre.source code")) {
  code.replaceChildren(...[...code.childNodes].slice(0, 200));
}
for (const details of document.querySelectorAll("details")) details.open = true;
"""


@pytest.fixture(scope="module")
def chromium(site, tmp_path_factory):
    if (reason := browser.lacking()) and not browser.REQUIRED:
        pytest.skip(reason)
    with browser.Browser(site, tmp_path_factory.mktemp("browser") / "profile") as made:
        yield made


@pytest.fixture(scope="module")
def korean_chapter(site):
    return CHAPTER.replace("index", "index.ko")


def test_no_page_complains_or_is_wider_than_a_telephone(site, chromium):
    for page in site.pages:
        chromium.open(page, width=375)
        # answers, code, and everything else that can be opened must fit as well
        chromium.ask("for (const details of document.querySelectorAll('details')) details.open = true")
        width, widest = chromium.ask(
            "const over = [...document.querySelectorAll('main *')]"
            ".filter(e => e.getBoundingClientRect().right > 375.5 && !e.closest('pre.source, svg, .unseen'));"
            "return [document.documentElement.scrollWidth, over.slice(0, 3).map(e => e.outerHTML.slice(0, 200))]"
        )
        assert width == 375, (page, width, widest)
        assert chromium.complaints() == [], page


@pytest.mark.parametrize("width", [375, 1280])
def test_every_image_of_a_chapter_loads(chromium, width):
    chromium.open(CHAPTER, width=width)
    broken = chromium.ask(
        "for (const details of document.querySelectorAll('details')) details.open = true;"
        "for (const image of document.images) image.loading = 'eager';"
        "return Promise.all([...document.images].map(image => image.decode().then(() => image.naturalWidth > 9 ? '' :"
        " image.src, () => image.src))).then(all => all.filter(Boolean))"
    )
    assert broken == []
    assert chromium.ask("return document.images.length") > 0


def test_accessibility_in_english_and_light(site, chromium):
    _accessible(chromium, [page for page in site.pages if ".ko." not in page], dark=False, chapters=("ch4", "ch6"))


def test_accessibility_in_korean_and_dark(site, chromium):
    _accessible(chromium, [page for page in site.pages if ".ko." in page], dark=True, chapters=("ch6",))


def _accessible(chromium, pages, *, dark, chapters):
    """Chapters differ in what they say, not in how; each takes some seconds to judge."""
    mine = [page for page in pages if "/" not in page or page.startswith(chapters)]
    assert len(mine) == 5 + len(chapters)
    for page in mine:
        chromium.open(page, dark=dark)
        chromium.ask(SHORTEN)
        assert chromium.violations() == [], page


def test_dark_is_dark(chromium):
    for dark in (False, True):
        chromium.open(CHAPTER, dark=dark)
        paper, ink = chromium.ask(
            "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
            ".map(c => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0))"
        )
        assert (paper < ink) == dark


def test_the_first_tab_skips_to_the_text(chromium):
    chromium.open(CHAPTER)
    chromium.press(TAB)
    assert chromium.ask("return document.activeElement.getAttribute('href')") == "#main"
    assert chromium.ask("const b = document.activeElement.getBoundingClientRect(); return b.left >= 0 && b.width > 20")
    chromium.press(ENTER)
    assert chromium.address.endswith("#main")
    chromium.press(TAB)
    assert chromium.ask("return document.querySelector('main').contains(document.activeElement)")


def test_what_has_the_focus_is_seen(chromium):
    chromium.open("verdicts.html")
    for _ in range(16):
        chromium.press(TAB)
        style = (
            "const s = getComputedStyle(document.activeElement); return [s.outlineStyle, parseFloat(s.outlineWidth)]"
        )
        outline, width = chromium.ask(style)
        assert outline != "none" and width >= 1, chromium.ask("return document.activeElement.outerHTML.slice(0, 200)")


def test_the_answer_waits_behind_the_question_and_opens_by_keyboard(chromium):
    chromium.open(CHAPTER)
    answer = "document.querySelector('details.answer')"
    verdict = f"return {answer}.querySelector('.verdict').checkVisibility({{contentVisibilityAuto: true}})"
    assert not chromium.ask(verdict)
    chromium.ask(f"{answer}.closest('.claim').querySelector('summary').focus()")
    chromium.press(ENTER)
    assert chromium.ask(f"return {answer}.open") and chromium.ask(verdict)
    chromium.press(" ")
    assert not chromium.ask(f"return {answer}.open")


def test_every_answer_at_once(chromium):
    chromium.open(CHAPTER)
    answers = "return [...document.querySelectorAll('details.answer')].filter(details => details.open).length"
    for count in (chromium.ask("return document.querySelectorAll('details.answer').length"), 0):
        chromium.click("[data-open-all]")
        assert chromium.ask(answers) == count


def test_a_link_to_a_claim_opens_its_answer(site, chromium):
    claim = site.results["ch6"]["sections"][-1]["claims"][-1]
    chromium.open(f"{CHAPTER}#{links.anchor(claim['id'])}")
    assert chromium.ask("return document.querySelector(':target details.answer').open")
    assert 0 <= chromium.ask("return document.querySelector(':target').getBoundingClientRect().top") < 800


def test_the_other_language_opens_at_the_same_place(site, chromium, korean_chapter):
    last = links.place(site.results["ch6"]["sections"][-1]["name"])
    at = f"return document.getElementById('{last}').getBoundingClientRect().top"
    for start, end in ((CHAPTER, korean_chapter), (korean_chapter, CHAPTER)):
        chromium.open(start)
        chromium.ask(f"document.getElementById('{last}').scrollIntoView()")
        chromium.ask("document.querySelector('[data-switch]').focus({preventScroll: true})")
        chromium.press(ENTER)
        assert chromium.until(f"return location.href.endsWith('{end}#{last}')"), chromium.address
        assert abs(chromium.until(at)) < 200
    # without scripts each section has a switch of its own
    chromium.open(CHAPTER, scripts=False)
    chromium.click(f"#{last} .switch")
    assert chromium.until(f"return location.href.endsWith('{korean_chapter}#{last}')")
    assert abs(chromium.ask(at)) < 200


def test_a_figure_is_enlarged_and_put_away_by_keyboard(chromium):
    chromium.open(CHAPTER)
    chromium.ask(SHORTEN)
    chromium.ask("document.querySelector('a[data-zoom]').focus()")
    chromium.press(ENTER)
    assert chromium.until("return document.querySelector('dialog[open] img')?.naturalWidth > 0")
    assert chromium.ask("return document.querySelector('dialog').contains(document.activeElement)")
    assert chromium.violations(within="dialog") == []
    chromium.press(ESCAPE)
    assert chromium.until("return !document.querySelector('dialog[open]')")
    assert chromium.ask("return document.activeElement.matches('a[data-zoom]')")


def test_the_verdicts_are_filtered_by_keyboard(site, chromium):
    claims = [
        claim for results in site.results.values() for section in results["sections"] for claim in section["claims"]
    ]
    chromium.open("verdicts.html")
    assert chromium.ask(f"return {ROWS}.length") == len(claims)
    shown = "return document.querySelector('[role=status]').textContent"
    whole = chromium.ask(shown)
    # a word, typed
    chromium.ask("document.querySelector('input[name=text]').focus()")
    identity = claims[-1]["id"]
    chromium.press(*identity)
    assert chromium.until(f"return {ROWS}.length < {len(claims)}")
    texts = chromium.ask(f"return {ROWS}.map(row => row.textContent)")
    assert texts and all(identity in text for text in texts)
    assert re.findall(r"\d+", chromium.ask(shown))[0] == str(len(texts)) and chromium.ask(shown) != whole
    # nothing fits
    chromium.press(*"zzz")
    assert chromium.until(f"return {ROWS}.length === 0")
    assert chromium.ask(shown).strip()
    # all again, by the button
    chromium.press(TAB)
    assert chromium.ask("return document.activeElement.type") == "reset"
    chromium.press(ENTER)
    assert chromium.until(f"return {ROWS}.length === {len(claims)}")
    # a choice, by its first letters
    chromium.ask("document.querySelector('select[name=verdict]').focus()")
    chromium.press("v")
    assert chromium.ask("return document.activeElement.value") == "violated"
    wanted = sum(claim["decided"] == "violated" for claim in claims)
    assert chromium.until(f"return {ROWS}.length === {wanted}"), wanted
    # and another beside it
    chromium.ask("document.querySelector('select[name=chapter]').focus()")
    chromium.press("6")
    here = [c for s in site.results["ch6"]["sections"] for c in s["claims"] if c["decided"] == "violated"]
    assert chromium.until(f"return {ROWS}.length === {len(here)}"), len(here)
    assert chromium.complaints() == []


@pytest.mark.parametrize("page", ["verdicts.html", CHAPTER, "index.html", "preface.ko.html"])
def test_without_scripts_nothing_is_missing(chromium, page):
    seen = (
        "for (const details of document.querySelectorAll('details')) details.open = true;"
        "return document.querySelector('main').innerText.replace(/\\s+/g, ' ')"
    )
    chromium.open(page)
    with_scripts = chromium.ask(seen)
    chromium.open(page, scripts=False)
    without = chromium.ask(seen)
    words = set(without.split())
    # buttons and the filter, which need scripts, are all that may be missing
    missing = [word for word in with_scripts.split() if word not in words]
    assert len(missing) < 40 and len(without) > 500, missing
    forms = "return [...document.querySelectorAll('form, button')].filter(e => e.checkVisibility()).length"
    assert chromium.ask(forms) == 0, "what does nothing without scripts is in sight"


def test_on_paper_every_answer_is_open_and_nothing_to_click_is_left(chromium):
    chromium.open(CHAPTER, print=True, scripts=False)
    sizes = chromium.ask(
        "return [...document.querySelectorAll('details.answer .verdict')].map(e => e.checkVisibility({"
        "contentVisibilityAuto: true}) && e.getBoundingClientRect().height > 5)"
    )
    assert sizes and all(sizes)
    for selector in (".bar", ".skip", "pre.source", "button"):
        assert not chromium.ask(f"return [...document.querySelectorAll('{selector}')].some(e => e.checkVisibility())")
    pdf = chromium.pdf()
    assert pdf.startswith(b"%PDF") and len(pdf) > 50_000


@pytest.mark.skipif(not browser.REQUIRED, reason="only where BROWSER_TESTS=1 asks for a browser")
def test_there_is_a_browser_where_one_is_asked_for():
    assert browser.lacking() is None

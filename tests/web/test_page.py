"""The page, in a real browser: headless Chromium, driven by playwright."""

import io
import shutil

import numpy as np
import pytest
from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"the page is tested in none of {', '.join(BROWSERS)}: install chromium")
    with playwright.sync_playwright() as driver:
        yield driver.chromium.launch(executable_path=found, args=["--no-sandbox"])


@pytest.fixture
def page(browser, address):
    """The page as it opens; at the end nothing may have gone wrong, or been asked for elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda r: r.url.startswith((address, "blob:")) or troubles.append(r.url))
    page.on("console", lambda m: "violates" in m.text and troubles.append(m.text))
    page.goto(address)
    yield page
    context.close()
    assert troubles == []


@pytest.fixture
def noisy(tmp_path, colour_pixels):
    noise = np.random.default_rng(7).normal(0, 25, (62, 74, 3))
    pixels = colour_pixels.repeat(2, 0).repeat(2, 1) + noise
    exif = Image.Exif()
    exif[0x010E] = "a lighthouse"
    path = tmp_path / "noisy.jpg"
    Image.fromarray(np.rint(pixels.clip(0, 255)).astype(np.uint8)).save(path, exif=exif)
    return path


def wait(page, state="ready"):
    page.wait_for_selector(f'body[data-state="{state}"]', timeout=20_000)


def divider(page):
    """Return where the divider is, and how much of the denoised picture it leaves out."""
    box = page.locator("#divider").bounding_box()
    cut = page.evaluate("document.getElementById('denoised').style.clipPath")
    return box["x"] + box["width"] / 2, float(cut.split()[-1].removesuffix("px)"))


def test_a_picture_is_denoised_compared_and_downloaded(page, noisy):
    page.set_input_files("#file", noisy)
    wait(page)
    assert page.locator("#facts").inner_text().splitlines()[1].startswith("74")
    sheet = page.locator("#sheet").bounding_box()

    x, cut = divider(page)
    assert cut == pytest.approx(x - sheet["x"], abs=1) == pytest.approx(sheet["width"] / 2, abs=1)
    middle = sheet["y"] + sheet["height"] / 2
    page.mouse.move(x, middle)
    page.mouse.down()
    page.mouse.move(sheet["x"] + sheet["width"] / 4, middle, steps=3)
    page.mouse.up()
    x, cut = divider(page)
    assert cut == pytest.approx(sheet["width"] / 4, abs=2)
    page.keyboard.press("ArrowRight")  # the slider has the focus, for those without a mouse
    assert divider(page)[1] > cut

    with page.expect_download() as waiting:
        page.click("#download")
    assert waiting.value.suggested_filename == "noisy_denoised.jpg"
    result = Image.open(io.BytesIO(waiting.value.path().read_bytes()))
    assert (result.format, result.size) == ("JPEG", (74, 62))
    assert result.getexif()[0x010E] == "a lighthouse"


def test_a_slider_that_is_moved_denoises_again(page, noisy):
    page.set_input_files("#file", noisy)
    wait(page)
    removed = page.locator("#facts dd").nth(2).inner_text()
    with page.expect_request("**/denoise*"):
        page.locator("#strength").fill("0")
    page.locator("#facts", has_text="0.0 of 255").wait_for()
    wait(page)
    page.click("[type=reset]")
    page.locator("#facts dd", has_text=removed).wait_for()  # it may be done before one looks


def test_other_views(page, noisy):
    page.set_input_files("#file", noisy)
    wait(page)
    assert not page.locator("#removed").is_visible()
    page.get_by_text("Removed", exact=True).first.click()
    assert page.locator("#removed").is_visible()
    assert "amplified" in page.locator("#caption").inner_text()
    page.get_by_text("Spikes", exact=True).click()
    first = page.get_attribute("#spikes", "src")
    page.locator("[name=layer]").nth(2).check(force=True)
    assert page.get_attribute("#spikes", "src") != first
    assert "layer 2 of" in page.locator("#caption").inner_text()
    page.get_by_text("400%").click()
    assert page.locator("#sheet").bounding_box()["width"] == 4 * 74


def test_a_text_file_is_refused_in_words(page, noisy, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text("To whom it may concern")
    page.set_input_files("#file", letter)
    page.wait_for_selector("#error:not([hidden])")
    assert "letter.txt: not a picture" in page.locator("#error").inner_text()
    assert page.locator("#drop").is_visible()
    page.set_input_files("#file", noisy)  # and the page goes on
    wait(page)
    assert not page.locator("#error").is_visible()


def test_a_file_that_is_gone_is_told_and_what_was_dropped_with_another(page, noisy):
    page.set_input_files("#file", noisy)
    wait(page)
    noisy.unlink()
    page.locator("#strength").fill("0.5")
    page.wait_for_selector("#error:not([hidden])")
    assert "was changed or moved since it was chosen" in page.locator("#error").inner_text()
    page.evaluate(
        """async () => {
            const canvas = document.createElement("canvas");
            [canvas.width, canvas.height] = [40, 40];
            const blob = await new Promise((then) => canvas.toBlob(then));
            const carried = new DataTransfer();
            for (const name of ["a.png", "b.png"]) carried.items.add(new File([blob], name));
            document.dispatchEvent(new DragEvent("drop", { dataTransfer: carried }));
        }"""
    )
    page.locator("#notes", has_text="1 more is left out").wait_for()
    assert page.locator("#file-name").inner_text() == "a.png"


def test_a_finger_that_scrolls_leaves_the_divider(browser, address, noisy):
    context = browser.new_context(
        viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(address)
    page.set_input_files("#file", noisy)
    wait(page)
    touch, sheet = context.new_cdp_session(page), page.locator("#sheet").bounding_box()
    x, y = sheet["x"] + sheet["width"] / 4, sheet["y"] + sheet["height"] * 0.8

    def swipe(right, down):
        for kind, share in (("Start", 0), ("Move", 0.2), ("Move", 0.6), ("Move", 1), ("End", None)):
            points = [] if share is None else [{"x": x + share * right, "y": y + share * down}]
            touch.send("Input.dispatchTouchEvent", {"type": f"touch{kind}", "touchPoints": points})

    before = divider(page)[1]
    swipe(2, -150)
    assert divider(page)[1] == before
    page.evaluate("scrollTo(0, 0)")
    swipe(40, 2)
    assert divider(page)[1] == pytest.approx(sheet["width"] / 4 + 40, abs=2)
    context.close()


def test_a_narrow_screen_and_the_keyboard_alone(page, noisy):
    page.set_viewport_size({"width": 360, "height": 700})
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "file"
    page.set_input_files("#file", noisy)
    wait(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.name"))
    assert {"view", "zoom", "slider", "strength", "detail", "timesteps", "download"} <= reached

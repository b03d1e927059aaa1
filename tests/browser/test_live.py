"""The live page, served as plain files: it loads, is painted on, and gives the numbers of `predict`."""

import base64
import functools
import http.server
import io
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import pfl
from pfl.data.transforms import image_tensor
from pfl.distributions import Noise

LIVE = Path(__file__).parents[2] / "runs" / "book" / "live"
SCREENSHOTS = Path(__file__).parents[2] / "runs" / "screenshots"
PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
PATIENCE = 180_000  # milliseconds: a machine may be busy
# The last answer's numbers; arrays travel as base64, which is much faster than as lists.
ANSWER = """() => {
  const text = (array) => btoa(Array.from(new Uint8Array(array.buffer), (b) => String.fromCharCode(b)).join(""));
  const { score, scoreStd, map, mapStd, rgb, mask, name, count, milliseconds } = window.bayesPfl.answer;
  return { score, scoreStd, name, count, milliseconds,
           map: text(map), mapStd: text(mapStd), rgb: text(rgb), mask: text(mask) };
}"""
READY = "() => document.querySelector('#result').getAttribute('aria-busy') === 'false'"


@pytest.fixture(scope="module")
def site(need):
    """The address of a plain static server of the book's folder."""
    if not (LIVE / "index.html").exists():
        need("there is no runs/book/live; run `make live`")
    handler = functools.partial(Quiet, directory=str(LIVE.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def opened(watched, site, path="/live/", **options):
    """A window with the page, and a list of what goes wrong in it."""
    window, problems = watched((site, "data:", "blob:"), **options)
    window.goto(site + path)
    return window, problems


@pytest.fixture(scope="module")
def page(watched, site):
    """The page on a desktop, with its first answer; the test fails if anything went wrong in it."""
    window, problems = opened(watched, site, viewport=DESKTOP)
    window.wait_for_function("window.bayesPfl", timeout=PATIENCE)
    print(f"first answer after {window.evaluate('performance.now()') / 1000:.1f} s")
    yield window
    window.context.close()
    assert not problems


def answer(window) -> dict:
    """The answer to what the page shows now."""
    window.wait_for_timeout(100)
    window.wait_for_function(READY, timeout=PATIENCE)
    found = window.evaluate(ANSWER)
    for name, kind in {"map": np.float32, "mapStd": np.float32, "rgb": np.uint8, "mask": np.uint8}.items():
        found[name] = np.frombuffer(base64.b64decode(found[name]), kind)
    return found


def paint(window, kind: str, *points: tuple[float, float]) -> None:
    """Drag the mouse through points, as shares of the picture's sides."""
    window.check(f"input[value={kind}]")
    window.locator("#picture").scroll_into_view_if_needed()
    box = window.locator("#picture").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    window.mouse.move(*places[0])
    window.mouse.down()
    for place in places[1:]:
        window.mouse.move(*place, steps=4)
    window.mouse.up()


def screenshot(window, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window.screenshot(path=SCREENSHOTS / f"live_{name}.png", full_page=True)


def predicted(model, found: dict, samples: int = 30):
    """What Python makes of the picture, name and noise of an answer."""
    side, dim = model.clip.image_size, model.clip.dim
    raw = torch.from_numpy(np.fromfile(LIVE / "noise.bin", np.float32)).view(3, samples, dim)
    noise = Noise(context=raw[:1, : found["count"]], states=raw[1:, : found["count"]])
    image = image_tensor(Image.fromarray(found["rgb"].reshape(side, side, 3)), side)
    return image, noise, model.predict(image[None], found["name"], noise=noise)


def same(found: dict, score, score_std, anomaly_map, map_std) -> float:
    """The largest difference between an answer and other outputs."""
    pairs = ((found["score"], score), (found["scoreStd"], score_std))
    pairs += ((found["map"], anomaly_map), (found["mapStd"], map_std))
    return max(float(np.abs(np.asarray(a).ravel() - np.asarray(b).ravel()).max()) for a, b in pairs)


@pytest.fixture(scope="module")
def model():
    return pfl.load("default")


def test_painted_numbers_are_those_of_the_same_file_and_close_to_those_of_predict(page, model):
    import gzip

    import onnxruntime
    import open_clip

    screenshot(page, "untouched")
    before = answer(page)
    assert before["count"] == 10 and not before["mask"].any()
    paint(page, "scratch", (0.2, 0.3), (0.6, 0.35), (0.8, 0.6))
    paint(page, "hole", (0.4, 0.7), (0.45, 0.72))
    found = answer(page)
    assert 0.002 < found["mask"].mean() < 0.2
    changed = (found["rgb"] != before["rgb"]).reshape(-1, 3).any(axis=1)
    assert changed[found["mask"] == 1].mean() > 0.95
    page.wait_for_function("document.querySelector('#untouched').textContent", timeout=PATIENCE)
    assert "without your paint" in page.inner_text("#untouched") and "AUROC" in page.inner_text("#region")
    screenshot(page, "painted")
    session = onnxruntime.InferenceSession(gzip.decompress((LIVE / "model.bin").read_bytes()))
    for count in (1, 10, 30):
        page.fill("#count", str(count))
        page.wait_for_function(f"window.bayesPfl.answer.count === {count}", timeout=PATIENCE)
        found = answer(page)
        image, noise, prediction = predicted(model, found)
        tokens = open_clip.tokenize([found["name"]]).numpy()
        inputs = {"image": image[None].numpy(), "tokens": tokens[:, : tokens.argmax() + 1]}
        inputs |= {"context_noise": noise.context.numpy(), "state_noise": noise.states.numpy()}
        exact = same(found, *session.run(None, inputs))
        rounded = same(found, prediction.score, prediction.score_std, prediction.map, prediction.map_std)
        print(f"R = {count}: differs from the file by {exact:.1e}, from float32 by {rounded:.4f}; ", end="")
        print(f"{found['milliseconds']:.0f} ms")
        assert exact < 1e-3 and rounded < 1e-2
        assert page.inner_text("#score") == f"{found['score']:.2f}"
    default = model.predict(image[None], found["name"], num_samples=30)
    assert torch.equal(default.map, prediction.map)  # the shipped noise is that of the default seed


def test_samples_one_by_one_are_those_of_predict(page, model):
    page.fill("#count", "3")
    page.click("#one-by-one summary")
    page.wait_for_function("window.bayesPfl.samples.length === 3", timeout=PATIENCE)
    _, _, prediction = predicted(model, answer(page))
    scores = page.evaluate("window.bayesPfl.samples.map((sample) => sample.score)")
    assert scores == pytest.approx(prediction.sample_scores[0].tolist(), abs=1e-2)
    assert page.locator("#samples li").count() == 3
    screenshot(page, "samples")
    page.click("#one-by-one summary")


def test_another_name_another_answer_and_an_unknown_word_a_message(page):
    before = answer(page)
    page.fill("#name", "Metal  nut")
    page.wait_for_function("window.bayesPfl.answer.name !== 'coin'", timeout=PATIENCE)
    assert answer(page)["score"] != before["score"]
    page.fill("#name", "frobnicator")
    page.wait_for_selector("#name-problem:not([hidden])", timeout=PATIENCE)
    assert "does not know “frobnicator”" in page.inner_text("#name-problem")
    assert page.get_attribute("#name", "aria-invalid") == "true"
    screenshot(page, "unknown_word")
    page.fill("#name", "coin")
    page.wait_for_selector("#name-problem", state="hidden", timeout=PATIENCE)


def test_the_keyboard_paints(page):
    page.click("#clear")
    assert not answer(page)["mask"].any()
    page.focus("#picture")
    for key in ["ArrowLeft", "Shift+ArrowUp", "Space", *["ArrowRight"] * 6, "Space"]:
        page.keyboard.press(key)
    page.wait_for_function("window.bayesPfl.answer.mask.includes(1)", timeout=PATIENCE)
    mask = answer(page)["mask"]
    assert mask.any() and page.is_enabled("#undo")
    page.click("#undo")
    page.wait_for_function("!window.bayesPfl.answer.mask.includes(1)", timeout=PATIENCE)


@pytest.mark.parametrize("size, mode", [((317, 200), "RGB"), ((90, 120), "L")])
def test_a_picture_of_ones_own_has_the_pixels_that_python_reads(page, model, size, mode):
    rng = np.random.default_rng(0)
    small = Image.fromarray(rng.integers(0, 255, (20, 30, 3), dtype=np.uint8)).convert(mode)
    picture, file = small.resize(size, Image.Resampling.BILINEAR), io.BytesIO()
    picture.save(file, "PNG")
    page.set_input_files("#own", {"name": "own.png", "mimeType": "image/png", "buffer": file.getvalue()})
    side = model.clip.image_size
    expected = np.asarray(picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC))
    total = int(expected.sum())
    sums = f"window.bayesPfl.answer.rgb.reduce((a, b) => a + b, 0) === {total}"
    page.wait_for_function(sums, timeout=PATIENCE)
    assert np.array_equal(answer(page)["rgb"], expected.ravel())


def test_a_file_that_is_no_picture_is_refused(page):
    page.set_input_files("#own", {"name": "own.txt", "mimeType": "image/png", "buffer": b"no picture"})
    page.wait_for_selector("#problem:not([hidden])", timeout=PATIENCE)
    assert "cannot show own.txt" in page.inner_text("#problem")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(watched, site, scheme):
    options = {"viewport": PHONE, "color_scheme": scheme, "has_touch": True}
    window, problems = opened(watched, site, **options)
    window.wait_for_function("window.bayesPfl", timeout=PATIENCE)
    box = window.locator("#picture").bounding_box()
    window.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    window.wait_for_function("window.bayesPfl.answer.mask.includes(1)", timeout=PATIENCE)
    assert window.evaluate("document.scrollingElement.scrollWidth") <= PHONE["width"]
    small = window.evaluate(
        "[...document.querySelectorAll('button, .button, #name')].filter((one) => one.offsetHeight < 36).length"
    )
    assert not small and not problems
    screenshot(window, f"phone_{scheme}")
    window.context.close()


def test_a_browser_without_webassembly_is_told_so(browser, site):
    context = browser.new_context(viewport=PHONE)
    context.add_init_script("delete window.WebAssembly")  # as in a browser's lockdown mode
    window = context.new_page()
    window.goto(f"{site}/live/")
    window.wait_for_selector("#problem:not([hidden])", timeout=PATIENCE)
    assert "WebAssembly is off" in window.inner_text("#problem")
    assert window.is_hidden("#loading") and window.is_hidden("#bench")
    screenshot(window, "without_webassembly")
    context.close()


def test_opened_from_a_folder_it_says_how_to_serve_it(browser, site):
    window = browser.new_page(viewport=PHONE)
    window.goto((LIVE / "index.html").as_uri())
    assert "python -m http.server" in window.inner_text("#from-folder")
    assert window.is_hidden("#loading") and window.is_hidden("#bench")
    screenshot(window, "from_folder")
    window.close()


def test_a_missing_file_is_named(browser, site):
    window = browser.new_page()
    window.route("**/model.bin", lambda route: route.fulfill(status=404))
    window.goto(f"{site}/live/")
    window.wait_for_selector("#problem:not([hidden])", timeout=PATIENCE)
    assert "model.bin is missing on the server (404)" in window.inner_text("#problem")
    window.close()


def test_progress_is_shown_while_loading(browser, site):
    window = browser.new_page(viewport=DESKTOP)
    window.route("**/model.bin", lambda route: (time.sleep(1), route.continue_()))
    window.goto(f"{site}/live/")
    window.wait_for_function("document.querySelector('#progress').value > 20", timeout=PATIENCE)
    assert window.locator("#picture").is_visible() and window.is_visible("#loading")
    screenshot(window, "loading")
    window.close()

"""The tests that Tests/Browser/run runs: each a function of a browser; its name says what must be so."""
import contextlib
import gzip
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from support import (OUTPUT, ROOT, WORK, Daemon, Notes, Prefix, all_models, answer, models_folder, sandbox_arguments, tab, until)

EXAMPLES = ROOT / "weights/examples"
PAGODA, HORSE, SEVEN = (EXAMPLES / name for name in ("pagoda.jpg", "horse.jpg", "digit-7.png"))
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
        "resultTypes": ["violations"]}
HTML = {"Accept": "text/html"}
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class Bench:
    """What a test is given."""

    def __init__(self, browser, notes):
        self.browser, self.notes = browser, notes
        self.daemon = Daemon(all_models(), "--ready", "any")
        self.explains = ":explain" in self.daemon.ask("GET", "/openapi.json")[1].decode()

    def tab(self, path="/", daemon=None, **context):
        return tab(self.browser, self.notes, daemon or self.daemon, path, **context)

    def predictions(self, model, **body):
        return answer(self.daemon, f"/v1/models/{model}:predict", json.dumps(body), "application/json")["predictions"]

    def classes(self, model, file, **query):
        path = "&".join(f"{name}={value}" for name, value in query.items())
        return answer(self.daemon, f"/v1/models/{model}:classify?{path}", file.read_bytes())


def percent(probability):
    value = probability * 100
    if 0 < value < 0.1:
        return "< 0.1 %"
    return "> 99.9 %" if 99.9 < value < 100 else f"{value:.1f} %"


def shows_classes(page, classes):
    """Whether the bars are those of an answer."""
    expect(page.locator(".bars li")).to_have_count(len(classes))
    expect(page.locator(".bars li .label")).to_have_text([entry["label"] for entry in classes])
    shown = page.locator(".bars li .value").all_inner_texts()
    for text, entry in zip(shown, classes):
        assert text in {percent(entry["probability"] + change) for change in (-1e-5, 0, 1e-5)}, (text, entry)


def violations(page, where):
    """What axe-core has against a page by WCAG 2.2, levels A and AA."""
    found = Axe().run(page, options=WCAG).response["violations"]
    assert not found, where + ": " + "; ".join(
        f"{rule['id']}: {rule['help']} ({', '.join(str(node['target']) for node in rule['nodes'][:3])})" for rule in found)


@test
def the_page_opens_small_and_soon(bench):
    status, page = bench.daemon.ask("GET", "/", headers=HTML)
    assert status == 200 and len(page) < 150 * 1024, len(page)
    packed = bench.daemon.ask("GET", "/", headers={**HTML, "Accept-Encoding": "gzip"})[1]
    assert gzip.decompress(packed) == page
    bench.notes.sizes = len(page), len(packed)
    for _ in range(5):
        with bench.tab() as opened:
            opened.wait_until_ready()
            expect(opened.page.locator("#models button")).to_have_count(12)
    with bench.tab("/#tagger") as opened:
        expect(opened.page.locator("#model-name")).to_have_text("tagger")


@test
def a_picture_comes_from_a_file_a_sample_a_drop_and_the_clipboard(bench):
    with bench.tab() as opened:
        page = opened.open("objects")
        expected = bench.classes("objects", PAGODA)["predictions"]
        page.locator(".sample").first.click()
        shows_classes(page, expected)
        expect(page.locator(".verdict")).to_contain_text("pagoda")
        expect(page.locator("#announcer")).to_contain_text("pagoda")
        page.locator("input[type=file]").first.set_input_files(HORSE)
        shows_classes(page, bench.classes("objects", HORSE)["predictions"])
        hand_over = """([selector, type, name, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([Uint8Array.from(bytes)], name, { type: 'image/jpeg' }));
            const event = type === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true })
                : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true });
            document.querySelector(selector).dispatchEvent(event);
        }"""
        for selector, type, file in ((".stage", "drop", PAGODA), ("body", "paste", HORSE)):
            page.evaluate(hand_over, [selector, type, file.name, list(file.read_bytes())])
            shows_classes(page, bench.classes("objects", file)["predictions"])
        expect(page.locator("#curl-note a")).to_have_text("Save pasted.jpeg")
        assert page.locator("input[capture]").count() == 1
        page = opened.open("digits")
        expect(page.locator(".sample")).to_have_count(2)
        page.locator(".sample").last.click()
        shows_classes(page, bench.classes("digits", SEVEN)["predictions"])
        expect(page.locator(".phases dt")).to_contain_text(["decode", "preprocess", "queue", "inference"])
        opened.screenshot("digits")


@test
def each_kind_of_crops_is_drawn_and_counted(bench):
    with bench.tab() as opened:
        page = opened.open("objects")
        page.locator(".sample").first.click()
        for mode in ("mirror", "five", "ten", "grid", "inception", "dense", "center"):
            expected = bench.classes("objects", PAGODA, crops=mode)
            page.locator(f"input[value={mode}]").check(force=True)
            expect(page.locator(".votes li")).to_have_count(expected["crops"]["count"], timeout=60_000)
            expect(page.locator(".boxes .box")).to_have_count(expected["crops"]["count"])
            shows_classes(page, expected["predictions"])
            assert f"crops={mode}" in page.locator("#curl").inner_text()
        page.locator("input[value=ten]").check(force=True)
        expect(page.locator(".votes li")).to_have_count(10)
        page.locator(".votes button").nth(2).hover()
        expect(page.locator(".detail")).to_contain_text("Crop 3 of 10")
        # The crop at the lower left: 112 of 168 rows, from row 56 on, of the picture's 189.
        frame, box = page.locator(".frame").bounding_box(), page.locator(".box.chosen").bounding_box()
        places = [(box["y"] - frame["y"]) / frame["height"], box["height"] / frame["height"], box["width"] / frame["width"]]
        for place, share in zip(places, (56 / 168, 112 / 168, 112 / 128)):
            assert abs(place - share) < 0.03, (places, box, frame)
        opened.screenshot("crops")


@test
def the_heat_map_lies_over_the_picture(bench):
    with bench.tab() as opened:
        page = opened.open("objects")
        page.locator(".sample").first.click()
        expect(page.locator(".bars li")).to_have_count(5)
        if not bench.explains:
            expect(page.locator(".why")).to_contain_text("does not say why")
            return
        page.get_by_role("switch").check()
        expect(page.locator("canvas.map")).to_be_visible()
        expect(page.locator("canvas.map")).to_have_attribute("aria-label", re.compile("Heat map: .* pagoda"))
        assert ":explain?class=" in page.locator("#curl").inner_text()
        assert len(page.evaluate("""() => {
            const map = document.querySelector('canvas.map');
            const pixels = new Uint32Array(map.getContext('2d').getImageData(0, 0, map.width, map.height).data.buffer);
            return [...new Set(pixels)];
        }""")) > 3
        slider = page.get_by_label("Opacity")
        slider.focus()
        slider.press("Home")
        assert page.locator("canvas.map").evaluate("(map) => getComputedStyle(map).opacity") == "0"
        slider.press("End")
        opened.screenshot("heat")
        page.locator(".why select").select_option(index=1)
        other = page.locator(".why option").nth(1).inner_text()
        expect(page.locator("canvas.map")).to_have_attribute("aria-label", re.compile(other))
        page.get_by_role("switch").uncheck()
        expect(page.locator("canvas.map")).to_be_hidden()


@test
def a_text_is_sorted_while_it_is_typed(bench):
    with bench.tab() as opened:
        page = opened.open("surnames")
        page.get_by_label("Text").press_sequentially("Takahashi")
        expected = bench.predictions("surnames", instances=["Takahashi"], parameters={"top_k": 5, "scores": True})[0]
        shows_classes(page, expected["scores"])
        page = opened.open("sentiment")
        page.locator(".chip").first.click()
        expect(page.locator(".verdict bdi")).to_have_text("positive")
        if not bench.explains:
            expect(page.locator(".why")).to_contain_text("does not say why")
            return
        page.get_by_role("switch").check()
        expect(page.locator(".effects span").first).to_be_visible()
        expect(page.locator(".why .quiet")).to_contain_text("speak for it")
        opened.screenshot("effects")


@test
def words_have_the_colours_of_their_tags(bench):
    with bench.tab() as opened:
        page = opened.open("tagger")
        page.get_by_label("Text").fill("The dog saw the Dog .")
        page.get_by_role("button", name="Tag", exact=True).click()
        tags = bench.predictions("tagger", instances=["The dog saw the Dog ."])[0]
        expect(page.locator(".tags span")).to_have_text([tag["label"] for tag in tags])
        hues = page.locator(".tags li").evaluate_all("(words) => words.map((word) => getComputedStyle(word).backgroundColor)")
        by_label = {}
        for tag, hue in zip(tags, hues):
            assert by_label.setdefault(tag["label"], hue) == hue
        assert len(set(by_label.values())) == len(by_label)
        opened.screenshot("tagger")


@test
def beams_of_a_translation_come_best_first(bench):
    with bench.tab() as opened:
        page = opened.open("translator")
        page.get_by_label("Text").fill("w1 w2 w3 nothing")
        page.get_by_label("Beams").fill("3")
        page.get_by_role("button", name="Translate").click()
        best = bench.predictions("translator", instances=["w1 w2 w3 nothing"], parameters={"beams": 3, "top_k": 3})[0]
        expect(page.locator(".beams p")).to_have_text([beam["text"] for beam in best["beams"]])
        expect(page.locator(".answer > .quiet")).to_have_text("1 token is not in the model’s vocabulary.")
        opened.screenshot("translation")


@test
def a_text_comes_token_by_token_and_stops_when_told(bench):
    with bench.tab() as opened:
        page = opened.open("shakespeare")
        page.get_by_label("How it begins").fill("ROMEO:")
        page.get_by_label("Temperature").fill("0")
        page.get_by_label("Length").fill("64")
        page.get_by_role("button", name="Write").click()
        expect(page.locator(".answer .quiet")).to_contain_text("64 tokens")
        expect(page.locator(".answer .quiet")).to_contain_text("as long as it may be")
        body = {"prompt": "ROMEO:", "temperature": 0, "max_tokens": 64}
        text = answer(bench.daemon, "/v1/models/shakespeare:generate", json.dumps(body), "application/json")["text"]
        assert page.locator(".written").inner_text() == "ROMEO:" + text
        page.get_by_label("Length").fill("1024")
        # Each look at it finds more, until it is told to stop.
        page.evaluate("""() => {
            window.lengths = new Set();
            new MutationObserver(() => window.lengths.add(document.querySelector('.written').textContent.length))
                .observe(document.querySelector('.written'), { subtree: true, childList: true, characterData: true });
        }""")
        for _ in range(20):  # the text may be there before anybody can press
            page.get_by_role("button", name="Write").click()
            page.get_by_role("button", name="Stop").click(force=True)
            expect(page.get_by_role("button", name="Stop")).to_be_disabled()
            if "stopped" in page.locator(".answer .quiet").inner_text():
                break
        assert len(page.evaluate("[...window.lengths]")) > 3
        expect(page.locator(".answer .quiet")).to_contain_text("stopped")
        opened.screenshot("writing")


@test
def a_series_has_a_chart_with_its_forecast(bench):
    with bench.tab() as opened:
        page = opened.open("temperature")
        page.locator(".chip").click()
        expect(page.locator(".plot.tall path")).to_have_count(2)
        page.get_by_label("Steps ahead").fill("30")
        page.locator(".answer summary").click()
        expect(page.locator(".answer tbody tr")).to_have_count(30)
        sent = json.loads(re.search(r"-d '(.*)'", page.locator("#curl").inner_text()).group(1))
        expect(page.locator(".verdict")).to_have_text(f"Next: {bench.predictions('temperature', **sent)[0]['value'][0]:.1f}")
        opened.screenshot("series")
        page.get_by_label("Numbers").fill("1, 2, three")
        page.get_by_role("button", name="Forecast").click()
        expect(page.get_by_role("alert").last).to_have_text("Step 3 is “three”, where a number should be.")
        page = opened.open("steps")
        page.get_by_label("A step a line").fill("1 2 3\n4 5 6")
        page.get_by_role("button", name="Forecast").click()
        expect(page.locator(".plot.tall path")).to_have_count(6)


@test
def a_clip_is_read_frame_by_frame(bench):
    with bench.tab() as opened:
        page = opened.open("clips")
        page.locator("input[type=file]").set_input_files([SEVEN, EXAMPLES / "digit-3.png"])
        expect(page.locator(".tags b")).to_have_text(["frame 0", "frame 1"])
        expect(page.locator(".ask .quiet")).to_contain_text("digit-3.png, digit-7.png")


@test
def what_is_known_of_a_model_is_told(bench):
    with bench.tab() as opened:
        page = opened.open("cifar10")
        expect(page.locator("#facts")).to_contain_text("87.8 % right of 5,000, 88.6 % with ten crops")
        expect(page.locator("#facts")).to_contain_text("resnet20")
        page.locator("#layers summary").click()
        layers = json.loads(bench.daemon.ask("GET", "/v1/models/cifar10/layers")[1])
        expect(page.locator("#layers tbody tr")).to_have_count(len(layers["rows"]))
        expect(page.locator("#layers tbody th").first).to_have_text(layers["rows"][0]["layer"])
        page = opened.open("broken")
        expect(page.locator("#panel .problem")).to_contain_text("It could not be loaded")
        expect(page.locator("#request")).to_be_hidden()


@test
def the_command_is_the_one_that_was_sent(bench):
    with bench.tab() as opened:
        page = opened.open("objects")
        page.locator("input[value=five]").check(force=True)
        page.locator(".sample").first.click()
        expect(page.locator(".votes li")).to_have_count(5)
        command = page.locator("#curl").inner_text()
        page.get_by_role("button", name="Copy as curl").click()
        expect(page.locator("#copy")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == command
        with page.expect_download() as download:
            page.locator("#curl-note a").click()
        saved = pathlib.Path(tempfile.mkdtemp(dir=WORK)) / "pagoda.jpg"
        download.value.save_as(saved)
        shows_classes(page, run(command, saved.parent)["predictions"])
        page = opened.open("tagger")
        page.get_by_label("Text").fill("It's the dog's $HOME \\ `bone` .")
        page.get_by_role("button", name="Tag", exact=True).click()
        expect(page.locator(".tags b").first).to_have_text("It's")
        tags = run(page.locator("#curl").inner_text(), saved.parent)["predictions"][0]
        expect(page.locator(".tags b")).to_have_text([tag["token"] for tag in tags])


def run(command, folder):
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@test
def the_daemon_is_watched_while_somebody_looks(bench):
    with bench.tab() as opened:
        page = opened.open("digits")
        page.locator("#charts").scroll_into_view_if_needed()
        reading = page.locator(".live b").first
        expect(page.locator(".live")).to_have_count(4)
        deadline = time.monotonic() + 30
        while reading.inner_text() in ("–", "0.0") and time.monotonic() < deadline:
            bench.classes("digits", SEVEN)
            page.wait_for_timeout(100)
        assert float(reading.inner_text()) > 0
        texts = page.locator(".live b").all_inner_texts()
        assert all(" ms" in text or " s" in text for text in texts[1:3]), texts
        page.locator("#monitor-title").scroll_into_view_if_needed()
        opened.screenshot("monitor")
        page.evaluate("""() => {
            Object.defineProperty(document, 'hidden', { value: true, configurable: true });
            document.dispatchEvent(new Event('visibilitychange'));
        }""")
        page.wait_for_timeout(500)  # one that is on its way may still be
        before = opened.count_of("/metrics")
        page.wait_for_timeout(4500)
        assert opened.count_of("/metrics") == before, "a hidden page goes on asking"


@test
def what_goes_wrong_is_a_sentence(bench):
    with bench.tab() as opened:
        opened.expected_failures = 2
        page = opened.open("objects")
        page.locator("input[type=file]").first.set_input_files(
            {"name": "notes.jpg", "mimeType": "image/jpeg", "buffer": b"these are no pixels"})
        expect(page.locator(".answer .problem")).to_have_text(
            "The bytes look like text; JPEG, PNG, WebP, GIF and BMP are supported.")
        opened.screenshot("problem")
        page.locator(".sample").first.click()
        expect(page.locator(".answer .problem")).to_be_hidden()
    gone = Daemon(models_folder("digits"))
    with bench.tab(daemon=gone) as opened:
        opened.expected_failures = 9  # what was asked for while there was nobody
        page = opened.open("digits")
        gone.stop()
        page.locator(".sample").first.click()
        expect(page.locator(".answer .problem")).to_contain_text("The daemon did not answer")


@test
def the_keyboard_is_enough(bench):
    with bench.tab() as opened:
        page = opened.wait_until_ready().page
        focused = lambda: page.evaluate("document.activeElement.textContent.trim() || document.activeElement.value")
        page.keyboard.press("Tab")
        assert focused() == "Skip to the model"
        while "surnames" not in focused():
            page.keyboard.press("Tab")
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Enter")
        expect(page.locator("#model-name")).to_have_text("surnames")
        while page.evaluate("document.activeElement.tagName") != "TEXTAREA":
            page.keyboard.press("Tab")
        page.keyboard.type("Papadopoulos")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".verdict bdi")).to_have_text("Greek")
        while "objects" not in focused():
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        while page.evaluate("document.activeElement.className") != "sample":
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".verdict bdi")).to_have_text("pagoda")
        while page.evaluate("document.activeElement.name") != "crops":
            page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".votes li")).to_have_count(5)
        while page.evaluate("document.activeElement.closest('.votes')") is None:
            page.keyboard.press("Tab")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".detail")).to_contain_text("Crop 2 of 5")
        expect(page.locator(".box.chosen")).to_have_count(1)


@test
def a_key_is_asked_for_and_kept_in_the_tab(bench):
    made = json.loads(subprocess.run([bench.daemon.process.args[0], "key", "page", "--scope", "infer,admin", "--json"],
                                     capture_output=True, check=True).stdout)
    keys = WORK / "keys.yaml"
    keys.write_text(made["line"] + "\n")
    keyed = Daemon(models_folder("digits"), "--keys", keys)
    with bench.tab(daemon=keyed) as opened:
        opened.expected_failures = 4  # without a key, with a wrong one, and again without
        page = opened.page
        page.get_by_label("Key", exact=True).fill("not the key")
        opened.screenshot("key")
        violations(page, "the form for a key")
        page.get_by_role("button", name="Use this key").click()
        expect(page.locator("#key-problem")).to_have_text("The key is not known here.")
        page.get_by_label("Key", exact=True).fill(made["key"])
        page.keyboard.press("Enter")
        opened.wait_until_ready()
        page.locator(".sample").last.click()
        expect(page.locator(".verdict bdi")).to_have_text("7")
        command = page.locator("#curl").inner_text()
        assert made["key"] not in page.content() and "$MARTLET_KEY" in command
        assert page.evaluate("[sessionStorage.length, localStorage.length, document.cookie]") == [1, 0, ""]
        done = subprocess.run(["bash", "-c", command], cwd=EXAMPLES, capture_output=True, check=True,
                              env={**os.environ, "MARTLET_KEY": made["key"]})
        assert json.loads(done.stdout)["predictions"][0]["label"] == "7"
        page.reload()
        opened.wait_until_ready()
        page.get_by_role("button", name="Forget the key").click()
        page.get_by_label("Key", exact=True).wait_for()
    keyed.stop()


@test
def a_proxy_may_put_it_under_any_path(bench):
    proxy = Prefix(bench.daemon)
    proxy.ask = bench.daemon.ask
    until(lambda: reaches(proxy.port), "the proxy listens")
    for path in ("/martlet/", "/martlet"):
        with bench.tab(path, daemon=proxy) as opened:
            page = opened.open("digits")
            page.locator(".sample").last.click()
            expect(page.locator(".verdict bdi")).to_have_text("7")
            assert f":{proxy.port}/martlet/v1/models/digits:classify" in page.locator("#curl").inner_text()
            page = opened.open("shakespeare")
            page.get_by_role("button", name="Write").click()
            expect(page.locator(".answer .quiet")).to_contain_text("256 tokens")
            assert all("/martlet" in url for url in opened.requests if url.startswith("http"))
    proxy.stop()


def reaches(port):
    import socket
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@test
def a_text_from_right_to_left_is_written_so(bench):
    with bench.tab() as opened:
        page = opened.open("tagger")
        page.get_by_label("Text").fill("שלום לכולם")
        page.get_by_role("button", name="Tag", exact=True).click()
        expect(page.locator(".tags b")).to_have_text(["שלום", "לכולם"])
        for place in ("textarea", ".tags"):
            assert page.locator(place).evaluate("(node) => getComputedStyle(node).direction") == "rtl", place
        first, second = (page.locator(".tags li").nth(index).bounding_box()["x"] for index in (0, 1))
        assert first > second
        opened.screenshot("right-to-left")


@test
def everybody_can_read_it_in_the_light_and_in_the_dark(bench):
    for scheme in ("light", "dark"):
        for name, context in (("desk", {}), ("phone", {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True})):
            with bench.tab(color_scheme=scheme, **context) as opened:
                page = opened.wait_until_ready().page
                for model, press in (("objects", ".sample"), ("sentiment", ".chip"), ("tagger", ".chip"),
                                     ("shakespeare", ".chip"), ("temperature", ".chip"), ("broken", None)):
                    opened.open(model)
                    if press:
                        page.locator(press).first.click()
                        expect(page.locator(".answer .unasked")).to_have_count(0)
                    if model == "objects":
                        page.locator("input[value=ten]").check(force=True)
                        expect(page.locator(".votes li")).to_have_count(10)
                        page.locator("#layers summary").click()
                        expect(page.locator("#layers tbody tr").first).to_be_visible()
                    if bench.explains and model in ("objects", "sentiment"):
                        page.get_by_role("switch").check()
                        expect(page.locator(".why > .quiet")).not_to_be_empty()
                    if model == "shakespeare":
                        expect(page.get_by_role("button", name="Stop")).to_be_disabled()
                    page.wait_for_timeout(250)  # bars are still on their way, and have other colours there
                    violations(page, f"{model}, {scheme}, {name}")
                    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    assert wide <= 0, f"{model} is {wide} pixels wider than the {name}"
                    opened.screenshot(f"{name}-{scheme}-{model}")


def report(notes):
    drawn = sorted(notes.drawn)
    middle = lambda values: sorted(values)[len(values) // 2] if values else float("nan")
    shift = max((entry["value"] for entry in notes.shifts), default=0)
    lines = [
        f"page: {notes.sizes[0]} bytes, {notes.sizes[1]} packed" if hasattr(notes, "sizes") else "",
        f"interactive after: {middle(notes.ready):.0f} ms (median of {len(notes.ready)}), at worst {max(notes.ready, default=0):.0f}",
        f"answer to drawn: {middle(drawn)[0]:.0f} ms (median of {len(drawn)}), nine of ten within "
        f"{drawn[len(drawn) * 9 // 10][0]:.0f}, at worst {drawn[-1]}" if drawn else "",
        f"layout shifts: {len(notes.shifts)}, the largest {shift:.4f} {max(notes.shifts, key=lambda entry: entry['value'], default='')}"]
    text = "\n".join(filter(None, lines))
    (OUTPUT / "measured.txt").write_text(text + "\n")
    print(text)


def main():
    OUTPUT.mkdir(parents=True, exist_ok=True)
    began, failed, notes = time.monotonic(), [], Notes()
    words = sys.argv[1:]
    chosen = [entry for entry in TESTS if not words or any(word in entry.__name__ for word in words)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=sandbox_arguments())
        bench = Bench(browser, notes)
        for entry in chosen:
            name, start = entry.__name__.replace("_", " "), time.monotonic()
            try:
                entry(bench)
                print(f"ok   {name} ({time.monotonic() - start:.1f} s)", flush=True)
            except Exception as error:  # the others are still worth knowing
                failed.append(name)
                print(f"FAIL {name}: {error}", file=sys.stderr, flush=True)
                for context in browser.contexts:
                    for page in context.pages:
                        with contextlib.suppress(Exception):
                            page.screenshot(path=OUTPUT / f"failed-{entry.__name__}.png", full_page=True)
                    context.close()
        browser.close()
    report(notes)
    moved = [entry for entry in notes.shifts if entry["value"] > 0.001]
    if moved:
        failed.append("nothing moves by itself")
        print(f"FAIL nothing moves by itself: {moved}", file=sys.stderr)
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed in {time.monotonic() - began:.0f} s")
    return 1 if failed else 0


sys.exit(main())

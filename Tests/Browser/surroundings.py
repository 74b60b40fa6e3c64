"""Around the models: how the page opens, the command, the charts, errors, the keyboard, a key, a proxy, and who can read it."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import time

from playwright.sync_api import expect

from bench import EXAMPLES, SEVEN, shows_classes, test, violations
from support import WORK, Daemon, Prefix, models_folder, until


@test
def the_page_opens_small_and_soon(bench):
    status, page = bench.daemon.ask("GET", "/", headers={"Accept": "text/html"})
    assert status == 200 and len(page) < 150 * 1024, len(page)
    packed = bench.daemon.ask("GET", "/", headers={"Accept": "text/html", "Accept-Encoding": "gzip"})[1]
    assert gzip.decompress(packed) == page
    bench.notes.sizes = len(page), len(packed)
    for _ in range(5):
        with bench.tab() as opened:
            opened.wait_until_ready()
            expect(opened.page.locator("#models button")).to_have_count(19)
    with bench.tab("/#tagger") as opened:
        expect(opened.page.locator("#model-name")).to_have_text("tagger")


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
    until(proxy.is_listening, "the proxy listens")
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


@test
def everybody_can_read_it_in_the_light_and_in_the_dark(bench):
    for scheme in ("light", "dark"):
        for name, context in (("desk", {}), ("phone", {"viewport": {"width": 360, "height": 780}, "has_touch": True, "is_mobile": True})):
            with bench.tab(color_scheme=scheme, **context) as opened:
                page = opened.wait_until_ready().page
                for model, press in (("objects", ".sample"), ("sentiment", ".chip"), ("tagger", ".chip"),
                                     ("shakespeare", ".chip"), ("temperature", ".chip"), ("clips", ".sample"), ("broken", None)):
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

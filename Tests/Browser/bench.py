"""What a test of the playground is given, and what it looks for."""
import json

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from support import ROOT, Daemon, all_models, answer, tab

EXAMPLES = ROOT / "weights/examples"
PAGODA, HORSE, SEVEN, CLIP = (EXAMPLES / name for name in ("pagoda.jpg", "horse.jpg", "digit-7.png", "clip.gif"))
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
        "resultTypes": ["violations"]}
TESTS = []


def test(function):
    """A test: its name says what must be so."""
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

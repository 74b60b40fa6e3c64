"""Texts and series: classes, tags, translations, what is written, forecasts."""
import json
import re

from playwright.sync_api import expect

from bench import shows_classes, test
from support import answer


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
        assert not page.locator(".looks").count()
        page.get_by_role("switch", name="What each word looked at").check()
        looks = page.get_by_role("region", name="What each word looked at")
        expect(looks.locator("thead th")).to_have_text(["w1", "w2", "w3", "nothing", "<eos>"])
        expect(looks.locator("tbody th")).to_have_text(best["tokens"])
        for row in looks.locator("tbody tr").all():
            assert abs(sum(map(int, row.locator("td").all_inner_texts())) - 100) <= 3
        opened.screenshot("attention")


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

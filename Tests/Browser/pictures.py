"""Pictures: where they come from, their crops, the map over them; and clips of them."""
import re

from playwright.sync_api import expect

from bench import CLIP, EXAMPLES, HORSE, PAGODA, ROOT, SEVEN, shows_classes, test, violations
from support import answer

# A red square at 32 … 48 × 16 … 32 of 128 × 64 pixels, and a dim blue one at 96 … 112 × 32 … 48.
SQUARES = ROOT / "Tests/ServingTests/Fixtures/squares.png"


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
def a_clip_is_played_with_what_is_said_of_each_frame(bench):
    tags = answer(bench.daemon, "/v1/models/clips:predict", CLIP.read_bytes())["predictions"][0]
    labels = [tag["label"] for tag in tags]
    with bench.tab() as opened:
        page = opened.open("clips")
        page.get_by_role("button", name="Try a digit that moves").click()
        expect(page.locator(".tags b")).to_have_text([f"frame {number}" for number in range(16)])
        expect(page.locator(".tags span")).to_have_text(labels)
        button, slider, number = page.get_by_role("button", name="Pause"), page.get_by_label("Frame"), page.locator(".slider output")
        expect(button).to_be_visible()
        expect(number).to_have_text("15")  # it has played by itself
        expect(page.get_by_role("button", name="Play")).to_be_visible()
        expect(page.locator(".verdict bdi")).to_have_text(labels[15])
        sources = page.locator(".tags img").evaluate_all("(pictures) => pictures.map((picture) => picture.src)")
        assert len(sources) == 16 and len(set(sources)) > 8
        slider.focus()
        slider.press("Home")
        for index in range(3):
            expect(number).to_have_text(str(index))
            expect(page.locator(".verdict bdi")).to_have_text(labels[index])
            assert page.locator(".frame img").get_attribute("src") == sources[index]
            expect(page.locator(".tags li").nth(index)).to_have_attribute("aria-current", "true")
            slider.press("ArrowRight")
        page.get_by_role("button", name="Play").press("Enter")
        button.press("Enter")
        expect(page.get_by_role("button", name="Play")).to_be_focused()
        page.locator(".tags li").nth(9).click()
        expect(number).to_have_text("9")
        expect(page.locator(".tags [aria-current]")).to_have_count(1)
        assert "--data-binary @clip.gif" in page.locator("#curl").inner_text()
        opened.screenshot("clip")
        page.locator("input[type=file]").set_input_files([SEVEN, EXAMPLES / "digit-3.png"])
        expect(page.locator(".tags b")).to_have_text(["frame 0", "frame 1"])
        expect(page.locator(".ask .quiet").last).to_have_text("2 files: digit-3.png, digit-7.png")
        assert "-F frame=@digit-3.png" in page.locator("#curl").inner_text()
        opened.expected_failures = 1
        page.locator("input[type=file]").set_input_files([ROOT / "weights/clips/labels.txt", SEVEN])
        expect(page.get_by_role("alert").last).to_contain_text("Instance 0: frame 1: ")


@test
def a_clip_stands_still_for_who_wants_no_motion(bench):
    with bench.tab(reduced_motion="reduce") as opened:
        page = opened.open("clips")
        page.get_by_role("button", name="Try a digit that moves").click()
        expect(page.locator(".tags b")).to_have_count(16)
        expect(page.get_by_role("button", name="Play")).to_be_enabled()
        expect(page.locator(".slider output")).to_have_text("0")
        expect(page.get_by_role("button", name="Pause")).to_have_count(0)


@test
def boxes_are_drawn_over_the_picture_and_a_slider_chooses_among_them(bench):
    with bench.tab() as opened:
        page = opened.open("detector")
        page.locator("input[type=file]").first.set_input_files(SQUARES)
        expect(page.locator(".verdict")).to_have_text("1 × red, 1 × blue")
        expect(page.locator("#announcer")).to_contain_text("1 × red")
        expect(page.locator(".bars .label")).to_have_text(["red", "blue"])
        expect(page.locator(".names span")).to_have_text(["red", "blue"])
        expect(page.locator(".boxes .box")).to_have_count(2)
        frame, box = page.locator(".frame").bounding_box(), page.locator(".boxes .box .line-of-class").first.bounding_box()
        places = [(box["x"] - frame["x"]) / frame["width"], (box["y"] - frame["y"]) / frame["height"], box["width"] / frame["width"]]
        for place, share in zip(places, (24 / 128, 8 / 64, 32 / 128)):
            assert abs(place - share) < 0.03, (places, box, frame)
        assert ":detect?threshold=0.05" in page.locator("#curl").inner_text()
        slider = page.get_by_label("At least as sure as")
        slider.focus()
        slider.press("End")
        expect(page.locator(".boxes .box")).to_have_count(1)
        expect(page.locator(".verdict")).to_have_text("1 × red")
        violations(page, "boxes")
        opened.screenshot("boxes")
        page.locator(".sample").first.click()
        expect(page.locator(".verdict")).not_to_have_text("1 × red")


@test
def each_word_of_a_caption_shows_where_the_network_looked(bench):
    with bench.tab() as opened:
        page = opened.open("scenes")
        expect(page.locator(".sample")).to_have_count(2)
        page.locator(".sample").first.click()
        words = page.locator(".words button")
        expect(words.first).to_be_visible()
        expect(page.locator("#announcer")).to_contain_text("orange circle")
        assert ":caption?detail=attention" in page.locator("#curl").inner_text()
        expect(page.locator("canvas.map")).to_be_hidden()
        page.get_by_role("button", name="orange").hover()
        expect(page.locator("canvas.map")).to_be_visible()
        expect(page.locator("canvas.map")).to_have_attribute("aria-label", re.compile("For “.*” it looks most at "))
        words.first.focus()
        words.first.press("ArrowRight")
        expect(words.nth(1)).to_be_focused()
        expect(words.nth(1)).to_have_attribute("aria-pressed", "true")
        violations(page, "caption")
        opened.screenshot("caption")


@test
def classes_of_pixels_lie_over_the_picture_with_a_legend(bench):
    with bench.tab() as opened:
        page = opened.open("segmenter")
        page.locator("input[type=file]").first.set_input_files(SQUARES)
        expect(page.locator("canvas.map")).to_be_visible()
        expect(page.locator(".bars .label").first).to_have_text("ground")
        expect(page.locator("canvas.map")).to_have_attribute("aria-label", re.compile("Classes of the picture: ground"))
        pixels = page.evaluate("""() => {
            const map = document.querySelector('canvas.map');
            const { data } = map.getContext('2d').getImageData(0, 0, map.width, map.height);
            const at = (x, y) => [...data.slice(4 * (y * map.width + x), 4 * (y * map.width + x) + 4)];
            return [map.width, map.height, at(40, 24), at(5, 5)];
        }""")
        assert pixels == [128, 64, [128, 0, 0, 255], [0, 0, 0, 0]], pixels
        slider = page.get_by_label("Opacity")
        slider.focus()
        slider.press("Home")
        assert page.locator("canvas.map").evaluate("(map) => getComputedStyle(map).opacity") == "0"
        slider.press("End")
        violations(page, "pixels")
        opened.screenshot("pixels")


@test
def vectors_and_tensors_have_their_panels(bench):
    with bench.tab() as opened:
        page = opened.open("embedder")
        page.locator("input[type=file]").first.set_input_files(SQUARES)
        expect(page.locator(".verdict")).to_have_text("192 numbers")
        violations(page, "vector")
        page = opened.open("pair")
        expect(page.locator("#panel li")).to_have_count(6)
        expect(page.locator("#panel li").nth(1)).to_have_text("b: I64 3")
        assert "v2/models/pair" in page.locator("#curl").inner_text()
        violations(page, "tensors")

"""Runs the tests of the playground for Tests/Browser/run."""
import contextlib
import shutil
import sys
import time

from playwright.sync_api import sync_playwright

import surroundings
import pictures
import sequences
from bench import TESTS, Bench
from support import OUTPUT, Notes, sandbox_arguments


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
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=sandbox_arguments())
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

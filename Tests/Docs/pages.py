"""The pages of the project as tests read them: blocks of code, what is said of each, links and anchors."""
import dataclasses
import fcntl
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")), "deploy/README.md",
         "Sources/README.md", "weights/recipes/README.md", "CONTRIBUTING.md", "CHANGELOG.md"]
FENCE = re.compile(r"^```([\w-]*)\n(.*?)^```$", re.M | re.S)
# `<!-- needs: torch; given: COMMAND -->`: what a block needs, and what is done before it that readers need not.
NOTE = re.compile(r"<!-- ((?:run by|not run|needs|given|an example)\b.*?) -->\n\Z", re.S)
CAPTION = re.compile(r"`([\w./-]+)`:\n\n\Z")


@dataclasses.dataclass
class Block:
    """A block of code: its language and text, and what the page says of it."""
    page: str
    line: int
    language: str
    text: str
    notes: dict
    # The file that it is, where the words before it name one.
    file: str | None
    # What the block before it, which is a command, answers.
    answers: "Block | None" = None

    @property
    def goes_on(self):
        """Whether its command goes on until it is told to end: a daemon."""
        return self.language == "sh" and re.match(r"(?:deploy/serve|martlet serve)\b(?!.*(?:--print-config|--help))", self.text)

    def __str__(self):
        return f"{self.page}:{self.line}: {self.text.splitlines()[0][:90]}"


def blocks(page):
    """The blocks of a page, in order."""
    text = (ROOT / page).read_text()
    found, end = [], 0
    for match in FENCE.finditer(text):
        before = text[end:match.start()]
        note = NOTE.search(before)
        notes = {}
        if note:
            before = before[:note.start()]
            for part in note.group(1).split("; "):
                name, _, value = part.partition(":")
                notes[name.strip()] = value.strip()
                if name.startswith("run by"):
                    notes["run by"] = part.removeprefix("run by ")
        caption = CAPTION.search(before)
        block = Block(page, text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2), notes,
                      caption and caption.group(1))
        if found and not before.strip() and found[-1].language == "sh" and block.language in ("json", "text"):
            block.answers = found[-1]
        found.append(block)
        end = match.end() + 1
    return found


def prose(page):
    """The text of a page without its blocks."""
    return FENCE.sub("", (ROOT / page).read_text())


def slugs(page):
    """The anchors of a page's headings, as GitHub and the daemon name them."""
    known, counts = set(), {}
    for heading in re.findall(r"^#{1,6} (.*)$", prose(page), re.M):
        text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").replace("*", "")
        slug = "".join("-" if letter == " " else letter for letter in text.lower() if letter.isalnum() or letter in " -_")
        count = counts.get(slug, 0)
        counts[slug] = count + 1
        known.add(f"{slug}-{count}" if count else slug)
    return known


def dead_links(page):
    """Links of a page, and pictures, that lead to no file of the repository or to no heading."""
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        file, _, fragment = target.partition("#")
        path = (ROOT / page).parent / file if file else ROOT / page
        if not path.exists():
            yield f"{page}: there is no {target}"
        elif fragment and fragment not in slugs(os.path.relpath(path, ROOT)):
            yield f"{page}: {target} leads to no heading"


class Unavailable(Exception):
    """This machine gives no namespaces, or lays nothing over a folder."""


def isolated(work, command):
    """`command` as it runs with a network of its own, which is the loopback alone, over a copy of the repository at the same path:
    it finds everything that is built, and leaves nothing.

    Raises Unavailable where this machine does not allow it.
    """
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    prefix = ["unshare", "--net", "--mount", *as_root, sys.executable, __file__, "--inside"]
    trial = work / "trial"
    trial.mkdir()
    said = subprocess.run([*prefix, str(trial), "true"], capture_output=True, text=True)
    if said.returncode:
        raise Unavailable(said.stderr.strip().splitlines()[-1:])
    return [*prefix, str(work), *command]


def inside(work, command):
    """Lays what `command` writes over the repository, and runs it there."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:  # the loopback is down in a new namespace
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1 | 64))  # SIOCSIFFLAGS: up, running
    layer = work / "layer"
    layer.mkdir()
    options = "userxattr"
    if pathlib.Path("/proc/self/uid_map").read_text().split()[1] == "0":
        # Memory takes any overlay, which a folder that lies in one itself does not.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", layer], check=True)
        options = "index=off"
    for name in ("written", "scratch"):
        (layer / name).mkdir()
    layers = f"{options},lowerdir={ROOT},upperdir={layer}/written,workdir={layer}/scratch"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, ROOT], check=True)
    os.chdir(ROOT)
    os.execvp(command[0], command)


def tools(folder, swift):
    """A folder of programs to be found first: `martlet` is the release build, and `swift` the shell function body `swift`."""
    folder.mkdir()
    binary = pathlib.Path(os.environ.get("MARTLET", ROOT / ".build/release/martlet"))
    if not binary.exists():
        raise SystemExit(f"{binary} is not there: run `swift build -c release --product martlet` first")
    (folder / "martlet").symlink_to(binary)
    (folder / "swift").write_text(f"#!/bin/bash\n{swift}\n".replace("SWIFT", shutil.which("swift") or "swift"))
    (folder / "swift").chmod(0o755)
    return folder


if __name__ == "__main__" and sys.argv[1:2] == ["--inside"]:
    inside(pathlib.Path(sys.argv[2]), sys.argv[3:])

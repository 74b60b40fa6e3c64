#!/usr/bin/env python3
"""Writes what the package says about the binary, from what the binary says about itself.

describe.py settings BINARY          the file of settings, every one commented out with its default, to standard output
describe.py manuals BINARY FOLDER    a manual page in section 1 for martlet and each of its commands
"""
import email.utils
import json
import pathlib
import re
import subprocess
import sys
import textwrap

CHANGELOG = pathlib.Path(__file__).resolve().parent / "changelog"
SETTINGS_HEAD = """\
# The settings of the Martlet daemon: 'name: value', one a line. What is commented out is the default.
# A variable such as MARTLET_PORT in /etc/default/martlet is stronger. 'martlet serve --print-config' shows what holds.
"""
# What the unit says and the machine decides; the package's file shows no value for them.
OF_THE_UNIT = {"models", "cache", "threads", "max_memory_bytes"}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True, env={"HOME": "/"}).stdout


def settings(binary):
    entries = json.loads(output(binary, "serve", "--print-config", "--json"))["settings"]
    values = {entry["setting"]: entry["value"] for entry in entries}
    text = output(binary, "serve", "--help")
    print(SETTINGS_HEAD)
    for name, value in values.items():
        flag = "--" + name.replace("_", "-")
        found = re.search(rf"^ +{flag}\n((?: {{6,}}.*\n)+)", text, re.M)
        sentence = re.sub(r" \(default: .*\)$", "", " ".join(found.group(1).split())) if found else ""
        print(textwrap.fill(sentence, 110, initial_indent="# ", subsequent_indent="# "))
        print(f"#{name}: {'…' if name in OF_THE_UNIT else quoted(value)}\n")


def quoted(value):
    return value if re.fullmatch(r"[A-Za-z0-9_./][A-Za-z0-9_./-]*", value) else json.dumps(value)


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.M)


def released():
    """The day of the newest entry of the changelog, which is the version's."""
    line = next(line for line in CHANGELOG.read_text().splitlines() if line.startswith(" -- "))
    return email.utils.parsedate_to_datetime(line.split(">", 1)[1].strip()).strftime("%Y-%m-%d")


def page(name, command, version, others):
    lines = [f'.TH {name.upper()} 1 "{released()}" "martlet {version}" "User Commands"', ".SH NAME"]
    lines.append(f"{roff(name)} \\- {roff(command.get('abstract', ''))}")
    lines += [".SH SYNOPSIS", f".B {roff(name.replace('-', ' ', 1))}"]
    arguments = [a for a in command.get("arguments", []) if a.get("shouldDisplay", True)]
    lines.append("[\\fIoptions\\fR]" if arguments else "\\fIcommand\\fR [\\fIoptions\\fR]")
    if command.get("discussion"):
        lines += [".SH DESCRIPTION"] + ([".nf"] if "\n  " in command["discussion"] else [])
        lines += [roff(command["discussion"])] + ([".fi"] if "\n  " in command["discussion"] else [])
    if arguments:
        lines.append(".SH OPTIONS")
    for argument in arguments:
        names = [("--" if n["kind"] == "long" else "-") + n["name"] for n in argument.get("names") or []]
        value = argument.get("valueName", "")
        label = ", ".join(names) or f"<{value}>"
        if names and argument["kind"] == "option":
            label += f" <{value}>"
        default = f" (default: {argument['defaultValue']})" if argument.get("defaultValue") else ""
        lines += [".TP", f"\\fB{roff(label)}\\fR", roff((argument.get("abstract") or "") + default)]
    if name == "martlet":
        lines.append(".SH COMMANDS")
        for other in command["subcommands"]:
            lines += [".TP", f"\\fB{roff(other['commandName'])}\\fR", roff(other.get("abstract", ""))]
        lines += [".SH FILES", ".TP", "/etc/martlet/martlet.yaml", "The settings of the daemon."]
        lines += [".TP", "/var/lib/martlet/models", "The folder of models of the daemon."]
        lines += [".TP", "/usr/share/martlet/models", "Example models."]
    lines += [".SH EXIT STATUS", "0 done, 1 failed, 2 wrong usage.", ".SH SEE ALSO"]
    lines.append(", ".join(f"\\fB{roff(other)}\\fR(1)" for other in others if other != name))
    return "\n".join(lines) + "\n"


def manuals(binary, folder):
    command = json.loads(output(binary, "--experimental-dump-help"))["command"]
    version = output(binary, "--version").strip()
    command["subcommands"] = [c for c in command["subcommands"] if c["commandName"] != "help"]
    names = ["martlet"] + [f"martlet-{c['commandName']}" for c in command["subcommands"]]
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    for name, described in zip(names, [command] + command["subcommands"]):
        pathlib.Path(folder, name + ".1").write_text(page(name, described, version, names))


if __name__ == "__main__":
    {"settings": settings, "manuals": manuals}[sys.argv[1]](*sys.argv[2:])

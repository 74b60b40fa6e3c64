"""Has an OpenTelemetry Collector read a daemon's log lines by the operators of deploy/otel-collector.yaml, and checks the records.

Usage: collector.py LOG FOLDER. The lines come from a file, each as the journal has it, instead of a journal; everything listens on
loopback only. A collector with all that the file names (`contrib`) also validates the file whole.
"""

import http.server
import json
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time

PATIENCE = 30  # seconds for anything that should take one
CONFIG = pathlib.Path("deploy/otel-collector.yaml")
# A line of systemd's own among the daemon's: no object, and it passes as it is.
STRANGER = "Started martlet.service - Martlet."


class Sink(http.server.BaseHTTPRequestHandler):
    """Takes OTLP over HTTP, as JSON."""

    records = []

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in body["resourceLogs"]:
            for scope in resource["scopeLogs"]:
                Sink.records += scope["logRecords"]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


def configuration(lines, port):
    """The operators of the file, behind a receiver of files and before an exporter to us."""
    operators = re.search(r"^    operators:\n(.*?)^  \w", CONFIG.read_text(), re.M | re.S).group(1)
    return f"""
receivers:
  filelog:
    include: [{lines}]
    start_at: beginning
    operators:
      - {{ type: json_parser, parse_from: body, parse_to: body }}
{operators}
exporters:
  otlphttp: {{ endpoint: "http://127.0.0.1:{port}", encoding: json, compression: none }}
service:
  telemetry: {{ metrics: {{ level: none }} }}
  pipelines: {{ logs: {{ receivers: [filelog], exporters: [otlphttp] }} }}
"""


def check(lines, records):
    """Each line became a record with its fields, time, level, message and trace."""
    severities = {"debug": 5, "info": 9, "notice": 10, "warning": 13, "error": 17, "critical": 21}

    def fields(record):
        attributes = {one["key"]: one["value"].get("stringValue") for one in record.get("attributes", [])}
        attributes.pop("log.file.name", None)
        return attributes | {"message": record["body"].get("stringValue")}

    found = [(fields(record), record) for record in records]
    for line in lines:
        value = json.loads(line)
        alike = [record for known, record in found if known == value]
        assert alike, f"no record of {line}"
        for record in alike:
            assert record["severityNumber"] == severities[value["level"]], (line, record)
            for name, field in [("traceId", "trace_id"), ("spanId", "span_id")]:
                assert record.get(name, "") == value.get(field, ""), (line, record)
            seconds = time.gmtime(int(record["timeUnixNano"]) // 10**9)
            assert value["time"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", seconds), (line, record)
    assert any(record["body"].get("kvlistValue") for record in records), "the line of systemd itself is lost"
    return sum(1 for record in records if record.get("traceId"))


def main(log, folder):
    program = shutil.which("otelcol-contrib")
    if program is None:
        print("Monitoring: otel-collector.yaml NOT run: there is no otelcol-contrib")
        return
    folder = pathlib.Path(folder).resolve()
    known = subprocess.run([program, "components"], check=True, capture_output=True, text=True).stdout
    whole = all(re.search(rf"name: {name}$", known, re.M) for name in ("journald", "prometheus", "resource", "otlp"))
    if whole:
        subprocess.run([program, "validate", f"--config={CONFIG}"], check=True)
    lines = [line for line in pathlib.Path(log).read_text().splitlines() if line.startswith("{")]
    journal = folder / "journal.json"
    journal.write_text("".join(json.dumps({"MESSAGE": line, "PRIORITY": "6"}) + "\n" for line in [STRANGER, *lines]))
    sink = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    config = folder / "collector.yaml"
    config.write_text(configuration(journal, sink.server_address[1]))
    messages = folder / "collector.log"
    with messages.open("w") as output:
        collector = subprocess.Popen([program, f"--config={config}"], stdout=output, stderr=output)
    try:
        end = time.monotonic() + PATIENCE
        while len(Sink.records) < len(lines) + 1 and collector.poll() is None and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        collector.terminate()
        collector.wait(timeout=PATIENCE)
    count = len(Sink.records)
    assert count == len(lines) + 1, f"{count} records of {len(lines) + 1} lines:\n{messages.read_text()[-3000:]}"
    traced = check(lines, Sink.records)
    assert traced > 0, "no record has a trace"
    what = "the file is valid, and " if whole else "(only its operators: this collector lacks the rest) "
    print(f"Monitoring: otel-collector.yaml: {what}{count} lines of a daemon became records, {traced} of them in a trace")


main(*sys.argv[1:])

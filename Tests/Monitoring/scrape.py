"""Lets a real Prometheus scrape a real daemon, and asks it every question of deploy/grafana.json and deploy/alerts.yaml.

Usage: scrape.py DAEMON WEIGHTS FOLDER; promtool and prometheus are on PATH. Everything listens on loopback only.
"""

import json
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

PATIENCE = 30  # seconds for anything that should take one
TRACE = "0af7651916cd43dd8448eb211c80319c"


def fetch(url, body=None, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def until(what, attempt):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        result = attempt()
        if result:
            return result
        time.sleep(0.1)
    raise SystemExit(f"Monitoring: FAILED: {what} within {PATIENCE} s")


def find(path, pattern):
    """The first group of a pattern in a file that a process writes."""
    match = re.search(pattern, path.read_text(errors="replace"))
    return match and match.group(1)


def classify(daemon, digit, count=20):
    for _ in range(count):
        answer = fetch(f"{daemon}/v1/models/digits:classify", digit, Content_Type="image/png")
        assert answer[0] == 200, answer


def use(daemon, digit):
    """Requests that are answered and that are not; returns the answer to a traced one."""
    classify(daemon, digit)
    assert fetch(f"{daemon}/v1/models/digits:classify", b"no image", Content_Type="image/png")[0] == 422
    assert fetch(f"{daemon}/nowhere")[0] == 404
    assert fetch(f"{daemon}/v1/models/digits:classify?timeout_ms=0", digit)[0] == 400
    return fetch(
        f"{daemon}/v1/models/digits:classify",
        digit,
        Content_Type="image/png",
        traceparent=f"00-{TRACE}-b7ad6b7169203331-01",
    )


def check_trace(answer, log):
    """The span that the answer names is the one of the log line, with the fields that otel-collector.yaml reads."""
    version, trace, span, flags = answer[1]["traceresponse"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")

    def traced():
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line.get("trace_id") == TRACE]

    [line] = until("no line of the traced request", traced)
    assert line["span_id"] == span and line["parent_span_id"] == "b7ad6b7169203331" and line["trace_flags"] == "01"
    config = pathlib.Path("deploy/otel-collector.yaml").read_text()
    for field in re.findall(r"(?:parse_from|from): attributes\.(\w+)", config):
        assert field in line, f"otel-collector.yaml reads '{field}', which is not in {line}"


def check_metrics(daemon):
    """What promtool thinks of the metrics; the kinds of the families by name."""
    text = fetch(f"{daemon}/metrics")[2]
    lint = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
    assert lint.returncode == 0 and not lint.stderr, lint.stderr.decode()
    return dict(re.findall(r"^# TYPE (\w+) (\w+)$", text.decode(), re.M))


def check_unloading(daemon):
    """The series of a model go with it; its state stays."""

    def shown():
        text = fetch(f"{daemon}/metrics")[2].decode()
        return {line.split("{")[0] for line in text.splitlines() if 'model="digits"' in line}

    assert "martlet_request_duration_seconds_count" in shown()
    assert fetch(f"{daemon}/v2/repository/models/digits/unload", b"{}")[0] == 200
    until("the series of digits are still there", lambda: shown() == {"martlet_model_state"})


def questions():
    """Every query of the dashboard and of the alerts, as Prometheus gets it, with where it stands."""
    dashboard = json.loads(pathlib.Path("deploy/grafana.json").read_text())
    values = {"$__rate_interval": "4s", "$job": "martlet", "$instance": ".*", "$model": ".*"}

    def filled(text):
        for name, value in values.items():
            text = text.replace(name, value)
        assert "$" not in text, text
        return text

    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel '{panel['title']}'", filled(target["expr"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series = re.fullmatch(r"label_values\((.*), \w+\)", variable["definition"]).group(1)
            yield f"variable '{variable['name']}'", filled(series)
    for annotation in dashboard["annotations"]["list"]:
        yield f"annotation '{annotation['name']}'", filled(annotation["expr"])


def check_questions(api, families):
    def ask(path, **parameters):
        status, _, body = fetch(f"{api}/api/v1/{path}?{urllib.parse.urlencode(parameters)}")
        answer = json.loads(body)
        assert status == 200 and answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]

    asked, silent = 0, []
    for place, query in questions():
        suffixes = r"_(bucket|sum|count)$"
        for name in re.findall(r"\b(?:martlet|process)_\w+", query):
            known = name in families or families.get(re.sub(suffixes, "", name)) == "histogram"
            assert known, f"{place}: there is no metric '{name}'"
        asked += 1
        if not ask("query", query=query)["result"]:
            silent.append(place)
    # What nothing has happened of yet has no data: no text was generated, nothing was refused or started again.
    expected = {"panel 'Texts'", "panel 'Refused and given up'", "annotation 'Starts'"}
    assert set(silent) <= expected, f"no data: {sorted(set(silent) - expected)}"
    rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
    for rule in rules:
        assert rule["health"] == "ok", f"{rule['name']}: {rule}"
        for name in re.findall(r"\b(?:martlet|process)_\w+", rule["query"]):
            assert name in families or re.sub(r"_bucket$", "", name) in families, f"{rule['name']}: no metric '{name}'"
    firing = [alert["labels"]["alertname"] for alert in ask("alerts")["alerts"] if alert["state"] == "firing"]
    assert not firing, f"alerts over a daemon that is well: {firing}"
    return asked, len(rules)


def main(program, weights, folder):
    folder = pathlib.Path(folder)
    log, listening = folder / "daemon.log", folder / "daemon.out"
    command = [program, "serve", "--models", weights, "--port", "0", "--log-format", "json", "--tune", "false"]
    processes = []
    try:
        with log.open("w") as errors, listening.open("w") as output:
            processes.append(subprocess.Popen(command, stdout=output, stderr=errors))
        daemon = until("no address of the daemon", lambda: find(listening, r"listening on (http://\S+)"))
        until("it is not ready", lambda: fetch(f"{daemon}/readyz")[0] == 200)
        digit = pathlib.Path("weights/examples/digit-7.png").read_bytes()
        answer = use(daemon, digit)
        check_trace(answer, log)
        families = check_metrics(daemon)

        config = folder / "prometheus.yaml"
        text = pathlib.Path("deploy/prometheus.yaml").read_text().replace("15s", "1s")
        text = text.replace("127.0.0.1:8080", daemon.removeprefix("http://"))
        config.write_text(text.replace("alerts.yaml", str(pathlib.Path("deploy/alerts.yaml").resolve())))
        subprocess.run(["rm", "-rf", str(folder / "data")], check=True)
        messages = folder / "prometheus.log"
        with messages.open("w") as errors:
            command = ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}"]
            command += ["--web.listen-address=127.0.0.1:0"]
            processes.append(subprocess.Popen(command, stderr=errors))
        port = until("no address of Prometheus", lambda: find(messages, r'"Listening on" address=127\.0\.0\.1:(\d+)'))
        api = f"http://127.0.0.1:{port}"

        def scraped():
            classify(daemon, digit)
            status, _, body = fetch(f"{api}/api/v1/query?query=count_over_time(up{{job=%22martlet%22}}[1m])")
            result = json.loads(body)["data"]["result"] if status == 200 else []
            return result and int(result[0]["value"][1]) >= 5

        until("Prometheus does not scrape", scraped)
        asked, rules = check_questions(api, families)
        check_unloading(daemon)
        print(f"Monitoring: {len(families)} families, {asked} questions of the dashboard and {rules} alerts are well")
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait(timeout=PATIENCE)


if __name__ == "__main__":
    main(*sys.argv[1:])

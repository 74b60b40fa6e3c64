"""The real proxies, with the configurations of deploy/ but for addresses and paths."""
import socket
import ssl
import subprocess

from daemon import ROOT, WORK


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def adapted(name, changes):
    """A configuration of deploy/ with other addresses and paths; each of them must be in it."""
    text = (ROOT / "deploy" / name).read_text()
    for old, new in changes.items():
        assert old in text, f"deploy/{name} has no '{old}' any more"
        text = text.replace(old, new)
    return text


def certificate():
    """A certificate for 127.0.0.1 with its key in one file, and what a client needs to trust it."""
    pem = WORK / "martlet.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", WORK / "key", "-out", WORK / "crt"], check=True, capture_output=True)
    pem.write_text((WORK / "crt").read_text() + (WORK / "key").read_text())
    return pem, ssl.create_default_context(cafile=str(WORK / "crt"))


class HAProxy:
    name = "haproxy"

    def __init__(self, daemons, pem):
        self.port = free_port()
        config = WORK / "haproxy.cfg"
        config.write_text(adapted("haproxy.cfg", {
            "10.0.0.11:8080": f"127.0.0.1:{daemons[0].port}", "10.0.0.12:8080": f"127.0.0.1:{daemons[1].port}",
            "/etc/haproxy/martlet.pem": str(pem), ":443": f"127.0.0.1:{self.port}",
            "maxconn 20000": "maxconn 2000",
            "log /dev/log local0 notice": "log stdout format raw daemon", "/run/haproxy/admin.sock": f"{WORK}/admin.sock"}))
        subprocess.run(["haproxy", "-c", "-q", "-f", config], check=True)
        self.log = WORK / "haproxy.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(["haproxy", "-db", "-f", config], stdout=log, stderr=log)

    def retries(self):
        """How often requests were sent again."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.connect(f"{WORK}/admin.sock")
            admin.sendall(b"show stat\n")
            rows = admin.makefile().read().splitlines()
        names = rows[0].lstrip("# ").split(",")
        rows = [dict(zip(names, row.split(","))) for row in rows[1:] if row]
        return sum(int(row["wretr"]) + int(row["wredis"]) for row in rows if row["svname"] == "BACKEND")

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Nginx:
    name = "nginx"

    def __init__(self, daemons, pem):
        self.port = free_port()
        self.log = WORK / "nginx-access.log"
        (WORK / "martlet.conf").write_text(adapted("nginx.conf", {
            "10.0.0.11:8080": f"127.0.0.1:{daemons[0].port}", "10.0.0.12:8080": f"127.0.0.1:{daemons[1].port}",
            "/etc/nginx/martlet.pem": str(pem), "listen 443": f"listen 127.0.0.1:{self.port}"}))
        config = WORK / "nginx.conf"
        temporary = "".join(f"{name}_temp_path {WORK}/{name};" for name in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config.write_text(
            f"daemon off; pid {WORK}/nginx.pid; error_log {WORK}/nginx.log; events {{ worker_connections 4096; }}\n"
            f"http {{ {temporary} log_format tries '$upstream_addr'; access_log {self.log} tries;\n"
            f"include {WORK}/martlet.conf; }}\n")
        subprocess.run(["nginx", "-t", "-q", "-c", config, "-e", WORK / "nginx.log"], check=True)
        self.process = subprocess.Popen(["nginx", "-c", config, "-e", WORK / "nginx.log"])

    def retries(self):
        return sum("," in line for line in self.log.read_text().splitlines())

    def stop(self):
        self.process.terminate()
        self.process.wait()

"""A memory limit of the kernel for a test's daemon."""
import os
import pathlib
import signal

from daemon import until


class MemoryGroup:
    """A control group that has so many bytes of memory, of version 1 or 2, below this process's own.

    `command` goes before a daemon's own: the daemon joins before it is what it is. OSError where none can be made.
    """

    def __init__(self, limit):
        error = OSError("no memory controller")
        for line in open("/proc/self/cgroup"):
            _, controllers, path = line.rstrip("\n").split(":", 2)
            if controllers == "":
                base, name = pathlib.Path("/sys/fs/cgroup" + path), "memory.max"
            elif "memory" in controllers.split(","):
                base, name = pathlib.Path("/sys/fs/cgroup/memory" + path), "memory.limit_in_bytes"
            else:
                continue
            self.path = base / f"martlet-test-{os.getpid()}"
            try:
                self.path.mkdir()
                (self.path / name).write_text(str(limit))
                self.command = ["sh", "-c", f"echo $$ > {self.path}/cgroup.procs; exec \"$@\"", "sh"]
                return
            except OSError as reason:
                error = reason
                if self.path.is_dir():
                    self.path.rmdir()
        raise error

    def peak(self):
        """The most bytes that were charged; None where the kernel does not say."""
        for name in ("memory.peak", "memory.max_usage_in_bytes"):
            if (self.path / name).exists():
                return int((self.path / name).read_text())

    def kills(self):
        """How often the kernel ended a process for want of memory."""
        for name in ("memory.events", "memory.oom_control"):
            if (self.path / name).exists():
                fields = dict(line.split() for line in (self.path / name).read_text().splitlines())
                return int(fields.get("oom_kill", 0))
        return 0

    def close(self):
        for process in (self.path / "cgroup.procs").read_text().split():
            os.kill(int(process), signal.SIGKILL)
        until(lambda: not (self.path / "cgroup.procs").read_text(), "the control group is empty", 10)
        self.path.rmdir()

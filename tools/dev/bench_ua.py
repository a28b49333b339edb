# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""MSK requests over HTTP: ours, a bare libmicrohttpd and Apache with mod_auth_digest, one after the
other and again, each on one CPU with the load on another. Part of tools/bench.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import time

from mskpush_site import FQDN, GROUP, SERVICE, Site, SiteError, allowed_cpus

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PHONES = 10000
PULLERS = 2000
PULLS_PER_S = 500  # while the first push is timed
CONNECTIONS = 64
PIPELINE = 16
APACHE_USER, APACHE_PASSWORD = "phone", "secret"
APACHE_BODY = 230  # octets: what ours answers with

APACHE_CONFIGURATION = """
ServerName bench
ServerRoot "{root}"
PidFile "{root}/pid"
ErrorLog "{root}/error.log"
LogLevel crit
Listen 127.0.0.1:{port}
{modules}
<IfModule mpm_event_module>
  StartServers 1
  ServerLimit 1
  ThreadLimit {threads}
  ThreadsPerChild {threads}
  MaxRequestWorkers {threads}
  MaxConnectionsPerChild 0
</IfModule>
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
DocumentRoot "{root}/htdocs"
<Directory "{root}/htdocs">
  AuthType Digest
  AuthName "bench"
  AuthDigestAlgorithm MD5
  AuthDigestQop auth
  AuthDigestProvider file
  AuthUserFile "{root}/users"
  AuthDigestNonceLifetime 3600
  Require valid-user
</Directory>
"""
APACHE_MODULES = ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user",
                  "auth_digest"]


def free_port():
    """A TCP port nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port, process, name):
    """Until a server answers."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SiteError(f"{name} ended with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SiteError(f"{name} does not answer on port {port}")


def cpu_seconds(pid):
    """CPU time of a process and its children so far."""
    total = 0
    for each in [pid, *children(pid)]:
        with contextlib.suppress(OSError), open(f"/proc/{each}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def children(pid):
    """Children of a process."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children",
                                            encoding="ascii") as file:
        return [int(child) for child in file.read().split()]
    return []


class Server:
    """A server on the first CPU; the load is on the last."""

    def __init__(self, name, pid, port, load, path=""):
        self.name, self.pid, self.load = name, pid, load
        self.url = f"http://127.0.0.1:{port}{path}"
        self.seen = {}  # pipeline -> [(rate, CPU time, p50, p99)]

    def measure(self, build, seconds, pipeline=1):
        """One run, with so many requests on the way on each connection."""
        before, begin = cpu_seconds(self.pid), time.monotonic()
        done = subprocess.run(
            ["taskset", "-c", str(allowed_cpus()[-1]), os.path.join(build, "tests/bench/ua-load"),
             "--url", self.url, "--connections", str(CONNECTIONS), "--pipeline", str(pipeline),
             "--seconds", str(seconds), *self.load],
            stdout=subprocess.PIPE, check=False, text=True)
        spent, took = cpu_seconds(self.pid) - before, time.monotonic() - begin
        seen = json.loads(done.stdout or "{}")
        if seen.get("errors", 1) != 0:
            raise SiteError(f"the load on {self.name} failed: {done.stdout}")
        requests = seen["requests_per_s"] * seconds
        self.seen.setdefault(pipeline, []).append(
            (seen["requests_per_s"], 1e6 * spent / requests, seen["p50_us"], seen["p99_us"]))
        if took > seconds * 3:
            raise SiteError(f"the load on {self.name} took {took:.0f} s")

    def result(self, results, key):
        """Medians, under a key."""
        for pipeline, runs in self.seen.items():
            rate, cost, p50, p99 = (statistics.median(column) for column in zip(*runs))
            name = key if pipeline == 1 else f"{key}_pipeline_{pipeline}"
            results[name] = round(rate)
            results[name + "_cpu_us"] = round(cost, 2)
            results[name + "_p50_us"], results[name + "_p99_us"] = p50, p99


@contextlib.contextmanager
def pinned():
    """Children begin on the first CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextlib.contextmanager
def child(argv, port, name):
    """A server that is a child of ours."""
    with pinned():
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, process, name)
        yield process
    finally:
        process.terminate()
        process.wait()


def provision(site, path):
    """Key group, service, the phones of a CSV, an MSK."""
    site.cli("group", "add", GROUP)
    site.cli("service", "add", SERVICE, "--group", GROUP)
    site.cli("ue", "import", path)
    site.cli("msk", "new", GROUP)


@contextlib.contextmanager
def ours(build):
    """mskpushd with phones; its pushes go to a port that takes all."""
    with Site(build, port="net_null0,no-rx=1") as site:
        site.gateway_mac = "02:00:00:00:00:02"
        site.ua_yaml = f"  address: imported\n  connections: {2 * PHONES}\n"
        path = os.path.join(site.dir, "ues.csv")
        site.make_csv(path, PHONES)
        with pinned():
            site.start_daemon()
        provision(site, path)
        yield Server("mskpushd", site.daemon.pid, site.ua_address()[1],
                     ["--mode", "msk-request", "--csv", path, "--fqdn", FQDN,
                      "--body-group", GROUP])
        site.stop_daemon()


@contextlib.contextmanager
def bare(build):
    """libmicrohttpd alone, the same POST without credentials."""
    port = free_port()
    argv = [os.path.join(build, "tests/bench/bare-mhd"), str(port), str(APACHE_BODY)]
    with child(argv, port, "bare-mhd") as process:
        yield Server("bare-mhd", process.pid, port,
                     ["--mode", "post-plain", "--body-group", GROUP])


def apache_files(root, port):
    """Configuration, users and the one document."""
    os.makedirs(os.path.join(root, "htdocs"))
    with open(os.path.join(root, "htdocs", "index.html"), "wb") as file:
        file.write(b"x" * APACHE_BODY)
    ha1 = hashlib.md5(f"{APACHE_USER}:bench:{APACHE_PASSWORD}".encode()).hexdigest()
    with open(os.path.join(root, "users"), "w", encoding="ascii") as file:
        file.write(f"{APACHE_USER}:bench:{ha1}\n")
    modules = "\n".join(f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
                        for name in APACHE_MODULES)
    path = os.path.join(root, "httpd.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(APACHE_CONFIGURATION.format(root=root, port=port, modules=modules,
                                               threads=4 * CONNECTIONS))
    return path


@contextlib.contextmanager
def apache():
    """Apache 2 of Debian with a configuration of ours: a static GET behind Digest, qop=auth."""
    root, port = tempfile.mkdtemp(prefix="mskapache"), free_port()
    os.chmod(root, 0o755)
    program = shutil.which("apache2", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        raise SiteError("needs Apache: package apache2-bin")
    try:
        argv = [program, "-D", "FOREGROUND", "-f", apache_files(root, port)]
        with child(argv, port, "apache2") as process:
            yield Server("apache2", process.pid, port,
                         ["--mode", "get-digest", "--user", APACHE_USER, "--password",
                          APACHE_PASSWORD], "/index.html")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def measure_crowd(server, build, results):
    """So many phones that come at once and are all challenged within the same second or two."""
    done = subprocess.run(
        ["taskset", "-c", str(allowed_cpus()[-1]), os.path.join(build, "tests/bench/ua-load"),
         "--url", server.url, "--connections", str(PHONES), "--seconds", "5", *server.load],
        stdout=subprocess.PIPE, check=False, text=True)
    seen = json.loads(done.stdout or "{}")
    results["pulls_crowd"] = PHONES
    # Who is told to come later, because there are too many, is not refused wrongly.
    results["pulls_crowd_shed"] = seen.get("shed", 0)
    results["pulls_crowd_refused"] = seen.get("errors", PHONES)


def settled(site, phones):
    """The emulator's report on HTTP, when so many MSKs have come."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        report = site.phones(do="status")["ua"]
        if report["msk_latency_us"]["count"] >= phones:
            return report
        time.sleep(0.05)
    raise SiteError(f"of {phones} phones {report['msk_latency_us']['count']} got their MSK")


def measure_first_push(build, results):
    """From the 200 to the MSK of the push that follows, both by the emulator's clock; phones that
    come at random moments, after the first one has made the site know its next hop."""
    with Site(build) as site:
        site.ua_yaml = "  address: imported\n"
        path = os.path.join(site.dir, "ues.csv")
        site.make_csv(path, PULLERS)
        site.start_daemon()
        site.start_phones(path, "--ua-groups", GROUP, "--ua",
                          "http://{}:{}".format(*site.ua_address()))
        provision(site, path)
        site.phones(do="fetch", count=1)
        settled(site, 1)
        site.phones(do="fetch", rate=PULLS_PER_S)
        seen = settled(site, 1 + PULLERS)["msk_latency_us"]
        site.stop_daemon()
        site.stop_phones()
    results["first_push_p50_us"], results["first_push_p99_us"] = seen["p50"], seen["p99"]


def measure_pulls(args, results):
    """All three, `repeat` times in turn, so that what else the machine does meets each of them. With
    one request at a time on a connection the load may be what is slow: CPU times tell. In a pipeline
    the servers are."""
    with ours(args.build) as one, bare(args.build) as two, apache() as three:
        for _ in range(args.repeat):
            for server in (one, two, three):
                server.measure(args.build, max(2, int(args.seconds)))
            for server in (one, two):
                server.measure(args.build, max(2, int(args.seconds)), PIPELINE)
        measure_crowd(one, args.build, results)
        one.result(results, "pulls")
        two.result(results, "pulls_mhd_bare")
        three.result(results, "pulls_apache_digest")
    for name in ("", f"_pipeline_{PIPELINE}"):
        results["pulls_over_mhd_bare" + name] = round(
            results["pulls" + name] / results["pulls_mhd_bare" + name], 3)
    results["pulls_over_apache_digest"] = round(
        results["pulls"] / results["pulls_apache_digest"], 2)
    measure_first_push(args.build, results)

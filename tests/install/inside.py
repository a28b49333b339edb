#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Runs inside the clean root that tests/install/run makes, where the packages are installed and
no service manager runs: starts what the unit says as it says, re-keys phones, removes and purges.
"""

import glob
import json
import os
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys

UNIT = "/lib/systemd/system/mskpushd.service"
BACKUP_UNIT, BACKUPS = "/lib/systemd/system/mskpush-backup.service", "/var/lib/mskpush/backup"
CONFIG = "/etc/mskpush/mskpushd.yaml"
GROUP, SERVICE, PHONES = "001-01/0001", "urn:example:news", 500
VHOST = "/run/mskpush/v.sock"
WANTS = ["/etc/systemd/system/multi-user.target.wants/mskpushd.service",
         "/etc/systemd/system/timers.target.wants/mskpush-backup.timer"]


def say(text):
    print("inside:", text, flush=True)


def check(is_so, what):
    if not is_so:
        sys.exit(f"inside: FAILED: {what}")
    say(what)


def run(*argv, **options):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        sys.exit(f"inside: FAILED: {' '.join(argv)}: {done.returncode}\n{done.stdout}")
    return done.stdout


def cli(*args):
    return json.loads(run("mskpush", "--json", *args))


def exec_line(unit, key="ExecStart"):
    """A command line of a unit, as the service manager would run it, and the account."""
    with open(unit, encoding="utf-8") as file:
        text = file.read()
    return (shlex.split(re.search(rf"^{key}=(.*)$", text, re.M)[1].replace("%%", "%")),
            re.search(r"^User=(.*)$", text, re.M)[1])


class Daemon:
    """What systemd would run, with this script in its place."""

    def __init__(self):
        argv, user = exec_line(UNIT)
        self.line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        if os.path.exists("/run/notify"):
            os.unlink("/run/notify")
        self.line.bind("/run/notify")
        os.chmod("/run/notify", 0o666)
        self.line.settimeout(60)
        self.process = subprocess.Popen(
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--no-new-privs",
             "--bounding-set=-all", *argv],
            env={"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "/run/notify",
                 "WATCHDOG_USEC": "30000000", "RUNTIME_DIRECTORY": "/run/mskpush"},
            cwd="/var/lib/mskpush")
        self.hear("READY=1")

    def hear(self, wanted):
        text = ""
        while wanted not in text:
            text = self.line.recv(4096).decode()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.hear("STOPPING=1")
        check(self.process.wait(30) == 0, "it ends with status 0")
        self.line.close()


def installed():
    user = pwd.getpwnam("mskpush")
    check(user.pw_uid not in (0, 65534) and user.pw_shell.endswith("nologin"), "the account is there")
    state = os.stat("/var/lib/mskpush")
    check((state.st_uid, state.st_mode & 0o777) == (user.pw_uid, 0o700), "the store is the account's")
    check(all(map(os.path.lexists, WANTS)), "service and nightly backup are enabled")
    for program in ("mskpushd", "mskpush", "mskpush-ue", "mikey-dump"):
        run(program, "--version")
        check(glob.glob(f"/usr/share/man/man?/{program}.?.gz") or not os.path.isdir("/usr/share/man/man1"),
              f"{program} runs and has a page")
    run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", UNIT)


def starts_as_is():
    daemon = Daemon()
    status = cli("status")
    check(status["port"]["driver"] == "net_null", "it starts with the configuration as it comes")
    check(status["store"]["dir"] == "/var/lib/mskpush", "its store is where it belongs")
    daemon.stop()


def rekeys():
    with open(CONFIG, encoding="utf-8") as file:
        text = file.read()
    text = text.replace("'net_null0,no-rx=1'", f"'net_vhost0,iface={VHOST},queues=1'")
    with open(CONFIG, "w", encoding="utf-8") as file:
        file.write(text)
    daemon = Daemon()
    run("mskpush-ue", "--generate", str(PHONES), "--fqdn", "bmsc.example.org", "--service", SERVICE,
        "--out", "/tmp/ues.csv")
    with subprocess.Popen(
            ["mskpush-ue", "--phones", "/tmp/ues.csv", "--fqdn", "bmsc.example.org", "--gateway",
             "192.0.2.254", "--report", "/tmp/ue.json", "--port",
             f"net_virtio_user0,path={VHOST},queues=1,queue_size=1024"]) as phones:
        cli("group", "add", GROUP)
        cli("service", "add", SERVICE, "--group", GROUP)
        cli("ue", "import", "/tmp/ues.csv")
        campaign = cli("push", GROUP, "--new")
        check(campaign["verified"] == PHONES, f"{PHONES} phones hold the new key")
        phones.terminate()
        phones.wait(30)
    daemon.stop()
    daemon = Daemon()
    check(cli("status")["store"]["subscribers"] == PHONES, "a restart finds the phones again")
    daemon.stop()


def backs_up():
    """The nightly service, with eight older backups that are there."""
    user = pwd.getpwnam("mskpush")
    os.mkdir(BACKUPS)
    os.chown(BACKUPS, user.pw_uid, user.pw_gid)
    for day in range(1, 9):
        with open(f"{BACKUPS}/2025010{day}T030000Z.mdb", "w", encoding="utf-8"):
            pass
    daemon = Daemon()
    for key in ("ExecStart", "ExecStartPost"):
        argv, name = exec_line(BACKUP_UNIT, key)
        run("setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", "--no-new-privs", *argv,
            env={"PATH": "/usr/bin:/bin"})
    daemon.stop()
    kept = sorted(os.listdir(BACKUPS))
    check(len(kept) == 7 and kept[0] == "20250103T030000Z.mdb", "seven backups are kept")
    answer = json.loads(run("mskpush-store", "check", f"{BACKUPS}/{kept[-1]}", "--json"))
    check(answer["subscribers"] == PHONES, f"the nightly backup is whole {answer}")


def removed():
    run("dpkg", "--remove", "mskpush", "mskpush-ue")
    check(not os.path.exists("/usr/bin/mskpushd"), "removed: the programs are gone")
    check(os.path.exists(CONFIG) and os.path.exists("/var/lib/mskpush/data.mdb"),
          "removed: configuration and store are kept")
    run("dpkg", "--install", *glob.glob("/srv/*.deb"))
    with open(CONFIG, encoding="utf-8") as file:
        check("net_vhost0" in file.read(), "installed again: the operator's configuration stands")
    daemon = Daemon()
    check(cli("status")["store"]["subscribers"] == PHONES, "installed again: the phones are there")
    daemon.stop()


def purged():
    run("dpkg", "--purge", "mskpush", "mskpush-ue")
    left = [path for path in ("/etc/mskpush", "/var/lib/mskpush", "/var/log/mskpush",
                              "/usr/share/bash-completion/completions/mskpush", *WANTS)
            if os.path.lexists(path)]
    check(not left, f"purged: nothing is left {left or ''}".rstrip())


installed()
starts_as_is()
rekeys()
backs_up()
removed()
purged()

# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""What the demo is told on its command line."""

import argparse
import os

import demo_expired

HTTP_UES = 10000  # phones that register and fetch over HTTP before the mass push
STORIES = {"expired": demo_expired}


def parse_args(argv):
    """Options of the demo; argparse ends with status 2 on bad ones."""
    parser = argparse.ArgumentParser(
        prog="tools/demo", allow_abbrev=False, description="Re-keys emulated phones over DPDK and checks every one.",
        epilog="example: tools/demo --ues 20000 --loss 5 --keep /tmp/dossier")
    parser.add_argument("--ues", type=int, metavar="N",
                        help="phones (default 1,000,000; of a story fewer)")
    parser.add_argument("--loss", type=float, metavar="PERCENT",
                        help="frames lost on the wire, each way (default 1; of a story more)")
    parser.add_argument("--profile", choices=["ts33246", "v600"], default="ts33246",
                        help="MIKEY encoding: final (default) or that of TS 33.246 v6.0.0")
    parser.add_argument("--ip", choices=["4", "6", "both"], default="4", help="IP version of the phones (default 4)")
    parser.add_argument("--seed", type=int, default=1, metavar="N",
                        help="seed of keys and losses (default 1)")
    parser.add_argument("--csv", metavar="FILE", help="use the phones of this CSV")
    parser.add_argument("--story", metavar="NAME", help="play a story: " +
                        ", ".join(STORIES) + " (some MUKs have expired, some phones "
                        "are offline)")
    parser.add_argument("--keep", metavar="DIR", help="leave ues.csv, wire.pcap, report.json there")
    parser.add_argument("--hold", metavar="DIR",
                        help="leave the site running until SIGTERM; DIR/site.json tells where")
    parser.add_argument("--http", type=int, metavar="N",
                        help="phones that register and fetch over HTTP before the push, at most "
                        f"all (default {HTTP_UES:,}; of a story none)")
    parser.add_argument("--workers", type=int, default=1, metavar="N",
                        help="worker cores of the daemon (default 1)")
    parser.add_argument("--check", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.ues is not None and not 1 <= args.ues <= 10000000:
        parser.error("--ues is 1 to 10,000,000")
    if args.ues is not None and args.csv:
        parser.error("--ues and --csv exclude each other")
    if args.csv and not os.path.isfile(args.csv):
        parser.error(f"--csv {args.csv}: there is no such file")
    if args.csv and not os.access(args.csv, os.R_OK):
        parser.error(f"--csv {args.csv}: it cannot be read")
    for name in ("keep", "hold"):
        if getattr(args, name) == "":
            parser.error(f"--{name} is a directory")
    if not 0 <= args.seed < 1 << 64:
        parser.error("--seed is 0 to 2^64 - 1")
    story = STORIES.get(args.story)
    if args.story is not None and story is None:
        parser.error(f"--story {args.story}: no such story")
    if args.loss is None:
        args.loss = story.LOSS if story else 1.0
    if not 0 <= args.loss < 100:
        parser.error("--loss is 0 to less than 100 percent")
    if args.http is None:
        args.http = 0 if story else HTTP_UES
    if args.http < 0:
        parser.error("--http is 0 or more")
    if not 1 <= args.workers <= 8:
        parser.error("--workers is 1 to 8")
    return args

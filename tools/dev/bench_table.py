# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""The results for people."""

from bench_storm import print_storms


def bound(results, floor):
    """What is left of the floor when each message is also copied to the wire."""
    return 1 / (1 / results[floor] + 1 / results["testpmd_tx"])


def ratios(results):
    """(what, value, what it should be at least), of what there is."""
    wanted = [
        ("push / bound", lambda r: r["push"] / bound(r, "floor_push"), 0.85),
        ("solicit / bound", lambda r: r["solicit"] / bound(r, "floor_solicit"), 0.85),
        ("push / push_ipsecmb", lambda r: r["push"] / r["push_ipsecmb"], 3),
        ("push / push_openssl_evp", lambda r: r["push"] / r["push_openssl_evp"], 12),
        ("push / push_openssl_sendmmsg", lambda r: r["push"] / r["push_openssl_sendmmsg"], 40),
        ("armed_push / testpmd_tx", lambda r: r["armed_push"] / r["testpmd_tx"], 0.45),
        ("armed_push_frames / testpmd_tx",
         lambda r: r["armed_push_frames"] / r["testpmd_tx"], 0.75),
        ("push_10m_over_100k", lambda r: r["push_10m_over_100k"], 0.95),
        ("push / testpmd_tx", lambda r: r["push"] / r["testpmd_tx"], None),
    ]
    for name, ratio, target in wanted:
        try:
            yield name, ratio(results), target
        except (KeyError, ZeroDivisionError):
            pass


def table(results):
    """Prints the results for people."""
    print(f"{'CPU':32} {results['cpu']}")
    print(f"{'crypto path':32} {results['path']}")
    for key, value in results.items():
        if isinstance(value, (int, float)):
            print(f"{key:32} {value:>16,}")
    for name, value, target in ratios(results):
        print(f"{name:32} {value:>16.3f}" + (f"   (target {target})" if target else ""))
    print_storms(results)

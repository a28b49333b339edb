# SPDX-License-Identifier: Apache-2.0
# Copyright the mskpush authors

"""Draws curves over time as SVG, by gnuplot."""

import os
import subprocess

from mskpush_site import SiteError


def plot_steps(path, settings, series, colours):
    """series: {title: [(x, y), ...]}; settings: more lines of gnuplot's. The script, with the data
    in it, stands beside the SVG, so that it can be kept and changed."""
    lines = ["set terminal svg size 960,480 background 'white' font 'sans,12'",
             f"set output '{path}'", "set grid", "set key outside top center horizontal", *settings]
    for number, points in enumerate(series.values()):
        lines += [f"$s{number} << EOD", *(f"{x} {y}" for x, y in points), "EOD"]
    lines.append("plot " + ", ".join(
        f"$s{number} with steps linewidth 2 linecolor rgb '{colours[title]}' title '{title}'"
        for number, title in enumerate(series)))
    script = os.path.splitext(path)[0] + ".gnuplot"
    with open(script, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    try:
        subprocess.run(["gnuplot", script], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SiteError(f"gnuplot: {error}") from error

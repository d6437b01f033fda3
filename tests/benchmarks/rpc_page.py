# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Writes what “rpc” has measured into docs/performance.md, with plots made by gnuplot."""

import shutil
import subprocess
import sys

import rpc_report
from rpc_report import Results, rate, server_cpu

BEGIN = '<!-- What follows is written by tests/benchmarks/rpc. -->\n'
END = '<!-- This was the last that tests/benchmarks/rpc has written. -->\n'
LICENCE = ('<!-- SPDX-License-Identifier: LGPL-2.1-or-later\n'
           '     Copyright 2026 The msgpackrpc-glib authors -->\n')
STYLE = '''
set terminal svg size 860,400 dynamic background "white" font "sans-serif,13"
set encoding utf8
set border 3
set tics nomirror
set grid ytics lc rgb "#d0d0d0"
set key outside right top
'''
COLOURS = ('#999999', '#333333', '#d62728', '#1f77b4', '#2ca02c', '#ff7f0e', '#9467bd')
# Of the scenarios with the most different work.
PLOTTED = ('add', 'add-128', 'bytes-1MiB', 'document')


def plot(path, commands, blocks):
    """Runs gnuplot on blocks of data, which are named $data0 and so on."""
    data = ''.join(f'$data{i} << END\n{block}\nEND\n' for i, block in enumerate(blocks))
    process = subprocess.run(['gnuplot'], input=STYLE + data + commands, text=True, check=True,
                             stdout=subprocess.PIPE)
    declaration, rest = process.stdout.split('\n', 1)
    path.write_text(f'{declaration}\n{LICENCE}{rest}')


def plot_calls(results, path):
    """Bars: the calls a second of each, as a multiple of the hand-written one's."""
    scenarios = [scenario for scenario in PLOTTED if scenario in results.scenarios()]
    rows = []
    for scenario in scenarios:
        row = [f'"{rpc_report.COLUMNS[scenario]}"']
        for peer in results.peers:
            ratio = results.ratio(rate, (peer, 'unix', scenario, 0),
                                  (rpc_report.REFERENCE, 'unix', scenario, 0))
            row.append('NaN' if ratio is None else f'{ratio:.4g}')
        rows.append(' '.join(row))
    columns = ', '.join(f'$data0 using {i + 2}:xtic(1) title "{title}" lc rgb "{colour}"'
                        for i, (title, colour) in enumerate(zip(results.peers.values(), COLOURS)))
    plot(path, f'''
set title "Calls a second, UNIX sockets; msgpack-c by hand is 1"
set style data histogram
set style histogram clustered gap 1.5
set style fill solid noborder
set boxwidth 0.95
set logscale y
plot {columns}
''', ['\n'.join(rows)])


def plot_crowds(results, path):
    """Lines: the server's CPU time of a call, with more and more idle connections."""
    crowds = results.crowds()
    blocks, lines = [], []
    for (peer, title), colour in zip(results.peers.items(), COLOURS):
        values = [results.median(server_cpu, peer, 'unix', 'add', n_idle) for n_idle in crowds]
        blocks.append('\n'.join(f'{i} {value:.4g}' for i, value in enumerate(values)
                                if value is not None))
        if blocks[-1]:
            lines.append(f'$data{len(blocks) - 1} using 1:2 with linespoints lw 2 pt 7 ps 0.6 '
                         f'lc rgb "{colour}" title "{title}"')
    tics = ', '.join(f'"{n_idle:,}" {i}' for i, n_idle in enumerate(crowds))
    plot(path, f'''
set title "Server CPU of a call, with idle connections beside, UNIX sockets"
set xlabel "idle connections"
set ylabel "µs"
set xtics ({tics})
set xrange [-0.2:{len(crowds) - 0.8}]
set logscale y
plot {", ".join(lines)}
''', blocks)


def plot_memory(results, path):
    """Bars: the memory of an idle connection."""
    rows = []
    for (peer, title), colour in zip(results.peers.items(), COLOURS):
        crowd = results.crowd(peer, 'unix', max(results.crowds()))
        if crowd:
            rows.append(f'"{title}" {crowd["memory"] / 1024:.4g} 0x{colour[1:]}')
    plot(path, '''
set title "Resident memory of the server for each idle connection, UNIX sockets"
set ylabel "KiB"
set style fill solid noborder
set boxwidth 0.7
set yrange [0:*]
set key off
set xtics font ",11"
plot $data0 using 0:2:3:xtic(1) with boxes lc rgb variable
''', ['\n'.join(rows)])


PLOTS = {
    'performance-calls.svg': (plot_calls, 'Calls a second of each, as multiples'),
    'performance-crowds.svg': (plot_crowds, 'Server CPU with idle connections'),
    'performance-memory.svg': (plot_memory, 'Memory of an idle connection'),
}


def write(result, folder):
    """Replaces the measured part of the page, and the plots."""
    if shutil.which('gnuplot') is None:
        sys.exit('rpc: gnuplot is needed (in Debian: gnuplot-nox)')
    page = folder / 'performance.md'
    text = page.read_text()
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]

    results = Results(result)
    parts = [rpc_report.describe_machine(result)]
    for name, (function, title) in PLOTS.items():
        function(results, folder / name)
        parts.append(f'![{title}]({name})')
    parts += [f'## {title}\n\n{table}' for title, table in rpc_report.sections(result)]
    page.write_text(head + BEGIN + '\n' + '\n\n'.join(parts) + '\n\n' + END + tail)

#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Counts the instructions of the codec's benchmark with callgrind.

Usage: codec.py PROGRAM [CASE]...
"""

import os
import re
import subprocess
import sys
import tempfile


def count(program, cases):
    """Returns the instructions by case/operation/way, in the order in which they were done."""
    counts = {}
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ['valgrind', '--quiet', '--tool=callgrind', '--collect-atstart=no',
             f'--callgrind-out-file={folder}/out', program, '--instructions', *cases],
            check=True)
        names = [name for name in os.listdir(folder) if name.startswith('out.')]
        for name in sorted(names, key=lambda name: int(name.split('.')[-1])):
            with open(os.path.join(folder, name), encoding='utf-8') as dump:
                text = dump.read()
            what = re.search(r'^desc: Trigger: Client Request: (.*)$', text, re.MULTILINE)
            total = re.search(r'^(?:summary|totals): (\d+)', text, re.MULTILINE)
            if what:
                counts[what[1]] = int(total[1])
    return counts


def main():
    counts = count(sys.argv[1], sys.argv[2:])
    if not counts:
        sys.exit('no marks in the output of callgrind: was valgrind/callgrind.h there?')

    print(f'{"":8} {"instructions":17} {"msgpack-c":>10} {"ours":>10}  {"ratio":7} {"tree":>10}')
    for name in counts:
        case, operation, way = name.split('/')
        if way != 'ours':
            continue
        ours = counts[name]
        floor = counts[f'{case}/{operation}/msgpack-c']
        tree = counts.get(f'{case}/{operation}/tree', '-')
        print(f'{case:8} {operation:17} {floor:>10} {ours:>10}  x{ours / floor:<6.2f} {tree:>10}')


if __name__ == '__main__':
    main()

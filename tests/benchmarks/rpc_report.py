# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Tables of what “rpc” has measured, and docs/performance.md with its plots."""

import statistics

REFERENCE = 'hand'
COLUMNS = {
    'add': 'one in flight',
    'add-128': '128 in flight',
    'burst-128': 'bursts of 128',
    'bytes-1MiB': '1 MiB',
    'bytes-16MiB': '16 MiB',
    'document': 'document',
}
TRANSPORT_TITLES = {'unix': 'UNIX sockets', 'tcp': 'TCP'}


def rate(run):
    return run['calls'] / run['seconds']


def server_cpu(run):
    """Microseconds a call."""
    return run['server_cpu'] / run['calls'] * 1e6


def client_cpu(run):
    return run['client_cpu'] / run['calls'] * 1e6


class Results:
    """The runs, found by what they were of."""

    def __init__(self, result):
        self.result = result
        self.peers = result['peers']
        self.runs = {}
        for run in result['runs']:
            key = (run['peer'], run['transport'], run['scenario'], run['idle'])
            self.runs.setdefault(key, {})[run['round']] = run

    def median(self, what, *key):
        rounds = self.runs.get(key)
        return statistics.median(map(what, rounds.values())) if rounds else None

    def ratio(self, what, key, other):
        """The median of the ratios within a round."""
        first, second = self.runs.get(key, {}), self.runs.get(other, {})
        common = first.keys() & second.keys()
        if not common:
            return None
        return statistics.median(what(first[number]) / what(second[number]) for number in common)

    def longest(self, peer, transport):
        """The longest time in which no call ended, of those with one small one in flight."""
        return max((run['longest'] for run in self.result['runs']
                    if run['peer'] == peer and run['transport'] == transport
                    and run['scenario'] == 'add'), default=None)

    def transports(self):
        return [name for name in TRANSPORT_TITLES
                if any(run['transport'] == name for run in self.result['runs'])]

    def scenarios(self):
        return [name for name in COLUMNS
                if any(run['scenario'] == name and not run['idle'] for run in self.result['runs'])]

    def crowds(self):
        return sorted({run['idle'] for run in self.result['runs']})

    def crowd(self, peer, transport, n_connections):
        for crowd in self.result['crowds']:
            if (crowd['peer'], crowd['transport'], crowd['connections']) == (peer, transport,
                                                                             n_connections):
                return crowd
        return None


def number(value, digits=3):
    """With so many digits that mean something, and commas."""
    if value is None:
        return '–'
    if abs(value) >= 10 ** (digits - 1):
        scale = 10 ** max(len(str(int(abs(value)))) - digits, 0)
        return f'{round(value / scale) * scale:,.0f}'
    return f'{value:.{digits}g}'


def table(head, rows):
    lines = [head, ['---'] * len(head), *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return '\n'.join('| ' + ' | '.join(cell.ljust(width) for cell, width in zip(line, widths)) + ' |'
                     for line in lines)


def calls_table(results, transport):
    rows = []
    for peer, title in results.peers.items():
        row = [title]
        for scenario in results.scenarios():
            key = (peer, transport, scenario, 0)
            text = number(results.median(rate, *key))
            ratio = results.ratio(rate, key, (REFERENCE, transport, scenario, 0))
            if ratio is not None and peer != REFERENCE:
                text += f' ({number(ratio, 2)})'
            row.append(text)
        rows.append(row)
    return table(['calls/s (of hand-written)', *map(COLUMNS.get, results.scenarios())], rows)


def cpu_table(results, transport):
    rows = [[title, *(number(results.median(server_cpu, peer, transport, scenario, 0))
                      for scenario in results.scenarios())]
            for peer, title in results.peers.items()]
    return table(['µs of server CPU a call', *map(COLUMNS.get, results.scenarios())], rows)


def crowd_table(results, transport):
    crowds = results.crowds()
    rows = []
    for peer, title in results.peers.items():
        row = [title]
        for n_idle in crowds:
            key = (peer, transport, 'add', n_idle)
            text = number(results.median(rate, *key))
            cpu = results.median(server_cpu, *key)
            row.append(f'{text} ({number(cpu)})')
        rows.append(row)
    return table(['calls/s (µs of server CPU)', *(f'{n_idle:,} idle' for n_idle in crowds)], rows)


def memory_table(results):
    n_most = max(results.crowds())
    rows = []
    for peer, title in results.peers.items():
        row = [title]
        for transport in results.transports():
            crowd = results.crowd(peer, transport, n_most)
            row += [number(crowd['memory']) if crowd else '–',
                    f'{crowd["seconds"]:.2f}' if crowd else '–']
        rows.append(row)
    head = ['of each idle connection, or of all']
    for transport in results.transports():
        head += [f'bytes, {TRANSPORT_TITLES[transport]}', f's until {n_most:,} are served']
    return table(head, rows)


def transports_table(results):
    rows = []
    for peer, title in results.peers.items():
        row = [title]
        for scenario in results.scenarios():
            ratio = results.ratio(rate, (peer, 'unix', scenario, 0), (peer, 'tcp', scenario, 0))
            row.append(number(ratio))
        for transport in results.transports():
            longest = results.longest(peer, transport)
            row.append(number(longest * 1e3) if longest is not None else '–')
        rows.append(row)
    head = ['time on TCP, of that on UNIX', *map(COLUMNS.get, results.scenarios())]
    return table([*head, *(f'longest of one in flight, {TRANSPORT_TITLES[transport]} (ms)'
                           for transport in results.transports())], rows)


def counts_table(results):
    rows = []
    for entry in results.result['counts']:
        row = [results.peers[entry['peer']], COLUMNS[entry['scenario']]]
        for what in ('system_calls', 'allocations', 'allocated_bytes', 'instructions'):
            sides = [entry[side].get(what) for side in ('server', 'client')]
            row.append(' / '.join(number(side) if side is None or side >= 0.001 else '0'
                                  for side in sides))
        rows.append(row)
    return table(['server / client, of each call', '', 'system calls', 'allocations',
                  'bytes allocated', 'instructions'], rows)


def sections(result):
    """The tables, each with its title."""
    results = Results(result)
    transports = results.transports()
    found = []
    if results.scenarios():
        for transport in transports:
            title = TRANSPORT_TITLES[transport]
            found.append((f'Calls a second, {title}', calls_table(results, transport)))
            found.append((f'Server CPU, {title}', cpu_table(results, transport)))
        if len(transports) == 2:
            found.append(('UNIX sockets and TCP', transports_table(results)))
    if max(results.crowds(), default=0) > 0:
        for transport in transports:
            found.append((f'Idle connections, {TRANSPORT_TITLES[transport]}',
                          crowd_table(results, transport)))
        found.append(('What an idle connection costs', memory_table(results)))
    if result['counts']:
        found.append(('Counts', counts_table(results)))
    return found


def describe_machine(result):
    versions = ', '.join(f'{name} {version}' for name, version in result['versions'].items())
    return (f'{result["date"]}, revision {result["revision"]}: {result["cpu"]}, '
            f'{result["cores"]} cores, Linux {result["kernel"]}; {versions}; '
            f'{result["rounds"]} rounds of {result["seconds"]} s a run; '
            f'load {result["load"]:.1f} at the end')


def tables(result):
    parts = [describe_machine(result)]
    parts += [f'{title}\n\n{text}' for title, text in sections(result)]
    return '\n\n'.join(parts) + '\n'

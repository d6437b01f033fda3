# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Tables of what “rpc” has measured."""

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
OURS = 'ours'
# Above this before it begins, there is somebody else who computes.
MAX_LOAD = 0.5
# Clients in other languages, of our server in C.
LANGUAGES = {'ours': 'C', 'python': 'Python', 'gjs': 'JavaScript (GJS)'}


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
        self.peers = {name: title for name, title in result['peers'].items()
                      if name == OURS or name not in LANGUAGES}
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

    def stalls(self, peer, transport):
        """How often no call ended for 35 ms, with one small one in flight."""
        return sum(run['stalls'] for run in self.result['runs']
                   if run['peer'] == peer and run['transport'] == transport
                   and run['scenario'] == 'add')

    def count(self, peer, scenario, side, what):
        for entry in self.result['counts']:
            if (entry['peer'], entry['scenario']) == (peer, scenario):
                return entry[side].get(what)
        return None

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
        row += [str(results.stalls(peer, transport)) for transport in results.transports()]
        rows.append(row)
    head = ['time on TCP, of that on UNIX', *map(COLUMNS.get, results.scenarios())]
    return table([*head, *(f'stalls, {TRANSPORT_TITLES[transport]}'
                           for transport in results.transports())], rows)


def languages_table(results):
    """Calls from other languages, and which part of their time the same calls take in C."""
    rows = []
    for peer, title in LANGUAGES.items():
        row = [title]
        for scenario in ('add', 'add-128'):
            key = (peer, 'unix', scenario, 0)
            share = results.ratio(client_cpu, (OURS, 'unix', scenario, 0), key)
            row += [number(results.median(rate, *key)), number(results.median(client_cpu, *key)),
                    f'{share:.0%}' if share is not None else '–']
        rows.append(row)
    head = ['client in']
    for scenario in ('add', 'add-128'):
        head += [f'{COLUMNS[scenario]}: calls/s', 'µs of client CPU', 'of it in C']
    return table(head, rows)


def counts_table(results):
    rows = []
    for entry in results.result['counts']:
        row = [results.result['peers'][entry['peer']], COLUMNS[entry['scenario']]]
        for what in ('system_calls', 'allocations', 'allocated_bytes', 'instructions'):
            sides = [entry[side].get(what) for side in ('server', 'client')]
            row.append(' / '.join(number(side) if side is None or side >= 0.001 else '0'
                                  for side in sides))
        rows.append(row)
    return table(['server / client, of each call', '', 'system calls', 'allocations',
                  'bytes allocated', 'instructions'], rows)


def times(first, second):
    return first / second if first is not None and second else None


def targets(results):
    """What this library is held to: each with its value, its limit, and whether it is the least."""
    def ratio(what, scenario, other=REFERENCE):
        return results.ratio(what, (OURS, 'unix', scenario, 0), (other, 'unix', scenario, 0))

    def cpu(*key):
        return results.median(server_cpu, OURS, 'unix', *key)

    yield 'one in flight, of hand-written', ratio(rate, 'add'), 0.85, True
    yield '128 in flight, of hand-written', ratio(rate, 'add-128'), 0.5, True
    yield '128 in flight, µs of server CPU', cpu('add-128', 0), 1.7, False
    yield '1 MiB, of hand-written', ratio(rate, 'bytes-1MiB'), 2, True
    yield '1 MiB, of GDBus', ratio(rate, 'bytes-1MiB', 'gdbus'), 1, True
    yield 'document, of hand-written', ratio(rate, 'document'), 1.2, True
    for side in ('server', 'client'):
        for scenario, limit in (('add', 4), ('add-128', 0.05)):
            yield (f'system calls of the {side}, {COLUMNS[scenario]}',
                   results.count(OURS, scenario, side, 'system_calls'), limit, False)
    if 10000 in results.crowds():
        crowd = results.crowd(OURS, 'unix', 10000)
        yield ('10,000 idle, server CPU, of that with none', times(cpu('add', 10000), cpu('add', 0)),
               1.3, False)
        yield 'bytes of an idle connection', crowd and crowd['memory'], 4096, False
        yield 's until 10,000 are served', crowd and crowd['seconds'], 3, False
    for scenario in results.scenarios():
        yield (f'{COLUMNS[scenario]}, time on TCP, of that on UNIX sockets',
               results.ratio(rate, (OURS, 'unix', scenario, 0), (OURS, 'tcp', scenario, 0)),
               1.3, False)
    for transport in results.transports():
        yield f'stalls, {TRANSPORT_TITLES[transport]}', results.stalls(OURS, transport), 0, False


def targets_table(results):
    if OURS not in results.peers:
        return None
    rows = [[title, number(value), f'{"≥" if is_least else "≤"} {number(limit)}',
             'yes' if (value >= limit if is_least else value <= limit) else '**no**']
            for title, value, limit, is_least in targets(results) if value is not None]
    return table(['msgpackrpc-glib', 'measured', 'target', 'reached'], rows)


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
    if any(run['peer'] in LANGUAGES and run['peer'] != OURS for run in result['runs']):
        found.append(('From other languages', languages_table(results)))
    if result['counts']:
        found.append(('Counts', counts_table(results)))
    targets = targets_table(results)
    if targets:
        found.append(('Targets', targets))
    return found


def describe_machine(result):
    versions = ', '.join(f'{name} {version}' for name, version in result['versions'].items())
    text = (f'{result["date"]}, revision {result["revision"]}: {result["cpu"]}, '
            f'{result["cores"]} cores, Linux {result["kernel"]}; {versions}; '
            f'{result["rounds"]} rounds of {result["seconds"]} s a run.')
    if result['load'] > MAX_LOAD:
        text += (f' The load was {result["load"]:.1f} before: the machine was busy with other things, '
                 'so the times say little; the counts are right.')
    return text


def tables(result):
    parts = [describe_machine(result)]
    parts += [f'{title}\n\n{text}' for title, text in sections(result)]
    return '\n\n'.join(parts) + '\n'

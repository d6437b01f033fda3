# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The part of docs/interop.md that is made from results: a table and a list of oddities, of the names
of cases that passed."""

import collections
import re

BEGIN = '<!-- Made by tests/interop/make-page: begin. -->\n'
END = '<!-- Made by tests/interop/make-page: end. -->\n'

CASE = re.compile(r'/interop/([\w-]+)/([\w-]+)/([\w-]+)')
# The columns, and the cases of each; a star stands for the rest of a name.
COLUMNS = {
    'values': ['values-*'],
    'errors': ['error-*', 'unknown-method'],
    'pipelining': ['pipelining'],
    '1 MB': ['large-*', 'big', 'blob'],
    'notifications': ['notifications-*'],
    'calls back': ['callback', 'callback-*'],
}
# Shown by other columns as well, as everything else depends on them.
BASIC = {'add', 'nothing', 'echo-of-several'}


def matches(feature, pattern):
    return feature.startswith(pattern[:-1]) if pattern.endswith('*') else feature == pattern


def column_of(feature):
    for column, patterns in COLUMNS.items():
        if any(matches(feature, pattern) for pattern in patterns):
            return column
    if feature in BASIC:
        return None
    raise ValueError(f'tests/interop/page.py has no column for “{feature}”')


def read_names(names):
    """Peers, their ends, and the features of each of these, in the order of the alphabet."""
    peers = collections.defaultdict(lambda: collections.defaultdict(set))
    for name in names:
        match = CASE.fullmatch(name)
        if match is None:
            raise ValueError(f'“{name}” is no /interop/PEER/END/FEATURE')
        peers[match[1]][match[2]].add(match[3])
    return {peer: dict(sorted(ends.items())) for peer, ends in sorted(peers.items())}


def make_cell(n_passed, n_all):
    if n_passed == n_all:
        return 'yes'
    return f'{n_passed} of {n_all}' if n_passed else '–'


def make_table(peers):
    # The library at both ends passes all.
    everything = collections.defaultdict(set)
    for feature in set.union(*peers['self'].values()):
        everything[column_of(feature)].add(feature)

    lines = [f'| peer | its end | {" | ".join(COLUMNS)} |', '|---' * (len(COLUMNS) + 2) + '|']
    for peer, ends in peers.items():
        for end, features in ends.items():
            if not is_whole(features):
                continue
            cells = [make_cell(len(everything[column] & features), len(everything[column]))
                     for column in COLUMNS]
            lines.append(f'| `{peer}` | {end} | {" | ".join(cells)} |')
    return lines


def is_whole(features):
    """Whether an end has been asked for all, and not for something that it alone does."""
    return BASIC & features != set()


def describe_ends(where, ends):
    """In parentheses; nothing for all."""
    for side in ('', 'client', 'server'):
        whole = {end for end, features in ends.items() if end.startswith(side) and is_whole(features)}
        if whole <= where and all(end.startswith(side) for end in where):
            return f' ({side})' if side else ''
    return f' ({", ".join(sorted(where))})'


def describe(feature):
    """An oddity, or a profile that helps against one; None for any other."""
    kind, _, name = feature.partition('-')
    if kind == 'odd':
        return name.replace('-', ' ')
    return f'profile {name} helps' if kind == 'profile' else None


def make_oddities(peers):
    """Each with the ends where it is seen."""
    lines = []
    for peer, ends in peers.items():
        odd = collections.defaultdict(set)
        for end, features in ends.items():
            for feature in features:
                odd[describe(feature)].add(end)
        odd.pop(None, None)
        if odd:
            texts = [name + describe_ends(where, ends) for name, where in sorted(odd.items())]
            lines.append(f'- **`{peer}`:** {"; ".join(texts)}')
    return lines


def make(names):
    """All that is between the two marks."""
    peers = read_names(names)
    return '\n'.join(['', *make_table(peers), '', *make_oddities(peers), '', ''])


def split(text):
    """What is before, between and after the marks."""
    before, _, rest = text.partition(BEGIN)
    between, _, after = rest.partition(END)
    if not after.strip() and END not in text:
        raise ValueError('docs/interop.md has lost a mark')
    return before + BEGIN, between, END + after

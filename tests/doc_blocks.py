# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""The pieces of code of a page of the manual, for tests that run them.

What a piece prints is said by the comments behind its calls of a function that prints, or by a block
without a language that follows it. A piece whose first line is a comment with the name of a file is a
program of its own."""

import os
import pathlib
import re
import typing

ROOT = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent
FENCE = re.compile(r'^```(\w*)\n(.*?)^```$', re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r'^(?:#|//) ([\w-]+\.\w+)\n')
PRINTED = re.compile(r'^ *(?:print|console\.log) ?\(.*\);?  ?(?:#|//) (.*)$', re.MULTILINE)


class Block(typing.NamedTuple):
    text: str
    line: int
    file_name: str
    output: list

    @property
    def padded(self):
        """With the line numbers of the page, for messages."""
        return '\n' * self.line + self.text


def blocks_of(page, language):
    """The blocks in a language, in order."""
    text = (ROOT / 'docs' / page).read_text()
    found = list(FENCE.finditer(text))
    blocks = []
    for fence, following in zip(found, found[1:] + [None]):
        if fence[1] != language:
            continue
        output = PRINTED.findall(fence[2])
        if following is not None and following[1] == '' \
                and not text[fence.end():following.start()].strip():
            output = following[2].splitlines()
        name = FILE_NAME.match(fence[2])
        blocks.append(Block(fence[2], text.count('\n', 0, fence.start()) + 1,
                            name[1] if name else '', output))
    return blocks

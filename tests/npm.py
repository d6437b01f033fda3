# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Where the npm packages are that setup.sh installs for the tests."""

import os
import pathlib
import unittest

ROOT = pathlib.Path(os.environ['G_TEST_SRCDIR']).parent
NODE_MODULES = pathlib.Path(os.environ.get('MSGPACKRPC_NPM') or ROOT / '_build/npm') / 'node_modules'


def needs(name):
    """Skips a case, or all of a class, where there is no such package."""
    return unittest.skipUnless((NODE_MODULES / name).is_dir(),
                               f'the npm package {name} is not installed')

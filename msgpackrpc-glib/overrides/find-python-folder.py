# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Prints where Python looks for overrides below a prefix, given as the argument."""

import os.path
import site
import sys
import sysconfig

prefix = sys.argv[1]
folders = [folder for folder in site.getsitepackages()
           if os.path.dirname(os.path.dirname(os.path.dirname(folder))) == prefix]
if not folders:
    # One that Python must be told of.
    folders = [sysconfig.get_path('purelib', 'posix_prefix', vars={'base': prefix})]
print(os.path.join(folders[0], 'gi', 'overrides'))

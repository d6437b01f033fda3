# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Makes a stub for type checkers of Python from a .gir file:
generate-stubs.py GIR OUTPUT [ADDITIONS]

What the overrides add is in the additions: stubs in which the body of a class goes to the end of that
class, where it takes the place of what has the same name."""

import ast
import keyword
import pathlib
import sys

import girfile

BASIC = {
    'none': 'None', 'gboolean': 'bool', 'utf8': 'str', 'filename': 'str', 'gunichar': 'str',
    'gdouble': 'float', 'gfloat': 'float', 'gpointer': 'Any', 'gconstpointer': 'Any',
    'GType': 'Any', 'callback': 'Callable[..., Any]', 'va_list': 'Any',
    'GObject.Value': 'Any', 'Value': 'Any', 'GObject.Closure': 'Callable[..., Any]',
    'GLib.DestroyNotify': 'Any', 'DestroyNotify': 'Any',
}
# Those of other namespaces.
CALLBACKS = ('AsyncReadyCallback',)
INTEGERS = ('gint', 'guint', 'glong', 'gulong', 'gsize', 'gssize', 'gint8', 'guint8', 'gint16', 'guint16',
            'gint32', 'guint32', 'gint64', 'guint64', 'gshort', 'gushort', 'gchar', 'guchar',
            'GLib.Quark', 'Quark', 'goffset', 'gintptr', 'guintptr', 'time_t', 'pid_t', 'GLib.Pid', 'Pid')


class Writer:
    def __init__(self, namespace, additions):
        self.namespace = namespace
        self.lines = []
        self.callbacks = {callback.name: callback for callback in namespace.callbacks}
        self.names = {klass.name for klass in namespace.classes} \
            | {enum[0] for enum in namespace.enums} | self.callbacks.keys()
        self.imports = set()
        self.modules = {name for name, _ in namespace.includes} | {namespace.name}
        self.added = {}
        self.added_text = []
        self.read_additions(additions)

    def read_additions(self, text):
        functions = {function.name for function in self.namespace.functions}
        for node in ast.parse(text).body:
            if isinstance(node, ast.ClassDef) and any(klass.name == node.name
                                                      for klass in self.namespace.classes):
                self.added[node.name] = node
                continue
            self.added_text.append(ast.unparse(node))
            if getattr(node, 'name', None) in functions:
                self.namespace.functions = [function for function in self.namespace.functions
                                            if function.name != node.name]

    # Types

    def type_name(self, type_, callback_names=()):
        text = self.plain_type(type_, callback_names)
        return f'Optional[{text}]' if type_.nullable and text not in ('Any', 'None') else text

    def plain_type(self, type_, callback_names=()):
        if type_.name == 'array':
            if type_.item.name in ('guint8', 'guchar'):
                return 'bytes'
            return f'list[{self.type_name(type_.item)}]'
        if type_.item is not None:
            return f'list[{self.type_name(type_.item)}]'
        if type_.name in INTEGERS:
            return 'int'
        if type_.name in BASIC:
            return BASIC[type_.name]
        return self.reference(type_.name)

    def reference(self, name):
        module, _, own = name.rpartition('.')
        if module and module != self.namespace.name:
            if own in CALLBACKS or own.endswith(('Func', 'Callback', 'Notify')):
                return 'Callable[..., Any]'
            self.imports.add(module)
            return name
        if own in self.callbacks:
            return self.callable(self.callbacks[own])
        if own in self.namespace.aliases:
            return self.plain_type(self.namespace.aliases[own])
        return own if own in self.names else 'Any'

    def callable(self, function):
        return f'Callable[..., {self.result_type(function)}]'

    def result_type(self, function):
        outs = [self.type_name(parameter.type) for parameter in function.outs()]
        result = self.type_name(function.result)
        if result != 'None' and not (result == 'bool' and function.throws and not outs):
            outs.insert(0, result)
        elif result == 'bool':
            outs = ['bool']
        if not outs:
            return 'None'
        return outs[0] if len(outs) == 1 else f'tuple[{", ".join(outs)}]'

    # Functions

    def arguments(self, function):
        written = []
        ins = function.ins()
        closures = {parameter.closure for parameter in function.parameters}
        trailing = True
        for parameter in reversed(ins):
            name = parameter.name + '_' if keyword.iskeyword(parameter.name) else parameter.name
            place = function.parameters.index(parameter)
            if place in closures and not written:
                written.append('*user_data: Any')
                continue
            trailing = trailing and parameter.is_optional
            default = ' = ...' if trailing else ''
            type_ = self.plain_type(parameter.type)
            if parameter.is_optional and type_ not in ('Any', 'None'):
                type_ = f'Optional[{type_}]'
            written.append(f'{name}: {type_}{default}')
        return list(reversed(written))

    def write_function(self, function, indent=''):
        arguments = self.arguments(function)
        if function.kind == 'method':
            arguments.insert(0, 'self')
        elif function.kind == 'constructor':
            self.lines.append(f'{indent}@classmethod')
            arguments.insert(0, 'cls')
        elif indent:
            self.lines.append(f'{indent}@staticmethod')
        result = self.result_type(function)
        name = function.name + '_' if keyword.iskeyword(function.name) else function.name
        self.lines.append(f'{indent}def {name}({", ".join(arguments)}) -> {result}: ...')

    # Classes

    def bases(self, klass):
        bases = [self.reference(name) for name in ([klass.parent] if klass.parent else [])
                 + (klass.interfaces if klass.kind == 'class' else [])]
        if klass.kind == 'interface':
            self.imports.add('GObject')
            bases = ['GObject.GInterface' if self.namespace.name != 'GObject' else 'GInterface']
        return [base for base in bases if base != 'Any']

    def write_properties(self, klass):
        if klass.kind not in ('class', 'interface'):
            return
        readable = [item for item in klass.properties if item.readable]
        parent = self.bases(klass)[0] if klass.kind == 'class' and self.bases(klass) else None
        if klass.kind == 'interface':
            return
        self.lines.append(f'    class Props{f"({parent}.Props)" if parent else ""}:')
        for item in readable:
            name = item.name.replace('-', '_')
            self.lines.append(f'        {name}: {self.type_name(item.type)}')
        if not readable:
            self.lines.append('        ...')
        self.lines.append('    props: Props')
        if klass.kind == 'class':
            settable = [f'{item.name.replace("-", "_")}: Optional[{self.plain_type(item.type)}] = ...'
                        for item in klass.properties if item.writable]
            arguments = ', '.join(['self', *(['*'] if settable else []), *settable,
                                   '**properties: Any'])
            self.lines.append(f'    def __init__({arguments}) -> None: ...')

    def write_class(self, klass):
        addition = self.added.get(klass.name)
        added = addition.body if addition is not None else []
        hidden = {getattr(node, 'name', None) for node in added}
        bases = [ast.unparse(base) for base in addition.bases] if addition is not None else []
        bases += [base for base in self.bases(klass) if base not in bases]
        self.lines.append(f'class {klass.name}{f"({chr(44).join(bases)})" if bases else ""}:'
                         )
        start = len(self.lines)
        if 'Props' not in hidden:
            self.write_properties(klass)
        for name, type_ in klass.fields:
            if not keyword.iskeyword(name):
                self.lines.append(f'    {name}: {self.type_name(type_)}')
        for function in klass.functions:
            if function.name not in hidden:
                self.write_function(function, '    ')
        for node in added:
            self.lines += ['    ' + line for line in ast.unparse(node).splitlines()]
        if len(self.lines) == start:
            self.lines.append('    ...')
        self.lines.append('')

    def write_enum(self, name, is_flags, is_error, members, functions):
        self.imports.add('GObject')
        module = '' if self.namespace.name == 'GObject' else 'GObject.'
        base = f'{module}GFlags' if is_flags else f'{module}GEnum'
        self.lines.append(f'class {name}({"int" if is_error else base}):')
        for member, _value in members:
            if not member.isidentifier():
                continue
            self.lines.append(f'    {member.upper()}: ClassVar[{name}]')
        for function in functions:
            self.write_function(function, '    ')
        self.lines.append('')

    def sorted_classes(self):
        """Bases come before what derives from them."""
        classes = {klass.name: klass for klass in self.namespace.classes}
        done = []

        def add(klass):
            for base in ([klass.parent] if klass.parent else []) + klass.interfaces:
                if base in classes:
                    add(classes[base])
            if klass not in done:
                done.append(klass)

        for klass in self.namespace.classes:
            add(klass)
        return done

    def write(self):
        for name, type_, _value in self.namespace.constants:
            self.lines.append(f'{name}: {self.type_name(type_)}')
        for enum in self.namespace.enums:
            self.write_enum(*enum)
        for klass in self.sorted_classes():
            self.write_class(klass)
        for function in self.namespace.functions:
            self.write_function(function)
        head = ['# Made by generate-stubs.py.', '',
                'from typing import Any, Callable, ClassVar, Optional', '']
        head += [f'from gi.repository import {name}' for name in sorted(self.imports)
                 if name != self.namespace.name]
        return '\n'.join(head + [''] + self.added_text + [''] + self.lines) + '\n'


def main(gir, output, additions=None):
    text = pathlib.Path(additions).read_text() if additions else ''
    stub = Writer(girfile.read(gir), text).write()
    ast.parse(stub)
    pathlib.Path(output).write_text(stub)


if __name__ == '__main__':
    main(*sys.argv[1:])

# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Makes declarations for TypeScript, as GJS has the things, from a .gir file:
generate-types.py GIR OUTPUT [ADDITIONS]

What the overrides add is in the additions: TypeScript, to go to the end of the namespace, where
interfaces and classes of one name are merged."""

import pathlib
import re
import sys

import girfile

BASIC = {
    'none': 'void', 'gboolean': 'boolean', 'utf8': 'string', 'filename': 'string', 'gunichar': 'string',
    'gpointer': 'any', 'gconstpointer': 'any', 'callback': '(...args: any[]) => any', 'va_list': 'any',
    'GObject.Value': 'any', 'Value': 'any', 'GObject.Closure': '(...args: any[]) => any',
    'GType': 'any', 'GLib.DestroyNotify': 'any', 'DestroyNotify': 'any',
}
NUMBERS = ('gint', 'guint', 'glong', 'gulong', 'gsize', 'gssize', 'gint8', 'guint8', 'gint16', 'guint16',
           'gint32', 'guint32', 'gint64', 'guint64', 'gshort', 'gushort', 'gchar', 'guchar', 'gdouble',
           'gfloat', 'GLib.Quark', 'Quark', 'goffset', 'gintptr', 'guintptr', 'time_t', 'pid_t',
           'GLib.Pid', 'Pid')
RESERVED = ('function', 'new', 'in', 'delete', 'default', 'enum', 'var', 'with', 'export', 'import',
            'arguments', 'interface', 'package', 'private', 'public', 'static')


class Writer:
    def __init__(self, namespace, additions):
        self.namespace = namespace
        self.additions = additions
        self.lines = []
        self.classes = {klass.name: klass for klass in namespace.classes}
        self.callbacks = {callback.name: callback for callback in namespace.callbacks}
        self.names = self.classes.keys() | {enum[0] for enum in namespace.enums}

    # Types

    def type_name(self, type_):
        text = self.plain_type(type_)
        if not type_.nullable or text in ('any', 'void'):
            return text
        return f'({text}) | null' if '=>' in text else f'{text} | null'

    def plain_type(self, type_):
        if type_.name == 'array' or type_.item is not None:
            if type_.item.name in ('guint8', 'guchar'):
                return 'Uint8Array'
            return f'({self.type_name(type_.item)})[]'
        if type_.name in NUMBERS:
            return 'number'
        return BASIC.get(type_.name) or self.reference(type_.name)

    def reference(self, name):
        module, _, own = name.rpartition('.')
        if module and module != self.namespace.name:
            if own.endswith(('Func', 'Callback', 'Notify')):
                return '(...args: any[]) => any'
            return name
        if own in self.callbacks:
            return self.callable(self.callbacks[own])
        if own in self.namespace.aliases:
            return self.plain_type(self.namespace.aliases[own])
        return own if own in self.names else 'any'

    def result_type(self, function):
        outs = [self.type_name(parameter.type) for parameter in function.outs()]
        result = self.type_name(function.result)
        if result != 'void':
            outs.insert(0, result)
        return {0: 'void', 1: ''.join(outs)}.get(len(outs), f'[{", ".join(outs)}]')

    def callable(self, function):
        names = [self.parameter(parameter, '') for parameter in function.ins()
                 if parameter.name != 'user_data']
        result = self.result_type(function)
        return f'({", ".join(names)}) => {result if result != "void" else "any"}'

    # Functions

    def parameter(self, parameter, mark):
        name = parameter.name + '_' if parameter.name in RESERVED else parameter.name
        type_ = self.plain_type(parameter.type)
        if parameter.is_optional and type_ != 'any':
            type_ = f'({type_}) | null' if '=>' in type_ else f'{type_} | null'
        return f'{name}{mark}: {type_}'

    def arguments(self, function):
        closures = {parameter.closure for parameter in function.parameters}
        passed = [parameter for parameter in function.ins()
                  if function.parameters.index(parameter) not in closures]
        written, trailing = [], True
        for parameter in reversed(passed):
            trailing = trailing and parameter.is_optional
            written.insert(0, self.parameter(parameter, '?' if trailing else ''))
        return ', '.join(written)

    def signature(self, function):
        return f'({self.arguments(function)}): {self.result_type(function)}'

    def finish_result(self, klass, function):
        finish = function.name.removesuffix('_async') + '_finish'
        return next((self.result_type(other) for other in klass.functions if other.name == finish), None)

    def write_inherited(self, klass, taken):
        """What overrides make promises of is that of a class, not of its interfaces."""
        for ancestor in self.ancestors(klass):
            if ancestor.kind == 'interface':
                for function in ancestor.functions:
                    if function.kind == 'method' and function.name.endswith('_async') \
                            and function.name not in taken:
                        self.write_function(function, ancestor, klass.kind)

    def write_function(self, function, klass, kind=None):
        kind = kind or klass.kind
        static = '' if function.kind == 'method' else 'static '
        self.lines.append(f'    {static}{function.name}{self.signature(function)};')
        if function.name.endswith('_async') and function.kind == 'method' and \
                kind == 'class' and self.finish_result(klass, function):
            callback = next((parameter for parameter in function.ins()
                             if parameter.type.name.endswith('AsyncReadyCallback')), None)
            # Without a callback, which is what promises are for; thus it comes first.
            self.lines.pop()
            before = [self.parameter(parameter, '?' if parameter.type.name.endswith('Cancellable') else '')
                      for parameter in function.ins()
                      if parameter is not callback and parameter.name != 'user_data']
            self.lines.append(f'    {function.name}({", ".join(before)}): '
                              f'Promise<{self.finish_result(klass, function)}>;')
            self.lines.append(f'    {function.name}{self.signature(function)};')

    # Classes

    def ancestors(self, klass):
        names = ([klass.parent] if klass.parent else []) + klass.interfaces
        for name in names:
            if name in self.classes:
                yield self.classes[name]
                yield from self.ancestors(self.classes[name])

    def write_properties(self, klass, taken):
        for item in klass.properties:
            for name in dict.fromkeys((item.name.replace('-', '_'), camel(item.name))):
                if name not in taken:
                    readonly = '' if item.writable and not item.construct_only else 'readonly '
                    self.lines.append(f'    {readonly}{name}: {self.type_name(item.type)};')

    def write_signals(self, klass):
        for signal in klass.signals:
            names = [f"'{signal.name}'"] + ([f'`{signal.name}::${{string}}`'] if signal.detailed else [])
            parameters = [f'source: {klass.name}'] + [
                self.parameter(parameter, '') for parameter in signal.function.ins()]
            result = self.result_type(signal.function)
            self.lines.append(f'    connect(signal: {" | ".join(names)}, callback: '
                              f'({", ".join(parameters)}) => {result if result != "void" else "any"})'
                              ': number;')
        # Those of the parent and of an interface could not be told apart.
        if klass.signals or klass.interfaces:
            self.lines.append('    connect(signal: string, callback: (...args: any[]) => any): number;')

    def constructor_lines(self, klass):
        if klass.kind != 'class':
            return
        parent = f' extends {self.reference(klass.parent)}.ConstructorProperties' \
            if klass.parent and klass.parent.rpartition('.')[2] in self.classes else ''
        settable = [item for item in klass.properties if item.writable]
        for ancestor in self.ancestors(klass):
            if ancestor.kind == 'interface':
                settable += [item for item in ancestor.properties if item.writable]
        self.lines.append(f'namespace {klass.name} {{')
        self.lines.append(f'    interface ConstructorProperties{parent} {{')
        for item in {item.name: item for item in settable}.values():
            for name in dict.fromkeys((item.name.replace('-', '_'), camel(item.name))):
                self.lines.append(f'        {name}?: {self.plain_type(item.type)} | null;')
        self.lines.append('        [name: string]: any;')
        self.lines.append('    }')
        self.lines.append('}')

    def write_class(self, klass):
        bases = []
        if klass.kind == 'class' and klass.parent:
            bases.append(f'extends {self.reference(klass.parent)}')
        abstract = 'interface' if klass.kind == 'interface' else 'class'
        if klass.kind == 'interface':
            parents = [self.reference(name) for name in klass.interfaces]
            bases = [f'extends {", ".join(parents)}'] if parents else []
        self.lines.append(f'{abstract} {klass.name} {" ".join(bases)} {{')
        taken = {function.name for function in klass.functions}
        if klass.kind == 'class':
            self.lines.append(f'    constructor(properties?: {klass.name}.ConstructorProperties);')
        elif klass.kind != 'interface':
            self.lines.append('    constructor(...args: any[]);')
        self.write_properties(klass, taken)
        for name, type_ in klass.fields:
            if name not in RESERVED and klass.kind != 'class':
                self.lines.append(f'    {name}: {self.type_name(type_)};')
        self.write_signals(klass)
        for function in klass.functions:
            if klass.kind != 'interface' or function.kind == 'method':
                self.write_function(function, klass)
        if klass.kind == 'class':
            self.write_inherited(klass, taken)
        self.lines.append('}')
        interfaces = [self.reference(name) for name in klass.interfaces] if klass.kind == 'class' else []
        interfaces = [name for name in interfaces if name != 'any']
        if interfaces:
            self.lines.append(f'interface {klass.name} extends {", ".join(interfaces)} {{}}')
        if klass.kind == 'interface':
            self.lines.append(f'const {klass.name}: {{ prototype: {klass.name}; [name: string]: any }};')
        self.constructor_lines(klass)

    def write_enum(self, name, _is_flags, is_error, members, functions):
        self.lines.append(f'enum {name} {{')
        self.lines += [f'    {member.upper()} = {value},' for member, value in members
                       if member.upper().isidentifier()]
        self.lines.append('}')

    def write(self):
        for name, type_, _value in self.namespace.constants:
            self.lines.append(f'const {name}: {self.type_name(type_)};')
        for enum in self.namespace.enums:
            self.write_enum(*enum)
        for klass in self.namespace.classes:
            self.write_class(klass)
        for function in self.namespace.functions:
            if function.name not in RESERVED:
                self.lines.append(f'function {function.name}{self.signature(function)};')
        additions = '\n'.join(line for line in self.additions.splitlines() if not line.startswith('//'))
        body = [f'    {line}' for line in self.lines + additions.splitlines()]
        name = self.namespace.name
        modules = [line for version in (f'?version={self.namespace.version}', '')
                   for line in (f"declare module 'gi://{name}{version}' {{",
                                f'    export default {name};', '}', '')]
        return '\n'.join(['// Made by generate-types.py.', '', f'declare namespace {name} {{', *body, '}',
                          '', *modules])


def camel(name):
    return re.sub('-(.)', lambda match: match[1].upper(), name)


def main(gir, output, additions=None):
    text = pathlib.Path(additions).read_text() if additions else ''
    pathlib.Path(output).write_text(Writer(girfile.read(gir), text).write())


if __name__ == '__main__':
    main(*sys.argv[1:])

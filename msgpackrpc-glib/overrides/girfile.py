# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Reads what a .gir file says of a namespace, as far as it can be used from Python and JavaScript."""

import dataclasses
import xml.etree.ElementTree

CORE = '{http://www.gtk.org/introspection/core/1.0}'
C = '{http://www.gtk.org/introspection/c/1.0}'
GLIB = '{http://www.gtk.org/introspection/glib/1.0}'


@dataclasses.dataclass
class Type:
    """A name, such as “utf8” or “Gio.File”, or the item of an array or a list."""

    name: str
    item: 'Type | None' = None
    nullable: bool = False


@dataclasses.dataclass
class Parameter:
    name: str
    type: Type
    direction: str
    is_optional: bool
    closure: int | None
    destroy: int | None
    is_length: bool = False


@dataclasses.dataclass
class Function:
    name: str
    kind: str
    parameters: list
    result: Type
    throws: bool

    def ins(self):
        """What is passed: not what belongs to a callback, nor the length of an array."""
        hidden = {index for parameter in self.parameters
                  for index in (parameter.destroy,) if index is not None}
        return [parameter for i, parameter in enumerate(self.parameters)
                if parameter.direction != 'out' and i not in hidden and not parameter.is_length]

    def outs(self):
        return [parameter for parameter in self.parameters
                if parameter.direction != 'in' and not parameter.is_length]


@dataclasses.dataclass
class Property:
    name: str
    type: Type
    readable: bool
    writable: bool
    construct_only: bool


@dataclasses.dataclass
class Signal:
    name: str
    detailed: bool
    function: Function


@dataclasses.dataclass
class Class:
    name: str
    kind: str
    parent: str | None
    interfaces: list
    functions: list
    properties: list
    signals: list
    fields: list


@dataclasses.dataclass
class Namespace:
    name: str
    version: str
    includes: list
    classes: list
    enums: list
    callbacks: list
    functions: list
    constants: list
    aliases: dict


def children(node, *tags):
    wanted = {CORE + tag for tag in tags}
    for child in node:
        if child.tag in wanted or child.tag == GLIB + 'signal' and 'signal' in tags \
                or child.tag == GLIB + 'boxed' and 'boxed' in tags:
            if child.get('introspectable') != '0' and child.get('shadowed-by') is None \
                    and child.get('moved-to') is None:
                yield child


def read_type(node):
    nullable = node.get('nullable') == '1' or node.get('allow-none') == '1'
    for child in node:
        if child.tag == CORE + 'array':
            item = read_type(child)
            return Type('array', item, nullable)
        if child.tag == CORE + 'type':
            name = child.get('name', 'none')
            item = read_type(child) if len(child) and name in LISTS else None
            return Type(name, item, nullable)
        if child.tag == CORE + 'callback':
            return Type('callback', None, nullable)
    return Type('none')


LISTS = ('GLib.List', 'GLib.SList', 'GLib.PtrArray', 'GLib.Array', 'GLib.HashTable')


def read_int(text):
    return None if text is None else int(text)


def lengths_of(node):
    array = node.find(CORE + 'array')
    return read_int(array.get('length')) if array is not None else None


def read_function(node):
    parameters, lengths = [], []
    holder = node.find(CORE + 'parameters')
    for parameter in children(holder, 'parameter') if holder is not None else ():
        parameters.append(Parameter(
            parameter.get('name'), read_type(parameter), parameter.get('direction', 'in'),
            parameter.get('nullable') == '1' or parameter.get('allow-none') == '1',
            read_int(parameter.get('closure')), read_int(parameter.get('destroy'))))
        lengths.append(lengths_of(parameter))
    result = node.find(CORE + 'return-value')
    lengths.append(lengths_of(result) if result is not None else None)
    for length in lengths:
        if length is not None and length < len(parameters):
            parameters[length].is_length = True
    return Function(node.get('shadows') or node.get('name'), node.tag.rpartition('}')[2], parameters,
                    read_type(result) if result is not None else Type('none'),
                    node.get('throws') == '1')


def read_property(node):
    return Property(node.get('name'), read_type(node), node.get('readable') != '0',
                    node.get('writable') == '1', node.get('construct-only') == '1')


def read_class(node):
    return Class(
        node.get('name') or node.get(GLIB + 'name'), node.tag.rpartition('}')[2],
        node.get('parent'),
        [child.get('name') for child in children(node, 'implements', 'prerequisite')],
        [read_function(child) for child in children(node, 'constructor', 'method', 'function')],
        [read_property(child) for child in children(node, 'property')],
        [Signal(child.get('name'), child.get('detailed') == '1', read_function(child))
         for child in children(node, 'signal')],
        [(child.get('name'), read_type(child)) for child in children(node, 'field')
         if child.get('private') != '1'])


def read(path):
    root = xml.etree.ElementTree.parse(path).getroot()
    namespace = root.find(CORE + 'namespace')
    return Namespace(
        namespace.get('name'), namespace.get('version'),
        [(child.get('name'), child.get('version')) for child in root.findall(CORE + 'include')],
        [read_class(child) for child in children(namespace, 'class', 'interface', 'record', 'union')
         if child.get(GLIB + 'is-gtype-struct-for') is None and child.get('disguised') != '1'],
        [(child.get('name'), child.tag == CORE + 'bitfield',
          child.get(GLIB + 'error-domain') is not None,
          [(member.get('name'), member.get('value')) for member in children(child, 'member')],
          [read_function(function) for function in children(child, 'function')])
         for child in children(namespace, 'enumeration', 'bitfield')],
        [read_function(child) for child in children(namespace, 'callback')],
        [read_function(child) for child in children(namespace, 'function')],
        [(child.get('name'), read_type(child), child.get('value'))
         for child in children(namespace, 'constant')],
        {child.get('name'): read_type(child) for child in children(namespace, 'alias')})

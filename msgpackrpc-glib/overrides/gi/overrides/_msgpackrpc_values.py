# SPDX-License-Identifier: LGPL-2.1-or-later
# Copyright 2026 The msgpackrpc-glib authors

"""Values of Python as variants of the library, and back."""

import array
import datetime
import functools
import inspect
import operator
import types
import typing

from gi.module import get_introspection_module
from gi.repository import GLib

MsgpackRpc = get_introspection_module('MsgpackRpc')

# What the library can send.
MAX_DEPTH = 40

# Arrays as long as this are looked at as a whole, to see whether their values are all alike.
MANY = 16

# Each look into a class of introspection costs as much as a small call.
Variant = GLib.Variant
get_child_value = Variant.get_child_value
get_type_string = Variant.get_type_string
get_variant = Variant.get_variant
n_children = Variant.n_children
new_int64 = Variant.new_int64
new_string = Variant.new_string
new_variant = Variant.new_variant
new_bytes = GLib.Bytes.new
type_of = functools.lru_cache(256)(GLib.VariantType.new)

ANY_TYPE = type_of('v')
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
TIMESTAMP = -1
RAW_STRING = 256


class Ext(typing.NamedTuple):
    """An extension value: a type from -128 to 127, and bytes."""

    type: int
    data: bytes


# ---- to variants ----

def write_none(_value, _depth):
    return Variant.new_maybe(ANY_TYPE, None)


def write_bool(value, _depth):
    return Variant.new_boolean(value)


def write_int(value, _depth):
    if -0x8000000000000000 <= value <= 0x7fffffffffffffff:
        return new_int64(value)
    if 0 < value <= 0xffffffffffffffff:
        return Variant.new_uint64(value)
    raise OverflowError('An integer does not fit into 64 bits')


def write_float(value, _depth):
    return Variant.new_double(value)


def write_str(value, _depth):
    """Bytes that are not UTF-8 are surrogates in Python, as they are in names of files."""
    if is_text(value):
        return new_string(value)
    data = value.encode(errors='surrogateescape')
    return MsgpackRpc.variant_new_raw_string(new_bytes(data))


def write_bytes(value, _depth):
    return MsgpackRpc.variant_new_bytes(new_bytes(bytes(value)))


def write_numbers(values, kind, code):
    """An array of numbers in one call; None if one of them does not fit."""
    try:
        data = array.array(code, values).tobytes()
    except OverflowError:
        return None
    return Variant.new_from_bytes(type_of(kind), new_bytes(data), True)


def write_strings(values):
    return Variant.new_strv(values) if is_text(''.join(values)) else None


# How values that are all of one type are written in one call.
WRITERS_OF_MANY = {
    bool: lambda values: write_numbers(values, 'ab', 'B'),
    int: lambda values: write_numbers(values, 'ax', 'q'),
    float: lambda values: write_numbers(values, 'ad', 'd'),
    str: write_strings,
}


def write_array(value, depth):
    kinds = set(map(type, value))
    if len(kinds) == 1 and (write_many := WRITERS_OF_MANY.get(kinds.pop())) is not None:
        variant = write_many(value)
        if variant is not None:
            return variant
    children = [new_variant(write(child, depth + 1)) for child in value]
    return Variant.new_array(ANY_TYPE, children)


def write_map(value, depth):
    children = [write(child, depth + 1) for child in value.values()]
    if all(isinstance(key, str) for key in value) and is_text(''.join(value)):
        kinds = set(map(get_type_string, children))
        kind = kinds.pop() if len(kinds) == 1 else 'v'
        if kind == 'v':
            children = map(new_variant, children)
        return Variant.new_array(type_of(f'{{s{kind}}}'),
                                 list(map(Variant.new_dict_entry, map(new_string, value), children)))
    keys = [new_variant(write(key, depth + 1)) for key in value]
    return Variant.new_array(type_of('(vv)'),
                             list(map(Variant.new_tuple, keys, map(new_variant, children))))


def write_datetime(value, _depth):
    if value.tzinfo is None:
        raise ValueError('A datetime needs a time zone to be sent, such as datetime.timezone.utc')
    since = value - EPOCH
    return MsgpackRpc.variant_new_timespec(since.days * 86400 + since.seconds,
                                           since.microseconds * 1000)


def bytes_of(value):
    if isinstance(value, GLib.Bytes):
        return value
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise TypeError('The data of an extension value is bytes, bytearray, memoryview or GLib.Bytes, '
                        f'not {type(value).__name__}')
    return new_bytes(bytes(value))


def write_ext(value, _depth):
    if not isinstance(value.type, int):
        raise TypeError(f'The type of an extension value is an int, not {type(value.type).__name__}')
    if not -128 <= value.type <= 127:
        raise OverflowError(f'The type of an extension value is from -128 to 127, not {value.type}')
    return MsgpackRpc.variant_new_ext(value.type, bytes_of(value.data))


WRITERS = {
    types.NoneType: write_none,
    bool: write_bool,
    int: write_int,
    float: write_float,
    str: write_str,
    bytes: write_bytes,
    bytearray: write_bytes,
    memoryview: write_bytes,
    GLib.Bytes: lambda value, _depth: MsgpackRpc.variant_new_bytes(value),
    list: write_array,
    tuple: write_array,
    dict: write_map,
    datetime.datetime: write_datetime,
    Ext: write_ext,
    Variant: lambda value, _depth: value,
}


def is_text(value):
    if '\0' in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def find_writer(value):
    for kind in type(value).__mro__:
        if kind in WRITERS:
            return WRITERS[kind]
    if hasattr(type(value), '__index__'):
        return lambda value, depth: write_int(operator.index(value), depth)
    name = type(value).__name__
    raise TypeError(f'A value of type {name} cannot be sent; None, bool, int, float, str, bytes, list, '
                    'tuple, dict, datetime, Ext and GLib.Variant can')


def write(value, depth):
    if depth > MAX_DEPTH:
        raise ValueError(f'The value is nested deeper than {MAX_DEPTH} levels, or contains itself')
    return (WRITERS.get(type(value)) or find_writer(value))(value, depth)


def check_signature(signature):
    if signature is not None and not GLib.VariantType.string_is_valid(signature):
        raise ValueError(f'{signature!r} is no type string of a variant')


def to_variant(value, signature=None):
    """The variant that stands for a value of Python.

    None, bool, int (of 64 bits), float, str, bytes, list and tuple, dict with any keys, datetime
    with a time zone, and Ext have a form in MessagePack. A GLib.Variant is taken as it is, alone or
    within any of them. With a signature, which is the type string of a variant, the value gets
    exactly that type, or GLib.Error says where it does not fit.
    """
    check_signature(signature)
    variant = write(value, 0)
    if signature is None or get_type_string(variant) == signature:
        return variant
    return MsgpackRpc.unpack_as(MsgpackRpc.pack(variant), type_of(signature))


# ---- from variants ----

def read_handle(value):
    """An extension value, a timestamp, or a string that is not UTF-8."""
    kind = get_child_value(value, 0).get_handle()
    data = MsgpackRpc.variant_get_bytes(value) if kind == RAW_STRING else None
    if data is not None:
        return (data.get_data() or b'').decode(errors='surrogateescape')
    is_timestamp, seconds, nanoseconds = MsgpackRpc.variant_get_timespec(value)
    if is_timestamp:
        try:
            return EPOCH + datetime.timedelta(seconds=seconds, microseconds=nanoseconds // 1000)
        except OverflowError:
            pass
    found, ext_type, data = MsgpackRpc.variant_get_ext(value)
    if found:
        return Ext(ext_type, data.get_data() or b'')
    return read_tuple(value)


def read_bytes(value):
    return MsgpackRpc.variant_get_bytes(value).get_data() or b''


def read_children(value):
    return [from_variant(get_child_value(value, i)) for i in range(n_children(value))]


def read_numbers(code, value):
    """The numbers of an array at once."""
    data = value.get_normal_form().get_data_as_bytes().get_data() or b''
    return array.array(code, data).tolist()


def read_alike(value, kind):
    """Reads an array of variants that are all of one kind, which only its bytes can tell."""
    try:
        packed = MsgpackRpc.pack(value)
        alike = MsgpackRpc.unpack_as(packed, type_of('a' + kind))
        return from_variant(alike) if MsgpackRpc.pack(alike).equal(packed) else None
    except GLib.Error:
        return None


def read_array(value):
    """What came as an array from a peer."""
    count = n_children(value)
    if count >= MANY:
        first, last = (get_type_string(get_variant(get_child_value(value, i)))
                       for i in (0, count - 1))
        if first == last and first in 'bxds':
            values = read_alike(value, first)
            if values is not None:
                return values
    return [from_variant(get_variant(get_child_value(value, i))) for i in range(count)]


def freeze(value):
    """A key that can be hashed."""
    if isinstance(value, list):
        return tuple(map(freeze, value))
    if isinstance(value, dict):
        return tuple((freeze(key), freeze(child)) for key, child in value.items())
    return value


def read_any(value):
    return from_variant(get_variant(value))


def read_any_key(value):
    return freeze(read_any(value))


def read_map(read_key, read_value, value):
    result = {}
    for i in range(n_children(value)):
        entry = get_child_value(value, i)
        key = read_key(get_child_value(entry, 0))
        result[key] = read_value(get_child_value(entry, 1))
    return result


def read_maybe(value):
    child = value.get_maybe()
    return None if child is None else from_variant(child)


def read_tuple(value):
    return tuple(read_children(value))


READERS = {
    'b': Variant.get_boolean,
    'y': Variant.get_byte,
    'n': Variant.get_int16,
    'q': Variant.get_uint16,
    'i': Variant.get_int32,
    'u': Variant.get_uint32,
    'x': Variant.get_int64,
    't': Variant.get_uint64,
    'h': Variant.get_handle,
    'd': Variant.get_double,
    's': Variant.get_string,
    'o': Variant.get_string,
    'g': Variant.get_string,
    'v': read_any,
    'av': read_array,
    'ay': read_bytes,
    'ab': lambda value: list(map(bool, read_numbers('B', value))),
    'an': functools.partial(read_numbers, 'h'),
    'aq': functools.partial(read_numbers, 'H'),
    'ai': functools.partial(read_numbers, 'i'),
    'au': functools.partial(read_numbers, 'I'),
    'ax': functools.partial(read_numbers, 'q'),
    'at': functools.partial(read_numbers, 'Q'),
    'ad': functools.partial(read_numbers, 'd'),
    'as': Variant.get_strv,
    'a(vv)': functools.partial(read_map, read_any_key, read_any),
    '(hay)': read_handle,
}


@functools.lru_cache(256)
def reader_of(kind):
    reader = READERS.get(kind)
    if reader is not None:
        return reader
    if kind.startswith('a{'):
        return functools.partial(read_map, READERS[kind[2]], reader_of(kind[3:-1]))
    if kind[0] == 'a':
        return read_children
    if kind[0] == 'm':
        return read_maybe
    return read_tuple


def from_variant(value):
    """The value of Python that a variant stands for.

    What came as an array is a list, a bin is bytes, a map a dict in the order in which it came, a
    timestamp a datetime in UTC without what is finer than microseconds, another extension value an
    Ext. Bytes of a string that are not UTF-8 are surrogates, as os.fsdecode () makes them. Keys
    that are arrays or maps become tuples.
    """
    return reader_of(get_type_string(value))(value)


# ---- types of Python as signatures ----

SIGNATURES = {
    bool: 'b',
    int: 'x',
    float: 'd',
    str: 's',
    bytes: 'ay',
    list: 'av',
    tuple: 'av',
}


def signature_of_union(members):
    others = [member for member in members if member is not types.NoneType]
    if len(others) == 1 and len(others) < len(members):
        return 'm' + signature_of(others[0])
    return 'v'


def signature_of(hint):
    """The type string that a type hint stands for; "v" for what it cannot say."""
    if hint in (None, types.NoneType):
        return 'mv'
    if isinstance(hint, type) and hint in SIGNATURES:
        return SIGNATURES[hint]

    origin, members = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return signature_of_union(members)
    if origin is list and len(members) == 1:
        return 'a' + signature_of(members[0])
    if origin is tuple and members and members[-1] is not Ellipsis:
        return '(' + ''.join(map(signature_of, members)) + ')'
    if origin is dict and members and members[0] in (str, int):
        return 'a{' + signature_of(members[0]) + signature_of(members[1]) + '}'
    return 'v'


def hints_of(function):
    """The type hints of a function; those that name what is not there count for nothing."""
    try:
        return typing.get_type_hints(function)
    except (NameError, TypeError, AttributeError):
        return {}


class Parameters:
    """What peers may pass to a function.

    The signature is None if the function takes any number of arguments. A parameter that is called
    "invocation", or is declared as one, is not for peers: that is the name of it, if it is one with a
    keyword only, or its place.
    """

    POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)

    def __init__(self, function):
        hints = hints_of(function)
        self.names = []
        self.invocation = None
        self.result = signature_of(hints['return']) if 'return' in hints else None
        self.defaults = []
        parts = []
        for name, parameter in inspect.signature(function).parameters.items():
            if name == 'invocation' or is_invocation(hints.get(name)):
                self.invocation = len(self.names) if parameter.kind in self.POSITIONAL else name
            elif parameter.kind in self.POSITIONAL:
                self.names.append(name)
                self.defaults.append(parameter.default)
                parts.append(part_of(hints.get(name, typing.Any), parameter.default))
            elif parameter.kind == inspect.Parameter.VAR_POSITIONAL:
                parts.append(None)
            elif parameter.default is inspect.Parameter.empty \
                    and parameter.kind == inspect.Parameter.KEYWORD_ONLY:
                raise TypeError(f'Peers cannot pass “{name}”, which is an argument with a keyword only')
        self.signature = None if None in parts else '(' + ''.join(parts) + ')'


def part_of(hint, default):
    part = signature_of(hint)
    return part if default is inspect.Parameter.empty or part[0] == 'm' else 'm' + part


def is_invocation(hint):
    return isinstance(hint, type) and issubclass(hint, MsgpackRpc.Invocation)

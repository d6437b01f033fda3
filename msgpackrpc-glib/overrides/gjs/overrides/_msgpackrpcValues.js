// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// Values of JavaScript as variants, and back. Each call of a function of C costs as much as dozens of
// values, so a value crosses as a whole: as MessagePack, which the library packs and unpacks. What is
// written here need not be in its smallest form, and what is read here was written by the library.

/* exported Ext, RawString, RemoteError, checkName, checkSignature, fromVariant, init, toVariant */

// Names of a function are faster than those of a file of this kind.
var {Ext, RawString, RemoteError, checkName, checkSignature, fromVariant, init, toVariant} = (() => {
const {GLib} = imports.gi;
const {is} = Object;
const {isSafeInteger} = Number;

// What the library can send.
const MAX_DEPTH = 40;
const MAX_SIZE = 2 ** 31 - 1;
const TIMESTAMP = -1;
const LONE_SURROGATE = /\p{Surrogate}/u;
// What is read byte by byte, which is faster for few.
const SHORT_TEXT = 24;
// Bytes that are left outside the heap of JavaScript: GJS 1.74 loses callbacks that come while a
// collection is under way which much memory in that heap has set off.
const LARGE = 4096;

const encoder = new TextEncoder();
// GJS has had the meaning of ignoreBOM the wrong way round. What peers send is left as it is.
const decoder = [true, false].map(ignoreBOM => new TextDecoder('utf-8', {fatal: true, ignoreBOM}))
    .find(candidate => candidate.decode(new Uint8Array([0xef, 0xbb, 0xbf])).length === 1);

let MsgpackRpc;
let unpacker = null;

/* ---- types that JavaScript lacks ---- */

// An extension value: a type from -128 to 127, and bytes.
class Ext {
    constructor(type, data) {
        this.type = type;
        this.data = data;
    }
}

// A string that is not UTF-8, as bytes.
class RawString {
    constructor(data) {
        this.data = data;
    }

    // With something else in the place of what is not UTF-8.
    toString() {
        return new TextDecoder().decode(this.data);
    }
}

// The peer has answered with an error. Thrown in a handler, it is such an answer; the value is the
// message unless there is one.
class RemoteError extends Error {
    constructor(message, value = message) {
        super(message);
        this.name = 'RemoteError';
        this.value = value;
    }
}

/* ---- to variants ---- */

function describe(value) {
    if (value === null)
        return 'null';
    return typeof value === 'object' ? value.constructor?.name || 'object' : typeof value;
}

function refuse(value) {
    throw new TypeError(`A value of type ${describe(value)} cannot be sent; null, booleans, numbers, ` +
        'BigInts, strings, Uint8Arrays, arrays, plain objects, Maps, Dates, Ext, RawString and ' +
        'GLib.Variant can');
}

// The bytes of what stands for bytes, or null.
function findBytes(value) {
    if (value instanceof Uint8Array)
        return value;
    if (value instanceof ArrayBuffer)
        return new Uint8Array(value);
    if (value instanceof GLib.Bytes)
        return value.get_size() > 0 ? value.toArray() : new Uint8Array();
    return null;
}

function getBytes(object) {
    const bytes = findBytes(object.data);
    if (bytes === null)
        throw new TypeError(`The data of ${describe(object)} is a Uint8Array`);
    return bytes;
}

function writeExt(writer, value) {
    if (!Number.isInteger(value.type) || value.type < -128 || value.type > 127)
        throw new RangeError(`The type of an extension value is from -128 to 127, not ${value.type}`);
    writer.putSized(0xc9, getBytes(value), value.type);
}

function writeDate(writer, value) {
    const time = value.getTime();
    if (Number.isNaN(time))
        throw new RangeError('An invalid date cannot be sent');
    const seconds = Math.floor(time / 1000);
    writer.putVariant(MsgpackRpc.variant_new_timespec(seconds, (time - seconds * 1000) * 1000000));
}

function isPlain(value) {
    const prototype = Object.getPrototypeOf(value);
    return prototype === null || prototype === Object.prototype;
}

class Writer {
    constructor() {
        this._chunks = [];
        this._size = 0;
        this._setData(new Uint8Array(256));
    }

    _setData(data) {
        this._data = data;
        this._view = new DataView(data.buffer);
    }

    // Makes room for that many bytes, and returns where they begin.
    _add(size) {
        const start = this._size;
        this._size += size;
        if (this._size > MAX_SIZE)
            throw new RangeError('The value takes more than 2 GiB');
        if (this._size > this._data.length) {
            const data = new Uint8Array(Math.min(Math.max(this._size, this._data.length * 2), MAX_SIZE));
            data.set(this._data);
            this._setData(data);
        }
        return start;
    }

    _putByte(byte) {
        const start = this._add(1);
        this._data[start] = byte;
    }

    _putHead(tag, count) {
        const start = this._add(5);
        this._data[start] = tag;
        this._view.setUint32(start + 1, count);
    }

    putSized(tag, bytes, type = null) {
        this._putHead(tag, bytes.length);
        if (type !== null)
            this._putByte(type);
        this._putBytes(bytes);
    }

    _putBytes(bytes) {
        if (bytes.length >= LARGE) {
            this._flush();
            this._chunks.push(new GLib.Bytes(bytes));
            return;
        }
        // That may take other memory.
        const start = this._add(bytes.length);
        this._data.set(bytes, start);
    }

    _flush() {
        this._chunks.push(new GLib.Bytes(this._data.subarray(0, this._size)));
        this._size = 0;
    }

    putVariant(variant) {
        this._putBytes(MsgpackRpc.pack(variant).toArray());
    }

    _putNumber(value) {
        // As all peers in JavaScript have it: what is integral is an integer.
        if (!isSafeInteger(value) || is(value, -0)) {
            const start = this._add(9);
            this._data[start] = 0xcb;
            this._view.setFloat64(start + 1, value);
        } else if (value >= -32 && value <= 127) {
            this._putByte(value);
        } else if (value >= -(2 ** 31) && value < 2 ** 31) {
            const start = this._add(5);
            this._data[start] = 0xd2;
            this._view.setInt32(start + 1, value);
        } else {
            this._putBigInt(BigInt(value));
        }
    }

    _putBigInt(value) {
        const start = this._add(9);
        if (BigInt.asIntN(64, value) === value) {
            this._data[start] = 0xd3;
            this._view.setBigInt64(start + 1, value);
        } else if (BigInt.asUintN(64, value) === value) {
            this._data[start] = 0xcf;
            this._view.setBigUint64(start + 1, value);
        } else {
            throw new RangeError(`${value} does not fit into 64 bits`);
        }
    }

    _putString(value) {
        if (LONE_SURROGATE.test(value))
            throw new RangeError('A string with half a surrogate pair cannot be sent');
        const room = value.length * 3;
        const start = this._add(5 + room);
        const {written} = encoder.encodeInto(value, this._data.subarray(start + 5));
        this._data[start] = 0xdb;
        this._view.setUint32(start + 1, written);
        this._size -= room - written;
    }

    _putArray(value, depth) {
        const {length} = value;
        this._putHead(0xdd, length);
        for (let i = 0; i < length; i++)
            this.put(value[i], depth);
    }

    _putEntries(entries, depth) {
        this._putHead(0xdf, entries.length);
        for (const [key, child] of entries) {
            this.put(key, depth);
            this.put(child, depth);
        }
    }

    _putObject(value, depth) {
        if (depth > MAX_DEPTH) {
            throw new RangeError(
                `The value is nested deeper than ${MAX_DEPTH} levels, or contains itself`);
        }
        if (Array.isArray(value))
            this._putArray(value, depth + 1);
        else if (isPlain(value))
            this._putEntries(Object.entries(value), depth + 1);
        else if (value instanceof Map)
            this._putEntries([...value], depth + 1);
        else if (value instanceof GLib.Variant)
            this.putVariant(value);
        else if (value instanceof Date)
            writeDate(this, value);
        else if (value instanceof Ext)
            writeExt(this, value);
        else if (value instanceof RawString)
            this.putSized(0xdb, getBytes(value));
        else
            this.putSized(0xc6, findBytes(value) ?? refuse(value));
    }

    put(value, depth) {
        if (value === null || value === undefined)
            this._putByte(0xc0);
        else if (typeof value === 'number')
            this._putNumber(value);
        else if (typeof value === 'string')
            this._putString(value);
        else if (typeof value === 'object')
            this._putObject(value, depth);
        else if (typeof value === 'boolean')
            this._putByte(value ? 0xc3 : 0xc2);
        else if (typeof value === 'bigint')
            this._putBigInt(value);
        else
            refuse(value);
    }

    finish() {
        this._flush();
        return this._chunks;
    }
}

// Takes what a connection with limits of its own can send, too.
function makeUnpacker() {
    return new MsgpackRpc.Unpacker({
        max_decoded_size: MAX_SIZE,
        max_depth: MAX_DEPTH,
        max_message_size: MAX_SIZE,
    });
}

function write(value) {
    const writer = new Writer();
    writer.put(value, 1);
    unpacker ??= makeUnpacker();
    try {
        writer.finish().forEach(bytes => unpacker.feed(bytes));
        return unpacker.next();
    } catch (e) {
        // It reads no further.
        unpacker = null;
        throw e;
    }
}

// GJS would take what comes before a NUL.
function checkName(name, what) {
    if (typeof name !== 'string')
        throw new TypeError(`The name of a ${what} is a string, not ${describe(name)}`);
    if (name.includes('\0') || LONE_SURROGATE.test(name))
        throw new RangeError(`The name of a ${what} has no NUL and no half of a surrogate pair`);
}

function checkSignature(signature, what = 'signature') {
    if (signature === null || signature === undefined)
        return;
    if (typeof signature !== 'string')
        throw new TypeError(`The ${what} is a string, not ${describe(signature)}`);
    if (signature.includes('\0') || !GLib.VariantType.string_is_valid(signature))
        throw new RangeError(`The ${what} “${signature}” is no type string of a variant`);
}

// The variant that stands for a value. With a signature, the type string of a variant, it gets exactly
// that type, or a GLib.Error says where it does not fit.
function toVariant(value, signature = null) {
    checkSignature(signature);
    const variant = value instanceof GLib.Variant ? value : write(value);
    if (signature === null || variant.get_type_string() === signature)
        return variant;
    return MsgpackRpc.unpack_as(MsgpackRpc.pack(variant), new GLib.VariantType(signature));
}

/* ---- from variants ---- */

function readDate(data) {
    const time = MsgpackRpc.variant_get_timestamp(
        MsgpackRpc.variant_new_ext(TIMESTAMP, new GLib.Bytes(data)));
    return time && new Date(time.to_unix() * 1000 + Math.floor(time.get_microsecond() / 1000));
}

function narrow(big) {
    const number = Number(big);
    return isSafeInteger(number) ? number : big;
}

class Reader {
    constructor(data) {
        this._data = data;
        this.view = new DataView(data.buffer, data.byteOffset, data.byteLength);
        this._offset = 0;
    }

    skip(size) {
        const start = this._offset;
        this._offset += size;
        return start;
    }

    size(width) {
        const start = this.skip(width);
        return width === 1 ? this._data[start]
            : width === 2 ? this.view.getUint16(start) : this.view.getUint32(start);
    }

    bytes(size) {
        const start = this.skip(size);
        return size < LARGE ? this._data.slice(start, start + size)
            : this._data.subarray(start, start + size);
    }

    string(size) {
        const start = this.skip(size);
        const end = start + size;
        if (size <= SHORT_TEXT) {
            let text = '';
            let i = start;
            for (; i < end && this._data[i] < 0x80; i++)
                text += String.fromCharCode(this._data[i]);
            if (i === end)
                return text;
        }
        try {
            return decoder.decode(this._data.subarray(start, end));
        } catch (e) {
            return new RawString(this._data.slice(start, end));
        }
    }

    array(count) {
        const children = new Array(count);
        for (let i = 0; i < count; i++)
            children[i] = this.value();
        return children;
    }

    map(count) {
        const entries = new Array(count);
        let isText = true;
        for (let i = 0; i < count; i++) {
            const key = this.value();
            isText = isText && typeof key === 'string';
            entries[i] = [key, this.value()];
        }
        return isText ? makeObject(entries) : new Map(entries);
    }

    ext(size) {
        const type = this.view.getInt8(this.skip(1));
        const data = this.bytes(size);
        return (type === TIMESTAMP ? readDate(data) : null) ?? new Ext(type, data);
    }

    value() {
        const tag = this._data[this._offset++];
        if (tag < 0x80)
            return tag;
        if (tag < 0x90)
            return this.map(tag & 0x0f);
        if (tag < 0xa0)
            return this.array(tag & 0x0f);
        if (tag < 0xc0)
            return this.string(tag & 0x1f);
        return tag < 0xe0 ? READERS[tag - 0xc0](this) : tag - 0x100;
    }
}

function makeObject(entries) {
    const object = {};
    for (const [key, value] of entries) {
        // No key of a peer is a prototype.
        if (key === '__proto__') {
            Object.defineProperty(object, key,
                {value, configurable: true, enumerable: true, writable: true});
        } else {
            object[key] = value;
        }
    }
    return object;
}

const number = (method, size) => reader => reader.view[method](reader.skip(size));
const bigNumber = method => reader => narrow(reader.view[method](reader.skip(8)));

// By the first byte, from 0xc0 on.
const READERS = [
    () => null,
    () => undefined,
    () => false,
    () => true,
    ...[1, 2, 4].map(width => reader => reader.bytes(reader.size(width))),
    ...[1, 2, 4].map(width => reader => reader.ext(reader.size(width))),
    number('getFloat32', 4),
    number('getFloat64', 8),
    number('getUint8', 1),
    number('getUint16', 2),
    number('getUint32', 4),
    bigNumber('getBigUint64'),
    number('getInt8', 1),
    number('getInt16', 2),
    number('getInt32', 4),
    bigNumber('getBigInt64'),
    ...[1, 2, 4, 8, 16].map(size => reader => reader.ext(size)),
    ...[1, 2, 4].map(width => reader => reader.string(reader.size(width))),
    ...[2, 4].map(width => reader => reader.array(reader.size(width))),
    ...[2, 4].map(width => reader => reader.map(reader.size(width))),
];

// The value that a variant stands for. A map whose keys are all strings is an object, any other a Map;
// an integer that a Number cannot hold is a BigInt; a bin is a Uint8Array.
function fromVariant(variant) {
    return new Reader(MsgpackRpc.pack(variant).toArray()).value();
}

function init(namespace) {
    MsgpackRpc = namespace;
}

return {Ext, RawString, RemoteError, checkName, checkSignature, fromVariant, init, toVariant};
})();

// SPDX-License-Identifier: LGPL-2.1-or-later
// Copyright 2026 The msgpackrpc-glib authors

// Runs the functions of a program and prints the results in the TAP format.

import GLib from 'gi://GLib';
import System from 'system';

/**
 * @param {Object.<string, function(): (void | Promise<void>)>} cases - by name, run in order
 */
export function run(cases) {
    const names = Object.keys(cases);
    const loop = new GLib.MainLoop(null, false);
    let failed = false;

    const runAll = async () => {
        for (const [index, name] of names.entries()) {
            try {
                await cases[name]();
                print(`ok ${index + 1} ${name}`);
            } catch (error) {
                failed = true;
                print(`not ok ${index + 1} ${name}`);
                printerr(`${error}\n${error.stack}`);
            }
        }
    };

    print(`1..${names.length}`);
    runAll().finally(() => loop.quit());
    loop.run();
    System.exit(failed ? 1 : 0);
}

export function assertEqual(actual, expected) {
    const [a, e] = [actual, expected].map(value => JSON.stringify(value));
    if (a !== e)
        throw new Error(`${a} is not ${e}`);
}

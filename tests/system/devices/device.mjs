// The common ground of simulated two-way devices: a pseudo-terminal that
// `tessera simulate` holds. What the host writes arrives as it comes, byte for
// byte; what the device sends waits until a host has opened the port.
//
//   const device = new Device(stage.processes, stage.tool('tessera'), path);
//   device.on('bytes', (bytes) => device.send(answerTo(bytes)));
//   await device.plug();
//
// Events: 'bytes' (a Buffer, cut as the host wrote it), 'plug', 'unplug'.
import { EventEmitter } from 'node:events';
import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import { until } from '../../../packaging/stage/processes.mjs';

const escaped = (bytes) =>
  [...bytes].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');

const linked = (path) => lstatSync(path, { throwIfNoEntry: false });

export class Device extends EventEmitter {
  heard = Buffer.alloc(0); // all that the host wrote, over all pluggings
  #pending = '';
  #child;

  /** `path` becomes a symbolic link to the terminal while it is plugged in. */
  constructor(processes, tessera, path) {
    super();
    Object.assign(this, { processes, tessera, path });
    this.name = `device-${basename(path)}`;
  }

  get plugged() {
    return this.#child !== undefined;
  }

  async plug() {
    if (this.plugged) return;
    const child = this.processes.start(this.name, this.tessera, [
      'simulate', '--link', this.path, '--from-stdin', '--echo-host',
      '--linger', '0',
    ], { stdin: 'pipe' });
    this.#child = child;
    this.#pending = '';
    // A host that is killed takes its end with it; what is unsent is lost.
    child.stdin.on('error', () => {});
    child.stdout.setEncoding('latin1');
    child.stdout.on('data', (chunk) => this.#hear(child, chunk));
    await until(`${this.path} is plugged in`, () => {
      if (child.exitCode !== null)
        throw new Error(`${this.name}: ${this.processes.log(this.name)}`);
      return linked(this.path);
    });
    this.emit('plug');
  }

  /** Bytes to the host: a Buffer, an array of numbers or hex digits. */
  send(bytes) {
    const data = typeof bytes === 'string' ? Buffer.from(bytes, 'hex')
      : Buffer.from(bytes);
    if (this.#child && data.length)
      this.#child.stdin.write(`> ${escaped(data)}\n`);
  }

  /** Pulls the plug: what the host has not read is lost, as is what it says. */
  async unplug() {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    await this.processes.stop(this.name);
    this.emit('unplug');
  }

  /** Waits until `condition`, looked at whenever the host has written. */
  async hears(what, condition, seconds = 60) {
    let wake;
    const onBytes = () => wake?.();
    this.on('bytes', onBytes);
    const timer = setTimeout(() => onBytes(), seconds * 1000);
    const deadline = Date.now() + seconds * 1000;
    try {
      while (!condition()) {
        if (Date.now() >= deadline)
          throw new Error(`${this.name}: waited ${seconds} s for: ${what}; ` +
            `heard ${this.heard.toString('hex')}`);
        await new Promise((done) => { wake = done; });
      }
    } finally {
      clearTimeout(timer);
      this.off('bytes', onBytes);
    }
  }

  #hear(child, chunk) {
    if (child !== this.#child) return;
    const lines = (this.#pending + chunk).split('\n');
    this.#pending = lines.pop();
    for (const line of lines) {
      const hex = /^< ((?:[0-9a-f]{2})+)$/.exec(line)?.[1];
      if (!hex) continue;
      const bytes = Buffer.from(hex, 'hex');
      this.heard = Buffer.concat([this.heard, bytes]);
      this.emit('bytes', bytes);
    }
  }
}

/** The section of a settings file that reads such a device. */
export function readerSection(name, device, driver, profile, extra = '') {
  const members = {
    port: device.path, driver, ...(profile ? { profile } : {}),
  };
  const lines = Object.entries(members).map(([member, value]) =>
    `  ${member} = ${JSON.stringify(value)}`);
  return `reader ${JSON.stringify(name)} {\n${lines.join('\n')}\n${extra}}\n`;
}

// The person with the scanner: `tessera simulate` plays a reader on a pty.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './processes.mjs';

export class Reader {
  sent = 0; // scans played
  heard = ''; // what the host wrote to the reader, as hex
  beeps = 0; // BELs of it: one for each scan that the journal holds
  #pending = '';
  #listeners = new Set();

  constructor(lane) {
    this.lane = lane;
    this.path = join(lane.folder, 'reader');
  }

  get name() {
    return `${this.lane.terminal}-reader`;
  }

  async plug() {
    const { processes } = this.lane.stage;
    this.#pending = ''; // of a reader before
    this.child = processes.start(this.name, this.lane.stage.tool('tessera'), [
      'simulate', '--link', this.path, '--from-stdin', '--echo-host',
    ], { stdin: 'pipe' });
    this.child.stdout.on('data', (chunk) => this.#hear(chunk));
    await until(`${this.name} is plugged in`, () => existsSync(this.path));
  }

  #hear(chunk) {
    const lines = (this.#pending + chunk).split('\n');
    this.#pending = lines.pop();
    for (const line of lines) {
      const match = /^< ((?:[0-9a-f]{2} ?)+)$/.exec(line);
      if (!match) continue;
      const bytes = match[1].replaceAll(' ', '').match(/../g);
      this.heard += bytes.join('');
      this.beeps += bytes.filter((byte) => byte === '07').length;
    }
    this.wake();
  }

  /** Lets every `hears` look again. */
  wake() {
    for (const listener of this.#listeners) listener();
  }

  /** Waits for the host's answer: until `condition`, looked at on each byte. */
  async hears(what, condition, seconds = 60) {
    const deadline = Date.now() + seconds * 1000;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`waited ${seconds} s for: ${what}`);
      await new Promise((done) => {
        const timer = setTimeout(done, left);
        this.#listeners.add(() => {
          clearTimeout(timer);
          done();
        });
      });
      this.#listeners.clear();
    }
  }

  scan(...texts) {
    for (const text of texts) {
      this.child.stdin.write(`> ${text}\\r\n`);
      this.sent++;
    }
  }

  unplug() {
    return this.lane.stage.processes.stop(this.name);
  }
}

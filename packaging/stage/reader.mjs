// The person with the scanner: `tessera simulate` plays a reader on a pty.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { until } from './processes.mjs';

export class Reader {
  sent = 0; // scans played
  heard = ''; // what the host wrote to the reader, as hex

  constructor(lane) {
    this.lane = lane;
    this.path = join(lane.folder, 'reader');
  }

  get name() {
    return `${this.lane.terminal}-reader`;
  }

  async plug() {
    const { processes } = this.lane.stage;
    this.child = processes.start(this.name, this.lane.stage.tool('tessera'), [
      'simulate', '--link', this.path, '--from-stdin', '--echo-host',
    ], { stdin: 'pipe' });
    this.child.stdout.on('data', (chunk) => this.#hear(chunk));
    await until(`${this.name} is plugged in`, () => existsSync(this.path));
  }

  #pending = '';

  #hear(chunk) {
    const lines = (this.#pending + chunk).split('\n');
    this.#pending = lines.pop();
    for (const line of lines) {
      const match = /^< ((?:[0-9a-f]{2} ?)+)$/.exec(line);
      if (match) this.heard += match[1].replaceAll(' ', '');
    }
  }

  /** BELs heard: one for each scan that the journal holds (profile bel). */
  get beeps() {
    return this.heard.match(/../g)?.filter((byte) => byte === '07').length ?? 0;
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

// A person at a till who goes on scanning while everything dies: one scan after
// the other, each code only once, and what the reader was told of each.
import { ean13, random } from '../system/help.mjs';

/** The n-th code at a till, never used twice: mostly goods, some cards. */
function codeOf(till, n) {
  return n % 50 === 7
    ? ean13(`25${till}${String(n).padStart(9, '0')}`)
    : ean13(`952${till}${String(n).padStart(8, '0')}`);
}

const later = (ms) => new Promise((done) => setTimeout(done, ms));

export class Till {
  sent = 0;
  beeped = []; // recorded, by the word of the agent to the reader
  silent = []; // the agent died before it said so
  #over = false;
  #lives = 0;
  #open = Promise.resolve();
  #reopen;
  #told;

  constructor(lane, number, { seed, pauseMs = 80 }) {
    Object.assign(this, { lane, number, pauseMs });
    this.pick = random(seed + number);
  }

  /** Scans until `end`. */
  start() {
    this.#over = false;
    this.scanning = (async () => {
      while (!this.#over) {
        await this.#open;
        await this.#scan();
        await later(this.pick(this.pauseMs));
      }
    })();
    this.scanning.catch((error) => (this.failed = error)); // `end` throws it
  }

  async end() {
    this.#over = true;
    await this.scanning;
  }

  async #scan() {
    const { lane: { reader }, beeped, silent } = this;
    const code = codeOf(this.number, this.sent++);
    const { beeps } = reader;
    const lives = this.#lives;
    reader.scan(code);
    this.#told?.();
    await reader.hears(`a beep for scan ${this.sent} at till ${this.number}`,
      () => reader.beeps > beeps || this.#lives !== lives, 120);
    (reader.beeps > beeps ? beeped : silent).push(code);
    if (this.sent % 40 === 0) await this.#pay();
  }

  /** The till's own word; it may find nobody there. */
  #pay() {
    return this.lane.command('/api/visit/close', {
      receipt: `R-${this.number}-${this.sent}`, total_minor: 100,
      currency: 'EUR',
    }).catch(() => {});
  }

  /** Resolves at the instant of the next scan. */
  nextScan() {
    return new Promise((done) => (this.#told = done));
  }

  /**
   * kill -9. The reader loses its power too: what it heard of the dead agent is
   * known to the last byte, and nothing that was scanned before waits in the
   * pty to be beeped for later, as if it were another scan's beep.
   */
  async kill() {
    const { lane } = this;
    if (!this.#reopen)
      this.#open = new Promise((done) => (this.#reopen = done));
    const end = await lane.stop('SIGKILL');
    await lane.reader.unplug();
    this.#lives++;
    lane.reader.wake();
    await lane.reader.plug();
    return end;
  }

  /** The agent hears its reader again: the light is on, scanning goes on. */
  reopen() {
    this.#reopen?.();
    this.#reopen = undefined;
  }
}

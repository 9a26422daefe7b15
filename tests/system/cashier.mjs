// The cashier of a test: scans, waits for each beep, remembers what beeped, and
// asks of the archive that it holds just that.
import assert from 'node:assert/strict';
import { attached, cardToken, ean13, until } from './help.mjs';

/** The n-th code of the run, never used twice: mostly goods, some cards. */
function codeOf(n) {
  return n % 50 === 7
    ? ean13(`25${String(n).padStart(10, '0')}`)
    : ean13(`952${String(n).padStart(9, '0')}`);
}

export const inArchive = (stage, code) =>
  code.startsWith('25') ? cardToken(stage, code) : `0${code}`;

/** Scan texts of the archive in its order: GTIN-14 or card token. */
export const archived = (events) => events.flatMap(({ body }) => {
  const { data } = typeof body === 'string' ? JSON.parse(body) : body;
  return data.card ?? data.gtin ?? [];
});

/** The person at the reader: scans, waits for the beep, scans again. */
export class Cashier {
  confirmed = [];
  attempts = 0;

  constructor(lane) {
    this.lane = lane;
  }

  /** One scan; a scan without a beep (the agent died) is not confirmed. */
  async scan() {
    const { lane } = this;
    const code = codeOf(this.attempts++);
    const { beeps } = lane.reader;
    const { generation } = this;
    lane.reader.scan(code);
    await lane.reader.hears(`a beep for scan ${this.attempts}`, () =>
      lane.reader.beeps > beeps || this.generation !== generation);
    if (lane.reader.beeps > beeps) this.confirmed.push(code);
    if (this.attempts % 40 === 0)
      await lane.command('/api/visit/close', {
        receipt: `R-${this.attempts}`, total_minor: 100, currency: 'EUR',
      }).catch(() => {});
    await this.paused;
  }

  generation = 0;
  paused = Promise.resolve();

  /** kill -9 and start again; the cashier waits for the reader's light. */
  async killAgent() {
    let resume;
    this.paused = new Promise((done) => (resume = done));
    await this.lane.stop('SIGKILL');
    await this.lane.start();
    await attached(this.lane);
    this.generation++;
    this.lane.reader.wake();
    resume();
  }
}

export function assertWhole(stage, cashier, events) {
  const journals = Map.groupBy
    ? Map.groupBy(events, ({ journal }) => journal)
    : events.reduce((map, event) => map.set(event.journal,
      [...(map.get(event.journal) ?? []), event]), new Map());
  for (const [journal, rows] of journals)
    rows.forEach(({ sequence }, at) =>
      assert.equal(Number(sequence), at + 1, `journal ${journal} has a hole`));
  const expected = cashier.confirmed.map((code) => inArchive(stage, code));
  const wanted = new Set(expected);
  const found = archived(events).filter((code) => wanted.has(code));
  assert.equal(found.length, expected.length, 'confirmed scans in the archive');
  assert.deepEqual(found, expected);
}

export async function scanMany(cashier, count) {
  for (let n = 0; n < count; n++) await cashier.scan();
}

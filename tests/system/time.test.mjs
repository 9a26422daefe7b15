// The terminal's wall clock lies by years in both directions, under a running
// agent and at its start: the line is up all the same, and everything stands
// in its order and at its true time.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  attached, goods, loyaltyCards, openLane, openStage, root, until,
} from './help.mjs';

const day = 86_400_000;
const year = 365 * day;
const stamp = (at) =>
  `${new Date(at).toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;

/** The broker's certificate is good from yesterday for a month. */
async function shortCertificate(stage) {
  await stage.stopBroker();
  stage.run(join(root, 'packaging/certs'), ['broker', stage.certs, 'localhost'],
    { env: { ...process.env,
      START: stamp(Date.now() - day), END: stamp(Date.now() + 30 * day) } });
  await stage.startBroker();
}

test('a clock that starts in 1970, jumps a year ahead and back', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await shortCertificate(stage);
  await hub.start();
  const file = join(stage.folder, 'clock');
  const shift = (ms) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(ms));
    writeFileSync(file, bytes, { flag: 'r+' });
  };
  writeFileSync(file, Buffer.alloc(8));
  shift(40_000 - Date.now());
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
    env: {
      LD_PRELOAD: stage.preload('shift_clock.so'), TESSERA_CLOCK_FILE: file,
    },
  });
  const happened = [];
  const scan = async (text) => {
    const { beeps } = lane.reader;
    const before = Date.now();
    lane.reader.scan(text);
    await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
    happened.push({ before, after: Date.now() });
  };
  const isUp = (up) => until(`the line is ${up ? 'up' : 'down'}`, async () =>
    (await lane.view()).line.up === up);
  const reconnect = async () => {
    lane.line.cut();
    await isUp(false);
    lane.line.restore();
    await isUp(true);
  };
  const stepped = (count) => until(`${count} jumps are noticed`, async () =>
    (await hub.archive(lane.terminal))
      .filter(({ type }) => type === 'clock.stepped').length === count);

  // Cut off before it has ever heard the hub.
  lane.line.cut();
  await isUp(false);
  await scan(loyaltyCards[0]);
  await scan(goods[0]);
  lane.line.restore();
  await isUp(true);
  await lane.drained();
  await scan(goods[1]);
  shift(year);
  await stepped(1);
  await scan(goods[2]);
  await reconnect();
  await scan(goods[3]);
  await lane.drained();
  await lane.stop('SIGKILL');
  await lane.start();
  await attached(lane);
  await isUp(true);
  await scan(goods[4]);
  shift(-year);
  await stepped(2);
  await scan(goods[5]);
  await reconnect();
  shift(0);
  await stepped(3);
  await scan(goods[6]);
  await reconnect();
  await scan(goods[7]);
  await lane.drained();

  const journey = await until('all of it is in the journey', async () => {
    const moments = (await hub.lookup('card', loyaltyCards[0])).journey
      .filter(({ type }) => /presented|scanned/.test(type));
    return moments.length === happened.length && moments;
  });
  assert.deepEqual(journey.slice(1).map(({ data }) => data.gtin),
    goods.slice(0, 8).map((text) => text.padStart(14, '0')));
  for (const [i, { before, after }] of happened.entries()) {
    const { time, approximate, error_ms } = journey[i];
    const at = Date.parse(time);
    assert.equal(approximate, false);
    assert.ok(at >= before - 1000 && at <= after + 1000,
      `${time} is not within a second of ${new Date(before).toISOString()}`);
    assert.ok(error_ms >= 0 && error_ms <= 60_000, `error_ms ${error_ms}`);
  }
  const scans = (await hub.archive(lane.terminal)).filter(({ type }) =>
    /presented|scanned/.test(type)).map(({ body }) =>
    (typeof body === 'string' ? JSON.parse(body) : body));
  // Only the ack to a batch that was sent once tells the time: where the cut
  // met the first one under way, the third scan learns it for those behind.
  const unset = scans.findIndex(({ clock }) => clock !== 'unset');
  assert.ok(unset === 2 || unset === 3, `${unset} events without a clock`);
  assert.deepEqual(scans.slice(unset).map(({ clock }) => clock),
    Array(scans.length - unset).fill('corrected'));
  assert.match(scans[0].time, /^1970-01-01/, 'what was sent is kept');
  assert.match(scans[1].time, /^1970-01-01/, 'what was sent is kept');
});

// The promise: what beeped is in the archive once, in order, without a hole,
// whatever is cut or killed; what a restored hub cannot get back is named.
import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  Cashier, archived, assertWhole, inArchive, scanMany,
} from './cashier.mjs';
import { attached, openLane, openStage, random, until } from './help.mjs';

const scans = Number(process.env.TESSERA_SCANS ?? 10_000);

/** Faults at random places of the run, all by a seed that is printed. */
function faultPlan(seed) {
  const pick = random(seed);
  const plan = new Map();
  for (const fault of [
    ...Array(3).fill('cut'), ...Array(5).fill('agent'), ...Array(5).fill('hub'),
  ]) {
    let at;
    do at = 1 + pick(scans - Math.ceil(scans / 20));
    while (plan.has(at));
    plan.set(at, { fault, delayMs: pick(40), awayMs: pick(1500) });
  }
  return plan;
}

const later = (ms) => new Promise((done) => setTimeout(done, ms));

async function strike(stage, lane, cashier, { fault, delayMs, awayMs }) {
  await later(delayMs); // the instant is random, nothing depends on it
  if (fault === 'agent') return cashier.killAgent();
  if (fault === 'cut') {
    lane.line.cut();
    await later(awayMs);
    return lane.line.restore();
  }
  await stage.theHub.stop('SIGKILL');
  await later(awayMs);
  return stage.theHub.start();
}

test(`${scans} scans through cuts and kills`, async (t) => {
  const seed = Number(process.env.TESSERA_SEED ?? Date.now() % 1e9);
  t.diagnostic(`TESSERA_SEED=${seed}`);
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openLane(stage, {
    terminal: 'roma-02-lane-1', store: 'roma-02',
  });
  const cashier = new Cashier(lane);
  const plan = faultPlan(seed);
  const strikes = [];
  let hubTurn = Promise.resolve();
  for (let n = 1; n <= scans; n++) {
    const fault = plan.get(n);
    if (fault) {
      // One fault at a time, while scanning goes on.
      hubTurn = hubTurn.then(() => strike(stage, lane, cashier, fault));
      strikes.push(hubTurn);
    }
    await cashier.scan();
  }
  await Promise.all(strikes);
  await lane.drained();
  const events = await hub.archive(lane.terminal);
  assertWhole(stage, cashier, events);
  assert.ok(cashier.confirmed.length > scans * 0.9);
  assert.deepEqual((await hub.get('/api/holes')).holes, []);
  t.diagnostic(`${cashier.confirmed.length} confirmed, ` +
    `${events.length} events archived`);
});

const databaseFiles = (hub) =>
  readdirSync(hub.folder).filter((name) => name.startsWith('hub.db'));

async function copyDatabase(hub, to) {
  await hub.stop('SIGKILL');
  for (const name of databaseFiles(hub))
    cpSync(join(hub.folder, name), join(to, name));
  await hub.start();
}

async function putBack(hub, from) {
  await hub.stop('SIGKILL');
  for (const name of databaseFiles(hub)) rmSync(join(hub.folder, name));
  for (const name of readdirSync(from).filter((n) => n.startsWith('hub.db')))
    cpSync(join(from, name), join(hub.folder, name));
  await hub.start();
}

test('a hub put back to a copy gets everything that lanes still hold',
  async (t) => {
    const stage = await openStage(t);
    const hub = stage.theHub;
    await hub.start();
    const lane = await openLane(stage, {
      terminal: 'roma-02-lane-1', store: 'roma-02',
    });
    const cashier = new Cashier(lane);
    await scanMany(cashier, 60);
    await lane.drained();
    await copyDatabase(hub, stage.folder);
    await scanMany(cashier, 60);
    await cashier.killAgent(); // the copies now stand in two journals
    await scanMany(cashier, 60);
    await lane.drained();
    await putBack(hub, stage.folder);
    await until('the archive is whole again', async () => {
      const events = await hub.archive(lane.terminal);
      assertWhole(stage, cashier, events);
      return true;
    });
    assert.deepEqual((await hub.get('/api/holes')).holes, []);
  });

test('what no lane holds any more is reported as an exact hole', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openLane(stage, {
    terminal: 'roma-02-lane-1', store: 'roma-02',
    extra: 'journal {\n  keep_mb = 0\n}',
  });
  const cashier = new Cashier(lane);
  await scanMany(cashier, 20);
  await lane.drained();
  await copyDatabase(hub, stage.folder);
  await scanMany(cashier, 30);
  await lane.drained();
  const before = await hub.archive(lane.terminal);
  await putBack(hub, stage.folder);
  const kept = await hub.archive(lane.terminal);
  await scanMany(cashier, 10);
  await lane.drained();
  await until('the hole is reported', async () =>
    (await hub.get('/api/holes')).holes.length > 0);
  const after = await hub.archive(lane.terminal);
  const numbers = (events) => events.map(({ sequence }) => Number(sequence));
  const { holes } = await hub.get('/api/holes');
  const there = new Set(numbers(after));
  const last = Math.max(...there);
  const missing = [];
  for (let n = 1; n <= last; n++) if (!there.has(n)) missing.push(n);
  assert.ok(missing.length > 0 && missing.length <= before.length - kept.length);
  // More than one when copies went out of the journal in between.
  const named = holes.flatMap(({ first, last: end }) =>
    Array.from({ length: end - first + 1 }, (_, at) => Number(first) + at));
  assert.deepEqual(named.sort((a, b) => a - b), missing);
  for (const { terminal } of holes) assert.equal(terminal, lane.terminal);
});

test('a cloned disk raises an alarm and loses nothing', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openLane(stage, {
    terminal: 'roma-02-lane-1', store: 'roma-02',
  });
  const cashier = new Cashier(lane);
  await scanMany(cashier, 20);
  await lane.stop('SIGTERM');
  // The second machine: the same disk, name and certificate.
  const clone = await stage.lane({
    terminal: 'roma-02-lane-1b', store: 'roma-02', register: false,
    certificate: false,
  });
  cpSync(lane.state, clone.state, { recursive: true });
  clone.writeConfig();
  const { readFileSync } = await import('node:fs');
  writeFileSync(clone.config, readFileSync(clone.config, 'utf8')
    .replaceAll('roma-02-lane-1b.', 'roma-02-lane-1.')
    .replace('terminal = "roma-02-lane-1b"', 'terminal = "roma-02-lane-1"'));
  for (const one of [lane, clone]) {
    if (one === clone) await one.reader.plug();
    await one.start();
    await attached(one);
  }
  const other = new Cashier(clone);
  other.attempts = 5000;
  await scanMany(cashier, 15);
  await scanMany(other, 15);
  await until('the clone alarm', async () =>
    (await hub.get('/api/alarms')).alarms.some(({ kind }) => kind === 'clone'));
  await until('both are in the archive', async () => {
    const codes = new Set(archived(await hub.archive(lane.terminal)));
    return [...cashier.confirmed, ...other.confirmed].every((code) =>
      codes.has(inArchive(stage, code)));
  });
});

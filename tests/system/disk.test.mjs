// The disk of a lane is slow, full, read-only or broken, or somebody deletes
// the journal: the lane goes on as far as it can and says what to do.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  readdirSync, rmSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { bin, goods, openLane, openStage, until } from './help.mjs';

async function openDisk(t) {
  let word;
  // Ahead of the stage's end, which waits for the agent.
  t.after(() => word && writeFileSync(word, ''));
  const stage = await openStage(t);
  word = join(stage.folder, 'disk');
  writeFileSync(word, '');
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-7', store: 'milano-01',
    env: { LD_PRELOAD: stage.preload('bad_disk.so'), TESSERA_DISK: word },
  });
  return { lane, stage, disk: (is) => writeFileSync(word, is) };
}

const status = async (lane) => (await fetch(`${lane.url}/api/status`)).json();

async function scanned(lane, text) {
  const { beeps } = lane.reader;
  lane.reader.scan(text);
  await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
}

const items = async (lane) =>
  (await lane.view()).visit?.items.map(({ gtin }) => gtin) ?? [];

/** GTINs that the journal's file holds, in order. */
function inFile(lane) {
  const out = execFileSync(join(bin, 'tessera'),
    ['journal', join(lane.state, 'journal.db')],
    { encoding: 'utf8', maxBuffer: 1 << 26 });
  return [...out.matchAll(/"gtin":\s*"(\d+)"/g)].map(([, gtin]) => gtin);
}

test('while the disk syncs the next scan is read and pages are answered',
  async (t) => {
    const { lane, disk } = await openDisk(t);
    disk('hold');
    lane.reader.scan(goods[0]);
    await until('the first scan is read', async () =>
      (await status(lane)).readers[0].counts.scans === 1);
    lane.reader.scan(goods[1]);
    await until('the second scan is read', async () =>
      (await status(lane)).readers[0].counts.scans === 2);
    const stream = await fetch(`${lane.url}/api/events`);
    const { value } = await stream.body.getReader().read();
    assert.match(Buffer.from(value).toString(), /event: hello/);
    // What a power cut could take back is neither heard nor seen.
    assert.equal(lane.reader.beeps, 0);
    assert.deepEqual(await items(lane), []);
    disk('');
    await lane.reader.hears('both beeps', () => lane.reader.beeps === 2);
    assert.deepEqual(await items(lane), [`0${goods[0]}`, `0${goods[1]}`]);
  });

test('a command waits for the disk and holds nothing up', async (t) => {
  const { lane, disk } = await openDisk(t);
  await scanned(lane, goods[0]);
  disk('hold');
  lane.reader.scan(goods[1]);
  await until('the next scan is read', async () =>
    (await status(lane)).readers[0].counts.scans === 2);
  let closed = false;
  const answer = lane.command('/api/visit/close',
    { receipt: 'R-1', total_minor: 100, currency: 'EUR' })
    .then(() => (closed = true));
  for (let i = 0; i < 20; i++)
    assert.deepEqual(await items(lane), [`0${goods[0]}`]);
  assert.equal(closed, false);
  disk('');
  await answer;
  assert.equal((await lane.view()).visit, null);
  assert.equal((await lane.view()).notice.kind, 'closed');
  // It comes by another way than the answer.
  await lane.reader.hears('the second beep', () => lane.reader.beeps === 2);
});

for (const [is, says] of [
  ['full', /no room .* free space on this disk/],
  ['readonly', /cannot be written: the disk is read-only .* check the mount/],
  ['broken', /Input\/output error; check the disk/],
])
  test(`a disk that is ${is}: the scan is refused, the reason is told`,
    async (t) => {
      const { lane, disk } = await openDisk(t);
      await scanned(lane, goods[0]);
      disk(is);
      lane.reader.scan(goods[1]);
      await until('the page says why', async () =>
        says.test((await lane.view()).journal.text));
      assert.equal((await lane.view()).notice.kind,
        is === 'full' ? 'full' : 'failed');
      assert.equal(lane.reader.beeps, 1);
      assert.deepEqual(await items(lane), [`0${goods[0]}`]);
      const metrics = await (await fetch(`${lane.url}/metrics`)).text();
      assert.match(metrics, /^tessera_recorder_lost_total [1-9]/m);
      disk('');
      await scanned(lane, goods[2]);
      assert.deepEqual(await items(lane), [`0${goods[0]}`, `0${goods[2]}`]);
      assert.deepEqual(inFile(lane), [`0${goods[0]}`, `0${goods[2]}`]);
    });

const lost = async (lane) => {
  const metrics = await (await fetch(`${lane.url}/metrics`)).text();
  return Number(/^tessera_recorder_lost_total (\d+)/m.exec(metrics)[1]);
};

test('a slow disk: scans that come meanwhile share its next sync',
  async (t) => {
    const { lane, disk } = await openDisk(t);
    await scanned(lane, goods[0]);
    const { commits } = (await status(lane)).journal;
    disk('slow');
    const codes = Array.from({ length: 20 }, (_, at) => goods[(at + 1) % 5]);
    for (const code of codes) lane.reader.scan(code);
    await lane.reader.hears('all beeps', () => lane.reader.beeps === 21);
    const after = (await status(lane)).journal.commits;
    assert.ok(after - commits < codes.length, `${after - commits} commits`);
    assert.deepEqual(inFile(lane), [goods[0], ...codes].map((c) => `0${c}`));
    assert.equal(await lost(lane), 0);
  });

/** Fills the journal with what the hub has not taken, and ends the agent. */
async function fillUnsent(lane) {
  await lane.stage.theHub.start();
  lane.line.cut();
  for (let round = 0; round < 10; round++) {
    const { beeps } = lane.reader;
    const codes = Array.from({ length: 20 }, (_, at) => goods[at % 5]);
    lane.reader.scan(...codes);
    await lane.reader.hears('the beeps', () =>
      lane.reader.beeps === beeps + codes.length);
  }
  await lane.stop();
}

/** A page of rows in the middle of the file. */
function hurtPage(lane) {
  const { ino, size } = statSync(join(lane.state, 'journal.db'));
  return `unreadable ${ino} ${Math.floor(size / 8192) * 4096}`;
}

async function wentOn(lane) {
  await until('the file is replaced', () =>
    readdirSync(lane.state).some((name) => /\.damaged-\d/.test(name)));
  assert.match(lane.log(), /does not give a part of it back; replace the disk/);
  await scanned(lane, goods[6]);
  const held = inFile(lane);
  assert.equal(held.at(-1), `0${goods[6]}`);
  assert.ok(held.length > 100 && held.length < 201, `${held.length} rows`);
  const text = execFileSync(join(bin, 'tessera'),
    ['journal', join(lane.state, 'journal.db')],
    { encoding: 'utf8', maxBuffer: 1 << 26 });
  // What the hole costs is counted, and the hub is told.
  assert.match(text, /journal\.damaged/);
  const [, gaps] = /"lost":\s*(\d+)/.exec(text);
  assert.ok(Number(gaps) > 0);
  lane.line.restore();
  await lane.drained(60);
}

test('a page that cannot be read at the start: the rest is carried over',
  async (t) => {
    const { lane, disk } = await openDisk(t);
    await fillUnsent(lane);
    disk(hurtPage(lane));
    await lane.start();
    await lane.hears();
    await wentOn(lane);
  });

/** More rows than a connection keeps in memory. */
async function fillLarge(lane) {
  for (let at = 0; at < 600; at += 20) {
    const { beeps } = lane.reader;
    lane.reader.scan(...Array.from({ length: 20 },
      (_, n) => `WORD-${'x'.repeat(500)}-${String.fromCharCode(97 + n)}`));
    await lane.reader.hears('the beeps', () => lane.reader.beeps === beeps + 20);
  }
}

const refusedReads = async (lane) => {
  const metrics = await (await fetch(`${lane.url}/metrics`)).text();
  return Number(
    /^tessera_journal_disk_errors_total\{call="read"\} (\d+)/m.exec(metrics)[1]);
};

test('a page that becomes unreadable while the lane works: all else is sent',
  async (t) => {
    const { lane, stage, disk } = await openDisk(t);
    await stage.theHub.start();
    lane.line.cut();
    await fillLarge(lane);
    await lane.stop();
    await lane.start();
    await lane.hears();
    await scanned(lane, goods[0]);
    const agent = stage.processes.get(lane.terminal);
    assert.equal(await refusedReads(lane), 0);
    disk(hurtPage(lane));
    lane.line.restore();
    await until('the file is replaced', () =>
      readdirSync(lane.state).some((name) => /\.damaged-\d/.test(name)));
    assert.match(lane.log(),
      /does not give a part of it back; replace the disk/);
    await scanned(lane, goods[1]);
    await lane.drained(60);
    // Told once to the disk, not again and again.
    const refused = await refusedReads(lane);
    assert.ok(refused > 0 && refused < 100, `${refused} reads`);
    assert.equal(stage.processes.get(lane.terminal), agent);
    const events = (await stage.theHub.archive(lane.terminal));
    // The new run's may be there first.
    const { journal } = events.find(({ sequence }) => Number(sequence) > 100);
    const numbers = events.filter((event) => event.journal === journal)
      .map(({ sequence }) => Number(sequence));
    const held = new Set(numbers);
    const missing = Array.from({ length: numbers.at(-1) }, (_, n) => n + 1)
      .filter((number) => !held.has(number));
    assert.ok(missing.length > 0 && missing.length < 20,
      `${missing.length} rows on one page`);
    const told = events.map(({ body }) =>
      typeof body === 'string' ? JSON.parse(body) : body)
      .find(({ type }) => /journal\.damaged/.test(type));
    assert.equal(told.data.lost, missing.length);
    const { holes } = await stage.theHub.get('/api/holes');
    assert.deepEqual(holes.map(({ journal: of, first, last }) =>
      [of, Number(first), Number(last)]),
    [[journal, missing[0], missing.at(-1)]]);
  });

test('a journal deleted under the agent is written again', async (t) => {
  const { lane } = await openDisk(t);
  await scanned(lane, goods[0]);
  await scanned(lane, goods[1]);
  for (const name of readdirSync(lane.state))
    if (/^journal\.db(-wal|-shm)?$/.test(name)) rmSync(join(lane.state, name));
  // The scan that meets it is refused, unless the agent saw it before.
  await until('a scan is taken', async () => {
    const before = (await status(lane)).readers[0].counts.scans;
    lane.reader.scan(goods[2]);
    await until('it is read', async () =>
      (await status(lane)).readers[0].counts.scans > before);
    return until('it is answered', async () =>
      lane.reader.beeps >= 3 || /deleted/.test(lane.log()))
      .then(() => lane.reader.beeps >= 3);
  });
  await until('the old rows are in the new file', () => {
    const held = inFile(lane);
    return [goods[0], goods[1], goods[2]].every((code) =>
      held.includes(`0${code}`));
  });
  assert.match(lane.log(), /deleted or exchanged under the agent/);
});

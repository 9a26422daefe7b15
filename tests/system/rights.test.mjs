// The agent runs as a service user: its folder is not its own at the start, or
// is taken from it while it runs.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, chownSync, copyFileSync, readdirSync, realpathSync,
  renameSync, rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { archived } from './cashier.mjs';
import { attached, bin, goods, openStage, until } from './help.mjs';

const nobody = 65534;
const asRoot = process.getuid() === 0;

/** A lane whose agent has no rights but its user's. */
async function openUser(t) {
  const stage = await openStage(t);
  await stage.theHub.start();
  const program = join(stage.folder, 'tessera-agent');
  // The build may lie where others may not look.
  copyFileSync(stage.tool('tessera-agent'), program);
  chmodSync(program, 0o755);
  chmodSync(stage.folder, 0o711);
  const lane = await stage.lane({
    terminal: 'milano-01-lane-7', store: 'milano-01',
    program: ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`,
      '--clear-groups', program],
  });
  await lane.reader.plug();
  const own = (...names) => {
    for (const name of names) chownSync(name, nobody, nobody);
  };
  own(stage.certs, lane.folder, lane.config, lane.state, stage.keyFile,
    join(lane.folder, 'run'), realpathSync(lane.reader.path),
    ...readdirSync(stage.certs).map((name) => join(stage.certs, name)));
  return lane;
}

const files = (lane) => readdirSync(lane.state)
  .map((name) => join(lane.state, name));

function take(lane) {
  for (const name of files(lane)) chownSync(name, 0, 0);
  for (const name of files(lane)) chmodSync(name, 0o600);
  chownSync(lane.state, 0, 0);
  chmodSync(lane.state, 0o700);
}

function giveBack(lane) {
  for (const name of files(lane)) chownSync(name, nobody, nobody);
  chownSync(lane.state, nobody, nobody);
}

async function scanned(lane, text) {
  const { beeps } = lane.reader;
  lane.reader.scan(text);
  await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
}

const journalOf = async (lane) =>
  (await (await fetch(`${lane.url}/api/status`)).json()).journal;

async function metric(lane, name) {
  const text = await (await fetch(`${lane.url}/metrics`)).text();
  const line = text.split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1]);
}

const refusedOpens = (lane) =>
  metric(lane, 'tessera_journal_disk_errors_total{call="open"}');

/** GTINs that the journal's file holds, in order. */
function inFile(lane) {
  const out = execFileSync(join(bin, 'tessera'),
    ['journal', join(lane.state, 'journal.db')], { encoding: 'utf8' });
  return [...out.matchAll(/"gtin":\s*"(\d+)"/g)].map(([, gtin]) => gtin);
}

/** GTINs that the hub has of the lane, in order. */
const inHub = async ({ stage, terminal }) =>
  archived(await stage.theHub.archive(terminal));

/** The agent ends by itself and says why. */
async function refusesToStart(lane, says) {
  const before = lane.log().length;
  const { code } = await lane.launch().exited;
  assert.equal(code, 1);
  assert.match(lane.log().slice(before), says);
}

test('a folder that is not the agent\'s: it ends and says whose it must be',
  { skip: !asRoot && 'needs root' }, async (t) => {
    const lane = await openUser(t);
    for (const mode of [0o500, 0o000]) {
      chmodSync(lane.state, mode);
      await refusesToStart(lane,
        /journal\.db\.lock .*create its folder and give it to the agent's user/);
    }
    chmodSync(lane.state, 0o700);
    await lane.start();
    await attached(lane);
    await scanned(lane, goods[0]);
    await lane.stop();
    const file = join(lane.state, 'journal.db');
    chownSync(file, 0, 0);
    chmodSync(file, 0o644);
    await refusesToStart(lane,
      /journal\.db cannot be written: .*check the mount and the owner/);
    chmodSync(file, 0o600);
    await refusesToStart(lane,
      /journal\.db cannot be opened: .*give it to the agent's user/);
    chownSync(file, nobody, nobody);
    await lane.start();
    await attached(lane);
    await scanned(lane, goods[1]);
    assert.deepEqual(inFile(lane), [`0${goods[0]}`, `0${goods[1]}`]);
  });

test('rights are taken from an agent that runs: it records on and says so',
  { skip: !asRoot && 'needs root' }, async (t) => {
    const lane = await openUser(t);
    await lane.start();
    await attached(lane);
    await scanned(lane, goods[0]);
    assert.equal(await refusedOpens(lane), 0);
    take(lane);
    await scanned(lane, goods[1]);
    await until('status says why', async () =>
      /may not open .*give their folder .* back to the agent's user/
        .test((await journalOf(lane)).text));
    // It records: a kiosk need not send people away.
    assert.equal((await journalOf(lane)).ok, true);
    assert.ok(await refusedOpens(lane) > 0);
    await scanned(lane, goods[2]);
    assert.equal(await metric(lane, 'tessera_recorder_lost_total'), 0);
    giveBack(lane);
    await until('status is well', async () =>
      (await journalOf(lane)).text === '');
    await scanned(lane, goods[3]);
    assert.deepEqual(inFile(lane),
      [0, 1, 2, 3].map((at) => `0${goods[at]}`));
    await lane.drained();
    assert.deepEqual(await inHub(lane), inFile(lane));
  });

test('root puts a copy in the journal\'s place: refused until it is given back',
  { skip: !asRoot && 'needs root' }, async (t) => {
    const lane = await openUser(t);
    await lane.start();
    await attached(lane);
    lane.line.cut();
    await scanned(lane, goods[0]);
    // As a backup that is put back by hand: an older file, of another owner.
    const file = join(lane.state, 'journal.db');
    copyFileSync(file, `${file}.copy`);
    copyFileSync(`${file}-wal`, `${file}.copy-wal`);
    await scanned(lane, goods[1]);
    for (const name of ['', '-wal', '-shm'])
      rmSync(`${file}${name}`);
    renameSync(`${file}.copy-wal`, `${file}-wal`);
    renameSync(`${file}.copy`, file);
    chmodSync(file, 0o600);
    chownSync(lane.state, 0, 0);
    chmodSync(lane.state, 0o755);
    lane.reader.scan(goods[2]);
    await until('the page says why', async () => {
      const { journal } = await lane.view();
      return !journal.ok &&
        /cannot be opened: .*give it to the agent's user/.test(journal.text);
    });
    assert.equal(lane.reader.beeps, 2);
    assert.ok(await refusedOpens(lane) > 0);
    assert.ok(await metric(lane, 'tessera_recorder_lost_total') > 0);
    chmodSync(lane.state, 0o700);
    giveBack(lane);
    // Without a scan.
    await until('recording works again', async () =>
      (await journalOf(lane)).ok);
    await scanned(lane, goods[3]);
    lane.line.restore();
    await lane.drained();
    assert.deepEqual(await inHub(lane),
      [0, 1, 3].map((at) => `0${goods[at]}`));
  });

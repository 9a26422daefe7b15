// The promise against kill -9: agents, hub and broker die again and again while
// several tills scan; packaging/soak does the same for longer.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { asText } from '../soak/report.mjs';
import { soak } from '../soak/run.mjs';
import { examine } from '../soak/verdict.mjs';
import { until } from './help.mjs';

const kills = Number(process.env.TESSERA_KILLS ?? 45);

test(`${kills} kills, and the archive holds what beeped`, async (t) => {
  const seed = Number(process.env.TESSERA_SEED ?? Date.now() % 1e9);
  t.diagnostic(`TESSERA_SEED=${seed}`);
  const report = await soak({ kills, seed, lanes: 3 });
  const text = asText(report);
  for (const line of text.split('\n')) t.diagnostic(line);
  assert.deepEqual(report.faults, [], text);
  assert.equal(report.kills.total, kills);
  for (const kind of ['agent', 'hub', 'broker'])
    assert.ok(report.kills[kind] >= Math.floor(kills / 3), kind);
  assert.ok(report.totals.beeped > kills, 'the tills scanned all the while');
});

/** A lane whose journal holds `own` and whose archive answers `events`. */
function told({ own, events, beeped, silent = [] }) {
  const stage = {
    run: () => own.map((body) => JSON.stringify(body)).join('\n'),
    tool: (name) => name,
    theHub: {
      archive: async () => events.map((body) => ({ ...body, body })),
      get: async () => ({ holes: [], alarms: [] }),
    },
  };
  const till = {
    lane: { terminal: 'roma-02-lane-1', state: '' },
    sent: beeped.length + silent.length, beeped, silent,
  };
  return examine(stage, [till]);
}

function journal(name, codes, data = {}) {
  const started = { type: 'tessera.terminal.started.v1', data };
  const scans = codes.map((code) => ({
    type: 'tessera.item.scanned.v1', data: { gtin: `0${code}` },
  }));
  return [started, ...scans].map((event, at) =>
    ({ ...event, journal: name, sequence: String(at + 1).padStart(20, '0') }));
}

const codes = ['9520000000011', '9520000000028', '9520000000035'];
const first = journal('aaaaaaaaaaaaaaaa', codes);
const second = journal('bbbbbbbbbbbbbbbb', ['9520000000042'], {
  previous: 'aaaaaaaaaaaaaaaa', previous_last: '00000000000000000004',
});
const own = [...first, ...second];
const beeped = [...codes, '9520000000042'];
const without = (at) => own.filter((_, n) => n !== at);
const copy = (at, change) => own.map((event, n) =>
  (n === at ? { ...event, ...change } : event));

for (const [name, given, expected] of [
  ['all is there', {}, []],
  ['a beep without its event', { events: without(2) },
    ['lost', 'missing', 'journalDiffers', 'archived']],
  ['the end of a journal that another follows', { events: without(3) },
    ['lost', 'missing', 'journalDiffers', 'archived']],
  ['a whole journal that another follows', { events: second },
    ['lost', 'outOfOrder', 'missing', 'journalDiffers', 'archived']],
  ['an event twice', { events: [...own.slice(0, 3), ...own.slice(2)] },
    ['doubled', 'journalDiffers', 'archived']],
  ['a scan under two numbers', {
    events: [...own, { ...own[5], sequence: '00000000000000000003' }],
  }, ['doubled', 'journalDiffers', 'archived']],
  ['two that changed places', {
    events: [own[0], own[2], own[1], ...own.slice(3)],
  }, ['outOfOrder', 'journalDiffers']],
  ['a later journal before an earlier one', { events: [...second, ...first] },
    ['outOfOrder', 'journalDiffers']],
  ['a scan of nobody', { beeped: beeped.slice(1) }, ['strangers']],
  ['a scan without a beep, archived', {
    beeped: beeped.slice(1), silent: [beeped[0]],
  }, []],
  ['other content', {
    events: copy(1, { data: { ...own[1].data, quantity: 2 } }),
  }, ['journalDiffers']],
]) test(`the verdict on: ${name}`, async () => {
  const { faults } = await told({ own, events: own, beeped, ...given });
  assert.deepEqual([...faults].sort(), [...expected].sort());
});

const runs = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'])
  test(`a run broken off by ${signal} leaves no program`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tessera-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const module = new URL('../../packaging/stage/processes.mjs',
      import.meta.url);
    const run = spawn(process.execPath, ['--input-type=module', '-e', `
      import { Processes } from '${module}';
      const processes = new Processes(process.argv[1]);
      console.log(processes.start('sleeper', 'sleep', ['600']).pid);
    `, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [pid] = (await once(run.stdout, 'data')).map(Number);
    assert.ok(runs(pid));
    run.kill(signal);
    await once(run, 'exit');
    await until('the program is gone', () => !runs(pid));
  });

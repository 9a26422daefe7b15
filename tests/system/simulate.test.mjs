// Virtual lanes against the real broker and hub: the promise holds through a
// bad day, and the report says so when the archive is not what was recorded.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Fleet } from '../../packaging/stage/fleet.mjs';
import { Stage } from '../../packaging/stage/stage.mjs';
import { bin, until } from './help.mjs';

const tessera = join(bin, 'tessera');

async function open(t, options) {
  const stage = new Stage({ plain: !options.tls });
  t.after(() => stage.close());
  await stage.open();
  await stage.hub();
  await stage.theHub.start();
  const fleet = new Fleet(stage, options);
  fleet.names = fleet.register();
  return fleet;
}

const quick = ['--backoff', '100-1000', '--spread', '200'];

test('a bad day of many shops leaves nothing behind', async (t) => {
  const fleet = await open(t, { lanes: 240 });
  const { code, report, stderr } = await fleet.play(`
# every fault once
at 1s unplug lanes 5%
at 1500ms line cut
at 3s line open
at 4s clock +1y lanes 10%
at 4s kill lanes 30%
at 5s line delay 40, loss 1 stores 50%
at 6s line open
at 6s plug
at 6s power off stores 20%
at 7s power on
at 7500ms line reset
at 8s backlog 20 lanes 10%
at 9s stop
until drained 100s
`, { options: [...quick, '--rate', 300] });
  assert.equal(code, 0, stderr + JSON.stringify(report, null, 1));
  assert.equal(report.ok, true);
  assert.equal(report.archive.archived, report.recorded);
  assert.equal(report.archive.recorded, report.recorded);
  assert.ok(report.recorded > 240 * 10, `${report.recorded} recorded`);
  assert.ok(report.lost_before_durable > 0, 'kills took uncommitted rows');
  assert.ok(report.hub.taken_again + report.batches_again > 0,
    'something was sent twice');
  assert.equal(report.faults.length, 8);
  for (const fault of report.faults) {
    assert.ok(fault.lanes > 0, fault.step);
    assert.equal(typeof fault.recovered_ms, 'number', fault.step);
  }
  assert.ok(report.connects > 240, `${report.connects} connections`);
  assert.ok(report.ack.p99_ms >= report.ack.p50_ms);
  // The hub's own word, by another way.
  const counts = await fleet.stage.theHub.get('/api/counts');
  assert.equal(counts.archived, report.recorded);
});

test('an archive that lies is found out', async (t) => {
  const fleet = await open(t, { lanes: 16 });
  const { stage } = fleet;
  const file = stage.theHub.database.replace('sqlite:', '');
  // What each lane's third event meets at the moment it is archived.
  const tamper = (lane, does) => `CREATE TRIGGER t${lane} AFTER INSERT ON event
    WHEN NEW.event_key LIKE '${fleet.names[lane]}/%/00000000000000000003'
    BEGIN ${does}; END;`;
  const mine = 'shard = NEW.shard AND arrival = NEW.arrival';
  stage.run(stage.tool('fixture_sqlite'), [file, [
    tamper(1, `DELETE FROM event WHERE ${mine}`),
    tamper(2, `UPDATE event SET body = '{"specversion":"1.0"}' WHERE ${mine}`),
    tamper(3, `INSERT INTO event SELECT (shard + 1) % 64, 100000, event_key,
      source, type, channel, time_ms, received_ms, visit, boot, uptime_ms,
      clock, hash, body FROM event WHERE ${mine}`),
    tamper(4, `UPDATE event SET arrival = arrival + 5000 WHERE shard = NEW.shard
      AND event_key LIKE '${fleet.names[4]}/%/00000000000000000001'`),
    tamper(5, `INSERT INTO event SELECT shard, 200000,
      '${fleet.names[5]}/0123456789abcdef/00000000000000000001',
      source, type, channel, time_ms, received_ms, visit, boot, uptime_ms,
      clock, hash, body FROM event WHERE ${mine}`),
  ].join('\n')]);
  const { code, report, stderr } = await fleet.play(
    'at 4s stop\nuntil drained 60s\n',
    { options: [...quick, '--rate', 300] });
  assert.equal(code, 1, stderr);
  assert.equal(report.ok, false);
  const { missing, different, duplicates, order_errors: order, invented } =
    report.archive;
  assert.deepEqual({ missing, different, duplicates, order, invented },
    { missing: 1, different: 1, duplicates: 1, order: 1, invented: 1 });
  assert.equal(report.broken.length, 5);
  assert.ok(report.archive.examples.some((text) =>
    text.startsWith(`missing: ${fleet.names[1]}/`)));
});

test('over TLS, and a hub that dies and comes back', async (t) => {
  const fleet = await open(t, { lanes: 8, storesOf: 4, tls: true });
  const { pid } = fleet.stage.processes.get('hub');
  fleet.stage.onClose(() => spawnSync('sh',
    ['-c', `kill $(cat ${fleet.stage.folder}/hub.pid)`]));
  const hub = `${fleet.stage.tool('tessera-hub')} --config ` +
    `${fleet.stage.theHub.config}`;
  const { code, report, stderr } = await fleet.play(`
at 2s break kill -9 ${pid}
at 4s mend ${hub} >/dev/null 2>&1 & echo $! >${fleet.stage.folder}/hub.pid
at 5s stop
until drained 100s
`, { options: [...quick, '--rate', 600, '--processes', 2] });
  assert.equal(code, 0, stderr + JSON.stringify(report, null, 1));
  assert.equal(report.processes, 2);
  assert.equal(report.lanes, 8);
  assert.equal(report.archive.archived, report.recorded);
  assert.equal(report.faults[0].lanes, 8);
  assert.ok(report.faults[0].backlog > 0);
});

test('without the archive only acknowledgements are known', async (t) => {
  const fleet = await open(t, { lanes: 4 });
  const { code, report } = await fleet.play('at 1s stop\n',
    { archive: null, options: quick });
  assert.equal(code, 0);
  assert.equal(report.archive, undefined);
  // Nobody is there to take anything: the promise is not kept in time.
  await fleet.stage.theHub.stop();
  const late = await fleet.play('at 1s stop\nuntil drained 1s\n',
    { archive: null, options: quick });
  assert.equal(late.code, 1);
  assert.match(late.report.broken.join(), /not acknowledged in time/);
});

test('its processes end with it', async (t) => {
  // What kill -9 leaves behind.
  const folder = mkdtempSync(join(tmpdir(), 'tessera-simulate-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const child = spawn(tessera, ['simulate', 'lanes',
    '--broker', '127.0.0.1:1', '--lanes', '16', '--processes', '2',
    '--for', '1h'],
  { stdio: 'ignore', env: { ...process.env, TMPDIR: folder } });
  t.after(() => child.kill('SIGKILL'));
  const workers = await until('both processes run', () => {
    const pids = readFileSync(
      `/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    return pids.split(' ').length === 2 && pids.split(' ');
  });
  child.kill('SIGKILL');
  await until('they are gone', () => workers.every((pid) => {
    try {
      // A zombie that nobody has waited for yet is gone too.
      return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return true;
    }
  }));
});

test('mistakes are told with their line', () => {
  const run = (script, ...options) => spawnSync(
    tessera,
    ['simulate', 'lanes', '--broker', '127.0.0.1:1', '--script', '-',
      ...options], { input: script, encoding: 'utf8' });
  for (const [script, says] of [
    ['at 1s kill\nat 2s lien cut\n', /line 2: "at 2s lien cut": a step is/],
    ['at 1s line cutt\n', /line 1: "at 1s line cutt"/],
    ['at 2s kill\n\nat 1s kill\n', /line 3: its time is before/],
    ['until drained 1s\nat 1s kill\n', /line 2: nothing follows/],
    ['at 1s kill lanes 101%\n', /line 1/],
  ]) {
    const { status, stderr } = run(script);
    assert.equal(status, 2, stderr);
    assert.match(stderr, says);
  }
  assert.equal(run('', '--lanes', 'x').status, 2);
  const many = run('', '--lanes', '99999', '--processes', '1');
  assert.notEqual(many.status, 0);
  assert.match(many.stderr, /open files.*--processes/);
});

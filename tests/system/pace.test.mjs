// Quiet hours with real programs: a backlog keeps off the line and says so, a
// scan goes all the same; after the quiet hours the backlog goes too.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { goods, openLane, openStage, until } from './help.mjs';

/** A list of the settings file. */
const list = (text) => ({ toString: () => text });
const allDay = list('{"00:00-12:00", "12:00-24:00"}');

async function scan(lane, count) {
  const before = lane.reader.beeps;
  for (let at = 0; at < count; at++) lane.reader.scan(goods[at % 12]);
  await lane.reader.hears('the beeps',
    () => lane.reader.beeps >= before + count);
}

const uplink = async (lane) =>
  (await (await fetch(`${lane.url}/api/status`)).json()).uplink;

function said(stage, lane) {
  return execFileSync(stage.tool('tessera'),
    ['status', '--port', String(lane.port)], { encoding: 'utf8' });
}

test('a backlog waits for the end of the quiet hours', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-1', store: 'milano-01',
    hub: { quiet_hours: allDay, quiet_bytes_per_s: 0 },
  });
  await lane.drained();

  await scan(lane, 1);
  await lane.drained();
  const fresh = (await uplink(lane)).events_acked;
  assert.ok(fresh > 0, 'a lone scan passes the quiet hours');
  assert.equal((await uplink(lane)).waits, '');

  lane.line.cut();
  await until('the line is down', async () => !(await lane.view()).line.up);
  await scan(lane, 60);
  lane.line.restore();
  await until('the backlog waits on purpose', async () =>
    (await uplink(lane)).waits === 'quiet_hours');
  const waiting = await uplink(lane);
  assert.ok(Date.parse(waiting.waits_until) > Date.now());
  assert.equal(waiting.events_acked, fresh);
  assert.match(said(stage, lane),
    /waits on purpose until \S+Z: quiet hours \(hub\.quiet_hours\)/);

  await lane.stop();
  lane.hub = { quiet_hours: list('{}') };
  lane.writeConfig();
  await lane.start();
  await lane.drained();
  assert.doesNotMatch(said(stage, lane), /waits on purpose/);
});

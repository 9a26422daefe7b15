// Every wrong certificate: one clear line that says what to do; nothing leaves
// the journal; the screen goes on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  attached, goods, openStage, root, until,
} from './help.mjs';

async function refusedLane(t, change, expected) {
  const stage = await openStage(t);
  const lane = await stage.lane({
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  await change(stage, lane);
  lane.writeConfig();
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  const text = await until('the refusal is told', async () => {
    const { line } = await lane.view();
    return !line.up && expected.test(line.text) && line.text;
  });
  t.diagnostic(text);
  const { beeps } = lane.reader;
  lane.reader.scan(goods[0]);
  await until('the lane goes on', () => lane.reader.beeps > beeps);
  const view = await lane.view();
  assert.equal(view.visit.count, 1);
  assert.ok(view.line.unsent >= 2, 'nothing leaves the journal');
  const lines = lane.log().split('\n').filter((line) => expected.test(line));
  assert.ok(lines.length >= 1, 'the log says it');
  return { stage, lane };
}

const otherAuthority = (stage) => {
  const folder = join(stage.folder, 'other');
  mkdirSync(folder);
  for (const [kind, ...names] of [['init'], ['terminal', 'milano-01-lane-3']])
    stage.run(join(root, 'packaging/certs'), [kind, folder, ...names]);
  return folder;
};

test("a broker of another authority", (t) =>
  refusedLane(t, (stage, lane) => {
    lane.hub.ca_file = join(otherAuthority(stage), 'ca.crt');
  }, /authority|CA/));

test('a broker whose certificate has expired', (t) =>
  refusedLane(t, async (stage) => {
    await stage.stopBroker();
    stage.run(join(root, 'packaging/certs'),
      ['broker', stage.certs, 'localhost'],
      { env: { ...process.env, START: '20200101000000Z', END: '20210101000000Z' } });
    await stage.startBroker();
  }, /expired/));

test('a broker with another name', (t) =>
  refusedLane(t, (stage, lane) => {
    lane.hub.server_name = 'broker.example';
  }, /broker\.example/));

test('our own certificate is revoked', (t) =>
  refusedLane(t, async (stage, lane) => {
    stage.certificates('revoke', lane.terminal);
    await stage.stopBroker();
    await stage.startBroker();
  }, /revoked/));

test('our own certificate is missing, and is installed later', async (t) => {
  const { stage, lane } = await refusedLane(t, (stage, lane) => {
    lane.hub.cert_file = join(stage.certs, 'nobody.crt');
  }, /nobody\.crt/);
  await stage.theHub.start();
  copyFileSync(join(stage.certs, `${lane.terminal}.crt`),
    join(stage.certs, 'nobody.crt'));
  await lane.drained(); // without a restart
});

test('no certificate is named at all: said before the line is tried',
  async (t) => {
    const stage = await openStage(t);
    const lane = await stage.lane({
      terminal: 'milano-01-lane-3', store: 'milano-01', hub: { cert_file: '' },
    });
    for (const [program, ...args] of [['tessera', 'check-config', lane.config],
      ['tessera-agent', '--config', lane.config]]) {
      const { status, stdout, stderr } = spawnSync(stage.tool(program), args,
        { encoding: 'utf8', timeout: 60000 });
      assert.ok(status > 0, `${program} ends with ${status}`);
      assert.match(stdout + stderr,
        /agent\.conf.*needs the terminal's certificate.*set cert_file/);
    }
  });

test('our own certificate is of an authority that the broker does not know',
  (t) => refusedLane(t, (stage, lane) => {
    const other = otherAuthority(stage);
    lane.hub.cert_file = join(other, `${lane.terminal}.crt`);
    lane.hub.key_file = join(other, `${lane.terminal}.key`);
  }, /certificate/));

test('the certificate of another terminal', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await stage.lane({
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  stage.certificates('terminal', 'milano-01-lane-4');
  for (const kind of ['crt', 'key']) {
    copyFileSync(join(stage.certs, `milano-01-lane-3.${kind}`),
      join(stage.certs, `own.${kind}`));
    copyFileSync(join(stage.certs, `milano-01-lane-4.${kind}`),
      join(stage.certs, `milano-01-lane-3.${kind}`));
  }
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  lane.reader.scan(goods[0]);
  await until('the lane goes on', () => lane.reader.beeps > 0);
  await until('the mismatch is told', async () =>
    /milano-01-lane-4/.test((await lane.view()).line.text));
  assert.match(lane.log(),
    /is the certificate of milano-01-lane-4, this terminal is milano-01-lane-3/);
  assert.deepEqual(await stage.theHub.archive('milano-01-lane-3'), []);
  assert.ok((await lane.view()).line.unsent >= 2);
  const check = spawnSync(stage.tool('tessera'), ['check-config', lane.config],
    { encoding: 'utf8' });
  assert.notEqual(check.status, 0);
  assert.match(check.stdout, /is the certificate of milano-01-lane-4/);
  for (const kind of ['crt', 'key'])
    copyFileSync(join(stage.certs, `own.${kind}`),
      join(stage.certs, `milano-01-lane-3.${kind}`));
  await lane.drained(); // without a restart
});

test("the hub's time outlives a restart without a hub", async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await stage.lane({
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  const floor = async () => {
    const answer = await fetch(`${lane.url}/api/status`);
    return (await answer.json()).time.floor;
  };
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  const before = Date.now();
  lane.reader.scan(goods[0]);
  const told = await until('the hub tells the time', floor);
  assert.ok(Math.abs(Date.parse(told) - before) < 600000, told);
  await lane.drained();
  await lane.stop();
  await stage.stopBroker();
  await lane.start();
  assert.equal(await floor(), told);
});

// A terminal cannot take another's place: refused, counted, visible.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { goods, openLane, openStage, until } from './help.mjs';

const journal = () => randomBytes(8).toString('hex');

function event(terminal, store, journalId, sequence = 1) {
  const number = String(sequence).padStart(20, '0');
  return {
    specversion: '1.0', source: `/stores/${store}/terminals/${terminal}`,
    id: `${journalId}-${number}`, type: 'tessera.code.unknown.v1',
    time: new Date().toISOString(), journal: journalId, sequence: number,
    boot: '0badcafe', uptime: '1000', clock: 'set',
    data: { reader: 'r', symbology: 'Code 128', length: 4, print: 'u1.x' },
  };
}

/** The broker of a stage as one terminal sees it, with its own certificate. */
async function terminal(stage, id, options = {}) {
  const pem = (name) => readFileSync(join(stage.certs, name));
  const client = await mqtt.connectAsync({
    protocol: 'mqtts', host: 'localhost', port: stage.terminalPort,
    ca: pem('ca.crt'), cert: pem(`${id}.crt`), key: pem(`${id}.key`),
    clientId: id, protocolVersion: 5, reconnectPeriod: 0, ...options,
  });
  stage.onClose(() => client.endAsync(true).catch(() => {}));
  client.heard = [];
  client.on('message', (topic, payload) =>
    client.heard.push({ topic, text: payload.toString() }));
  return client;
}

async function prepare(t) {
  const stage = await openStage(t);
  const hub = stage.theHub;
  stage.certificates('terminal', 'lane-a', 'lane-b', 'lane-x');
  hub.command('terminal', 'add', 'lane-a', 'milano-01');
  hub.command('terminal', 'add', 'lane-b', 'roma-02');
  await hub.start();
  return { stage, hub };
}

/** `work`, or a failure when the broker ends the session before its answer. */
const answered = (client, work) => Promise.race([work,
  new Promise((_, fail) => {
    const ended = () => fail(new Error('the broker ended the session'));
    if (!client.connected) ended();
    client.once('close', ended);
  })]);

const publish = (client, topic, text) =>
  answered(client, client.publishAsync(topic, text, { qos: 1 }));

const metric = async (hub, pattern) => {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return text.split('\n').filter((line) => pattern.test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
};

const refusals = (hub) =>
  metric(hub, /^tessera_take_total\{outcome="refused_identity"\}/);

test('a terminal writes under its own name only', async (t) => {
  const { stage, hub } = await prepare(t);
  const a = await terminal(stage, 'lane-a');
  await assert.rejects(
    publish(a, 'tessera/1/29/lane-b/events',
      JSON.stringify([event('lane-b', 'roma-02', journal())])),
    /Not authorized/);
  assert.deepEqual(await hub.archive('lane-b'), []);
});

test('wrong store, shard, source or unknown terminal: refused, counted, seen',
  async (t) => {
    const { stage, hub } = await prepare(t);
    const a = await terminal(stage, 'lane-a');
    const x = await terminal(stage, 'lane-x');
    const cases = [
      ['wrong shard', a, 'lane-a', '21', event('lane-a', 'milano-01', journal())],
      ['wrong store', a, 'lane-a', '20', event('lane-a', 'roma-02', journal())],
      ['wrong source', a, 'lane-a', '20', event('lane-b', 'milano-01', journal())],
      ['unknown', x, 'lane-x', '20', event('lane-x', 'milano-01', journal())],
    ];
    for (const [what, client, id, shard, one] of cases) {
      const before = await refusals(hub);
      const acks = `tessera/1/${shard}/${id}/acks`;
      await client.subscribeAsync(acks, { qos: 1 });
      // Two events: a single one may be set aside and count as taken.
      const two = [one, { ...one,
        id: `${one.journal}-${'2'.padStart(20, '0')}`,
        sequence: '2'.padStart(20, '0') }];
      await publish(client, `tessera/1/${shard}/${id}/events`,
        JSON.stringify(two));
      await until(`${what} is counted`, async () =>
        (await refusals(hub)) > before);
      const said = client.heard.filter(({ topic }) => topic === acks);
      for (const { text } of said)
        assert.equal(JSON.parse(text).refused, 'identity', what);
    }
    for (const id of ['lane-a', 'lane-b', 'lane-x'])
      assert.deepEqual(await hub.archive(id), [], id);
    const { alarms } = await hub.get('/api/alarms');
    assert.ok(alarms.some(({ kind }) => kind === 'identity'));
  });

test("the client id is the certificate's name, whatever is asked for",
  async (t) => {
    const { stage } = await prepare(t);
    const b = await terminal(stage, 'lane-b');
    let disturbed = false;
    b.on('close', () => (disturbed = true));
    const pretender = await terminal(stage, 'lane-a', { clientId: 'lane-b' });
    await pretender.subscribeAsync('tessera/1/+/lane-a/acks', { qos: 1 });
    await b.subscribeAsync('tessera/1/+/lane-b/acks', { qos: 1 });
    assert.equal(disturbed, false);
    assert.ok(b.connected && pretender.connected);
  });

test("another store's desk is not to be had", async (t) => {
  const { stage, hub } = await prepare(t);
  const a = await terminal(stage, 'lane-a');
  const b = await terminal(stage, 'lane-b');
  // A broker may grant these; it delivers nothing by them.
  for (const topic of ['tessera/1/20/lane-a/desk', 'tessera/1/20/lane-a/acks',
    'tessera/1/+/+/desk', 'tessera/#'])
    await b.subscribeAsync(topic, { qos: 1 }).catch(() => {});
  await a.subscribeAsync('tessera/1/20/lane-a/desk', { qos: 1 });
  await b.subscribeAsync('tessera/1/29/lane-b/desk', { qos: 1 });
  const pull = JSON.stringify({ log: '', after: 0, limit: 100 });
  await assert.rejects(publish(b, 'tessera/1/20/lane-a/pull', pull),
    /Not authorized/);
  await publish(a, 'tessera/1/20/lane-a/pull', pull);
  await until('lane-a has its answer', () => a.heard.length > 0);
  assert.match(a.heard[0].topic, /lane-a\/desk$/);
  const before = await refusals(hub);
  await publish(b, 'tessera/1/20/lane-b/pull', pull);
  await until('a pull in the wrong shard is counted', async () =>
    (await refusals(hub)) > before);
  // Its own answer comes after all that: what was to come has come.
  await publish(b, 'tessera/1/29/lane-b/pull', pull);
  await until('lane-b has its own answer', () =>
    b.heard.some(({ topic }) => topic === 'tessera/1/29/lane-b/desk'));
  assert.deepEqual(b.heard.filter(({ topic }) =>
    /lane-a|\/20\/lane-b\//.test(topic)), []);
});

test('a refused publish does not end the session', async (t) => {
  const { stage } = await prepare(t);
  const b = await terminal(stage, 'lane-b');
  for (let turn = 0; turn < 3; turn++)
    await assert.rejects(publish(b, 'tessera/1/20/lane-a/events', '[]'),
      /Not authorized/);
  await publish(b, 'tessera/1/29/lane-b/pull',
    JSON.stringify({ log: '', after: 0, limit: 100 }));
  assert.ok(b.connected);
});

test('what the access list denies is told until it is mended', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  await stage.stopBroker();
  const list = join(stage.folder, 'broker', 'tessera.acl');
  writeFileSync(list, readFileSync(list, 'utf8')
    .replace(/^pattern write .*events$/m, ''));
  stage.processes.start('broker', 'mosquitto',
    ['-c', join(stage.folder, 'broker', 'tessera.conf')]);
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  const text = await until('the refusal is told', async () => {
    const { line } = await lane.view();
    return /denies publishing events.*milano-01-lane-3/.test(line.text)
      && line.text;
  });
  t.diagnostic(text);
  assert.ok(lane.log().includes(text));
  lane.reader.scan(goods[0]);
  await until('the lane goes on', () => lane.reader.beeps > 0);
  const { line } = await lane.view();
  assert.ok(line.up && line.unsent >= 2, 'nothing leaves the journal');
  await stage.stopBroker();
  await stage.startBroker();
  await lane.drained();
  await until('the line is well again', async () =>
    /^connected to \S+ port \d+$/.test((await lane.view()).line.text));
});

// Between commit and ack: whatever dies or is cut there, an event leaves a
// terminal on an ack alone, so nothing is lost, and a resend doubles nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Postgres } from '../../packaging/stage/postgres.mjs';
import { Stage } from '../../packaging/stage/stage.mjs';
import { Cashier, assertWhole, scanMany } from './cashier.mjs';
import { Proxy, openLane, until } from './help.mjs';
import { FakeTerminal } from './terminal.mjs';

/** A stage whose hub reaches its broker through `stage.line`. */
async function openLine(t, { postgres = false, extra } = {}) {
  const stage = new Stage();
  t.after(() => stage.close());
  await stage.open();
  stage.line = await Proxy.start(stage.hubPort);
  stage.onClose(() => stage.line.stop());
  if (postgres) stage.server = await Postgres.open(stage);
  await stage.hub({
    database: stage.server?.url(), extra, broker: { port: stage.line.port },
  });
  return stage;
}

const openRoma = (stage) => openLane(stage, {
  terminal: 'roma-02-lane-1', store: 'roma-02',
});

/** A counter of /metrics: the sum over its labels that hold `label`. */
async function metric(hub, name, label = '') {
  const text = await (await fetch(`${hub.url}/metrics`)).text();
  return text.split('\n')
    .filter((line) => line.startsWith(name) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(' ').pop()), 0);
}

/** Scans while the hub's word does not get out; answers when all is taken. */
async function scanUnacked(stage, lane, cashier) {
  const { length } = await stage.theHub.archive(lane.terminal);
  stage.line.mute();
  await scanMany(cashier, 5);
  await until('the hub has committed', async () =>
    (await stage.theHub.archive(lane.terminal)).length > length);
  assert.ok((await lane.view()).line.unsent > 0, 'no ack has come');
}

test('a hub killed between commit and ack', async (t) => {
  const stage = await openLine(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openRoma(stage);
  const cashier = new Cashier(lane);
  await scanMany(cashier, 5);
  await lane.drained();
  for (let round = 0; round < 3; round++) {
    await scanUnacked(stage, lane, cashier);
    await hub.stop('SIGKILL');
    await hub.start();
    await lane.drained();
    assert.ok(await metric(hub, 'tessera_take_total', 'duplicates') > 0,
      'what was committed came again');
    assertWhole(stage, cashier, await hub.archive(lane.terminal));
  }
});

test('acks lost on the line to the broker are asked for again', async (t) => {
  const stage = await openLine(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openRoma(stage);
  const cashier = new Cashier(lane);
  await scanMany(cashier, 5);
  await lane.drained();
  await scanUnacked(stage, lane, cashier);
  stage.line.cut();
  stage.line.restore();
  await lane.drained();
  assert.ok(await metric(hub, 'tessera_take_total', 'duplicates') > 0);
  assertWhole(stage, cashier, await hub.archive(lane.terminal));
});

test('a broker that dies and forgets everything', async (t) => {
  const stage = await openLine(t);
  await stage.theHub.start();
  const lane = await openRoma(stage);
  const cashier = new Cashier(lane);
  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGKILL']) {
    let back = false;
    const scanning = (async () => {
      do await scanMany(cashier, 5); while (!back);
    })();
    await stage.stopBroker(signal);
    await stage.startBroker();
    back = true;
    await scanning;
  }
  await lane.drained();
  assertWhole(stage, cashier, await stage.theHub.archive(lane.terminal));
});

test('the hub starts without its broker, and works when it comes', async (t) => {
  const stage = await openLine(t);
  const hub = stage.theHub;
  await stage.stopBroker('SIGKILL');
  hub.launch();
  const ready = await until('the hub says what is missing', async () => {
    const answer = await fetch(`${hub.url}/readyz`);
    return answer.status === 503 && answer.text();
  });
  assert.match(ready, /broker/);
  await until('the log says it', () =>
    /no line to the broker/.test(stage.processes.log('hub')));
  assert.equal((await fetch(`${hub.url}/healthz`)).status, 200);
  // Online events do not come by the broker.
  assert.equal((await hub.post('/v1/track', {
    userId: 'c-1', event: 'Seen', messageId: 'm-1',
  })).status, 200);
  await stage.startBroker();
  await hub.ready();
  const lane = await openRoma(stage);
  const cashier = new Cashier(lane);
  await scanMany(cashier, 5);
  await lane.drained();
  assertWhole(stage, cashier, await hub.archive(lane.terminal));
});

/** CRC-32 of the store, modulo 64, as the topics say it. */
const shardOf = (store) => {
  let crc = ~0;
  for (const byte of Buffer.from(store)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++)
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (~crc & 63).toString(16).padStart(2, '0');
};

async function fakeMilano(t, stage) {
  stage.certificates('terminal', 'npm-lane');
  stage.theHub.command('terminal', 'add', 'npm-lane', 'milano-01');
  const fake = new FakeTerminal(stage, 'npm-lane', 'milano-01', '20');
  await fake.connect();
  t.after(() => fake.client.endAsync());
  return fake;
}

const items = (fake, count) => Array.from({ length: count }, () =>
  fake.event('item.scanned', { reader: 'r', gtin: '09521234500007' }));

test('what has no room while the database is away is let go and comes again',
  async (t) => {
    const stage = await openLine(t, {
      postgres: true, extra: 'intake {\n  max_waiting = 2\n}',
    });
    const hub = stage.theHub;
    await hub.start();
    const fake = await fakeMilano(t, stage);
    const unlock = await stage.server.lock('shard_lease');
    const events = items(fake, 10);
    for (const event of events) await fake.send([event]);
    await until('no room', async () => {
      await fake.send([events[9]]);
      return await metric(hub, 'tessera_messages_total', 'overflow') > 0;
    });
    assert.deepEqual(fake.acks, []);
    await unlock();
    await until('what waited is taken', () =>
      fake.acks.some(({ through }) => Number(through) >= 1));
    await fake.send(events);
    await until('all is taken', () => Number(fake.acks.at(-1).through) === 10);
    const archived = await hub.archive('npm-lane');
    assert.deepEqual(archived.map(({ sequence }) => Number(sequence)),
      events.map((_, at) => at + 1));
  });

test('an ack that finds no line is counted, and asked for again', async (t) => {
  const stage = await openLine(t, { postgres: true });
  const hub = stage.theHub;
  await hub.start();
  const fake = await fakeMilano(t, stage);
  const unlock = await stage.server.lock('shard_lease');
  const events = items(fake, 3);
  await fake.send(events);
  await until('the batch waits', async () =>
    await metric(hub, 'tessera_waiting_batches') === 1);
  stage.line.cut();
  await until('the hub has noticed', async () =>
    await metric(hub, 'tessera_broker_up') === 0);
  await unlock();
  await until('the ack found no line', async () =>
    await metric(hub, 'tessera_unpublished_total') > 0);
  assert.equal((await hub.archive('npm-lane')).length, 3);
  assert.deepEqual(fake.acks, []);
  stage.line.restore();
  await hub.ready();
  await fake.send(events);
  await until('the ack', () => Number(fake.acks.at(-1)?.through) === 3);
  assert.equal((await hub.archive('npm-lane')).length, 3);
});

test('a batch that the database refuses holds up no other lane', async (t) => {
  const stage = await openLine(t, { postgres: true });
  const hub = stage.theHub;
  await hub.start();
  const fake = await fakeMilano(t, stage);
  stage.certificates('terminal', 'npm-other');
  hub.command('terminal', 'add', 'npm-other', 'roma-02');
  const other = new FakeTerminal(stage, 'npm-other', 'roma-02', shardOf('roma-02'));
  await other.connect();
  t.after(() => other.client.endAsync());
  const unlock = await stage.server.lock('shard_lease');
  const events = items(fake, 2);
  await fake.send(events);
  await until('the batch waits', async () =>
    await metric(hub, 'tessera_waiting_batches') === 1);
  await other.send(items(other, 1));
  stage.server.query(`ALTER TABLE lane_position ADD CONSTRAINT broken
    CHECK (terminal <> 'npm-lane')`);
  await until('it was tried again and again', () =>
    stage.processes.log('postgres').split('lock timeout').length > 5);
  await unlock();
  await until('the other is acknowledged', () =>
    Number(other.acks.at(-1)?.through) === 1);
  assert.equal(await metric(hub, 'tessera_messages_total', 'left_out'), 1);
  assert.match(stage.processes.log('hub'), /npm-lane: a message is left out/);
  assert.deepEqual(fake.acks, []); // so the terminal keeps it
  stage.server.query('ALTER TABLE lane_position DROP CONSTRAINT broken');
  await fake.send(events);
  await until('it is taken', () => Number(fake.acks.at(-1)?.through) === 2);
});

// The promise on each broker that packaging/broker-config knows: real servers,
// cut lines, a server killed, and an access list that holds.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import { Stage } from '../../packaging/stage/stage.mjs';
import { Cashier, assertWhole, scanMany } from './cashier.mjs';
import { attached, random, until } from './help.mjs';

const quiet = 'roma-02-lane-9'; // a terminal's certificate in other hands
const patience = 300; // seconds: a server of Erlang starts slowly
const paceMs = 200; // those that start or vote need the machine as well

async function openStage(t, broker) {
  const stage = new Stage({ broker });
  t.after(() => stage.close());
  await stage.open();
  await stage.hub();
  return stage;
}

async function openCashier(lane) {
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  return new Cashier(lane);
}

/** Two lanes at work, on a broker that runs. */
async function openShop(t, kind) {
  const stage = await openStage(t, kind);
  const lanes = [];
  for (const [terminal, store] of [
    ['roma-02-lane-1', 'roma-02'], ['milano-01-lane-2', 'milano-01'],
  ]) lanes.push(await stage.lane({ terminal, store }));
  stage.certificates('terminal', quiet);
  if (kind === 'rabbitmq') stage.broker.admit(quiet);
  if (kind !== 'mosquitto') await stage.startBroker();
  stage.theHub.launch();
  const cashiers = await Promise.all(lanes.map(openCashier));
  await hubReady(stage);
  return { stage, cashiers };
}

const hubReady = ({ theHub }) => until('the hub is ready', async () =>
  (await fetch(`${theHub.url}/readyz`)).status === 200, patience);

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Scans at every lane until `action` is over; an agent may die meanwhile. */
async function scanDuring(cashiers, action) {
  let over = false;
  const scanning = cashiers.map(async (cashier) => {
    do {
      await cashier.scan();
      await pause(paceMs);
    } while (!over);
  });
  try {
    await action();
  } finally {
    over = true;
  }
  await Promise.all(scanning);
}

async function assertAllThere({ stage, cashiers }) {
  for (const { lane } of cashiers) await lane.drained(patience);
  for (const cashier of cashiers)
    assertWhole(stage, cashier,
      await stage.theHub.archive(cashier.lane.terminal));
  assert.deepEqual((await stage.theHub.get('/api/holes')).holes, []);
}

/** Cuts a lane's line to every server. */
function cut(lane) {
  for (const line of lane.lines) line.cut();
  return () => {
    for (const line of lane.lines) line.restore();
  };
}

async function linesAndAgentsDie(shop) {
  const [cashier] = shop.cashiers;
  await scanDuring(shop.cashiers, async () => {
    const restore = cut(cashier.lane);
    await scanMany(shop.cashiers[1], 5);
    restore();
    await cashier.killAgent();
  });
  await assertAllThere(shop);
}

/** A client that nobody here wrote, with the certificate of `name`. */
async function connect(stage, name, port, clientId = name) {
  const pem = (file) => readFileSync(join(stage.certs, file));
  const client = await mqtt.connectAsync({
    protocol: 'mqtts', host: 'localhost', port, clientId,
    ca: pem('ca.crt'), cert: pem(`${name}.crt`), key: pem(`${name}.key`),
    protocolVersion: stage.broker.kind === 'mosquitto' ? 5 : 4,
    reconnectPeriod: 0,
  });
  client.on('error', () => {}); // a broker that ends a session says so by it
  client.heard = [];
  client.on('message', (topic) => client.heard.push(topic));
  stage.onClose(() => client.end(true));
  return client;
}

/** The broker may answer what it denies by ending the session. */
function attempt(client, action) {
  const closed = client.connected
    ? new Promise((done) => client.once('close', done)) : undefined;
  return Promise.race([closed, action(client).catch(() => {})]);
}

const publish = (client, topic) => attempt(client, () =>
  client.publishAsync(topic, '{}', { qos: 1 }));
const subscribe = (client, topic) => attempt(client, () =>
  client.subscribeAsync(topic, { qos: 1 }));

/** What a terminal's certificate does not allow reaches nobody. */
async function accessHolds({ stage }) {
  const { terminalPort, hubPort } = stage.broker.nodes.at(-1);
  const base = 'tessera/1/3f';
  const topic = (terminal, leaf) => `${base}/${terminal}/${leaf}`;
  const other = 'milano-01-lane-2';
  const hub = await connect(stage, 'hub-1', hubPort, 'hub-1-ear');
  await subscribe(hub, `${base}/+/state`);
  // Each of these may end the session: then the next has one of its own.
  const forger = await connect(stage, quiet, terminalPort);
  await publish(forger, topic(other, 'state'));
  forger.end(true);
  const listener = await connect(stage, quiet, terminalPort);
  await subscribe(listener, topic(other, 'desk'));
  const honest = listener.connected
    ? listener : await connect(stage, quiet, terminalPort);
  await subscribe(honest, topic(quiet, 'desk'));
  await publish(honest, topic(quiet, 'state'));
  await publish(hub, topic(other, 'desk'));
  await until('the hub hears the terminal and it the hub', async () => {
    await publish(hub, topic(quiet, 'desk'));
    return honest.heard.includes(topic(quiet, 'desk')) &&
      hub.heard.includes(topic(quiet, 'state'));
  }, patience);
  assert.ok(!hub.heard.includes(topic(other, 'state')), 'forged');
  assert.ok(!listener.heard.includes(topic(other, 'desk')), 'overheard');
  for (const client of [hub, honest]) await client.endAsync();
}

/** One server: it dies, forgets and comes back while scanning goes on. */
async function serverDies(shop) {
  const { stage, cashiers } = shop;
  await scanDuring(cashiers, async () => {
    const { signal } = await stage.broker.stop('SIGKILL');
    assert.equal(signal, 'SIGKILL');
    stage.broker.launch();
    await stage.broker.answers();
    await stage.theHub.stop('SIGKILL');
    stage.theHub.launch();
    await hubReady(stage);
  });
  await assertAllThere(shop);
}

/** Several servers: one dies, and its lane goes to another that lives. */
async function nodeDies(shop, pick) {
  const { stage: { broker }, stage, cashiers } = shop;
  const { lane } = cashiers[pick(2)];
  const at = lane.lines.findIndex(({ open }) => open > 0);
  assert.ok(at >= 0, 'the lane has a line');
  await scanDuring(cashiers, async () => {
    await broker.stop('SIGKILL', broker.nodes[at]);
    await until('the lane is at another server', () =>
      lane.lines.some(({ open }, n) => n !== at && open > 0), patience);
    await hubReady(stage);
  });
  await assertAllThere(shop); // the dead one is not needed for it
  await scanDuring(cashiers, async () => {
    broker.launch(broker.nodes[at]);
    await broker.answers(broker.nodes[at]);
  });
  await assertAllThere(shop);
}

async function promiseHolds(t, kind, serverFails) {
  const seed = Number(process.env.TESSERA_SEED ?? Date.now() % 1e9);
  t.diagnostic(`TESSERA_SEED=${seed}`);
  const shop = await openShop(t, kind);
  for (const cashier of shop.cashiers) await scanMany(cashier, 20);
  await assertAllThere(shop);
  await linesAndAgentsDie(shop);
  await serverFails(shop, random(seed));
  return shop;
}

test('mosquitto: the promise holds', async (t) => {
  const shop = await promiseHolds(t, 'mosquitto', serverDies);
  await accessHolds(shop);
});

test('RabbitMQ: the promise holds', async (t) => {
  const shop = await promiseHolds(t, 'rabbitmq', serverDies);
  await accessHolds(shop);
});

test('three nodes of NATS: the promise holds, and lanes move', async (t) => {
  const shop = await promiseHolds(t, 'nats', nodeDies);
  const { stage, stage: { broker } } = shop;
  const { terminalPort } = broker.nodes.at(-1);
  await assert.rejects(connect(stage, quiet, terminalPort), 'not on the list');
  broker.admit(quiet);
  broker.reload();
  await until('the new terminal is let in', async () => {
    await (await connect(stage, quiet, terminalPort)).endAsync();
    return true;
  }, patience);
  await accessHolds(shop);
});

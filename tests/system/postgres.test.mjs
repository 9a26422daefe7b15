// The hub on PostgreSQL, as a whole program: the same promise as on SQLite,
// and a database server that comes late, dies, hangs and comes back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Hub } from '../../packaging/stage/hub.mjs';
import { Postgres } from '../../packaging/stage/postgres.mjs';
import { Stage } from '../../packaging/stage/stage.mjs';
import { Cashier, assertWhole, scanMany } from './cashier.mjs';
import { goods, loyaltyCards, openLane, until } from './help.mjs';

async function openPostgresStage(t) {
  const stage = new Stage();
  t.after(() => stage.close());
  await stage.open();
  const server = await Postgres.open(stage);
  await stage.hub({ database: server.url() });
  return { stage, server, hub: stage.theHub };
}

/** A hub on PostgreSQL and a cashier at a lane. */
async function openPostgresLane(t) {
  const opened = await openPostgresStage(t);
  await opened.hub.start();
  const lane = await openLane(opened.stage, {
    terminal: 'roma-02-lane-1', store: 'roma-02',
  });
  return { ...opened, lane, cashier: new Cashier(lane) };
}

/** Once the hub has its database again, all is in the archive. */
async function allArrives(stage, cashier) {
  const { lane } = cashier;
  await stage.theHub.ready();
  await lane.drained();
  assertWhole(stage, cashier, await stage.theHub.archive(lane.terminal));
}

/** Another hub on the same database, with a folder and a name of its own. */
async function secondHub(stage, server) {
  const hub = new Hub(stage, { database: server.url(), name: 'hub-2' });
  await hub.prepare();
  return hub;
}

const status = async (hub, path) => (await fetch(hub.url + path)).status;

/** A shop's server that keeps a batch until it is answered 200. */
class Shop {
  next = 0;

  constructor(hub) {
    this.hub = hub;
  }

  async send() {
    const n = this.next++;
    const at = new Date().toISOString();
    const batch = [0, 1, 2].map((i) => ({
      type: 'track', messageId: `order-${n}-${i}`, userId: `c-${n % 7}`,
      event: 'Product Viewed', properties: { n, i }, timestamp: at,
    }));
    await until(`batch ${n} is taken`, async () =>
      (await this.hub.post('/v1/batch', { batch, sentAt: at })).status === 200);
  }

  get ids() {
    return Array.from({ length: this.next }, (_, n) =>
      [0, 1, 2].map((i) => `order-${n}-${i}`)).flat().sort();
  }
}

test('cashier and shop lose nothing and double nothing when hub and PostgreSQL die',
  async (t) => {
    const { stage, server, hub, lane, cashier } = await openPostgresLane(t);
    const shop = new Shop(hub);
    const strikes = [
      async () => { await hub.stop('SIGKILL'); await hub.start(); },
      async () => { await server.stop('SIGKILL'); await server.start(); },
      async () => { await server.stop('SIGINT'); await server.start(); },
      async () => {
        await server.stop('SIGKILL');
        await hub.stop('SIGKILL');
        hub.launch();
        await server.start();
        await hub.ready();
      },
    ];
    for (const strike of strikes) {
      let over = false;
      const struck = strike().finally(() => { over = true; });
      const scanning = (async () => {
        do await scanMany(cashier, 10); while (!over);
      })();
      do await shop.send(); while (!over);
      await Promise.all([struck, scanning]);
    }
    await lane.drained();
    assertWhole(stage, cashier, await hub.archive(lane.terminal));
    assert.deepEqual((await hub.get('/api/holes')).holes, []);
    assert.equal(server.query('SELECT count(*) FROM quarantine'), '0');
    const keys = server.query(
      "SELECT event_key FROM event WHERE event_key LIKE '%order-%'")
      .split('\n').map((key) => key.slice(key.indexOf('order-'))).sort();
    assert.deepEqual(keys, shop.ids);
    t.diagnostic(`${cashier.confirmed.length} scans, ${keys.length} online events`);
  });

test('web and store meet in one person on PostgreSQL', async (t) => {
  const { stage, hub } = await openPostgresStage(t);
  await hub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  const [card] = loyaltyCards;
  const answer = await hub.post('/v1/batch', {
    sentAt: new Date().toISOString(),
    batch: [
      { type: 'page', messageId: 'p-1', anonymousId: 'v-1', name: 'Home' },
      {
        type: 'identify', messageId: 'i-1', anonymousId: 'v-1', userId: 'c-1',
        traits: { email: 'giulia@example.com', loyalty_card: card },
      },
    ].map((event, at) => ({
      ...event, timestamp: new Date(Date.now() - 600_000 + at).toISOString(),
    })),
  });
  assert.equal(answer.status, 200);
  for (const text of [card, goods[0]]) {
    const { beeps } = lane.reader;
    lane.reader.scan(text);
    await until('the beep', () => lane.reader.beeps > beeps);
  }
  await lane.drained();
  const person = await until('the person is whole', async () => {
    const found = await hub.lookup('email', 'giulia@example.com');
    const types = found.journey.map(({ type }) => type);
    return ['page', 'identify', 'card.presented', 'item.scanned'].every((type) =>
      types.includes(type)) && found;
  });
  assert.deepEqual(
    [...new Set(person.identifiers.map(({ type }) => type))].sort(),
    ['anonymous_id', 'card', 'email', 'user_id']);
  const types = person.journey.map(({ type }) => type);
  assert.ok(types.indexOf('identify') < types.indexOf('card.presented'));
  assert.ok(types.indexOf('card.presented') < types.indexOf('item.scanned'));
  const ids = await Promise.all([['card', card], ['user_id', 'c-1'],
    ['anonymous_id', 'v-1']].map(([type, value]) => hub.lookup(type, value)));
  for (const one of ids) assert.equal(one.person, person.person);
});

test('the hub starts while PostgreSQL is away, says so, and works when it comes',
  async (t) => {
    const { stage, server, hub } = await openPostgresStage(t);
    await server.stop();
    hub.launch();
    await until('the hub is alive', async () =>
      await status(hub, '/healthz') === 200);
    assert.equal(await status(hub, '/readyz'), 503);
    assert.equal(await status(hub, '/metrics'), 200);
    await until('the log says it', () =>
      /waits for its database.*PostgreSQL/.test(stage.processes.log('hub')));
    assert.ok(!stage.processes.log('hub').includes(server.password));
    const refused = await hub.post('/v1/track', {
      userId: 'c-1', event: 'x', messageId: 'm-1',
    });
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.headers.get('retry-after')) > 0);
    await assert.rejects(hub.lookup('user_id', 'c-1'), /503/);
    await server.start();
    await hub.ready();
    assert.match(stage.processes.log('hub'), /the database is there/);
    assert.equal((await hub.post('/v1/track', {
      userId: 'c-1', event: 'x', messageId: 'm-1',
    })).status, 200);
  });

test('the hub ends at once when asked while it waits for PostgreSQL',
  async (t) => {
    const { server, hub } = await openPostgresStage(t);
    await server.stop();
    hub.launch();
    await until('the hub is alive', async () =>
      await status(hub, '/healthz') === 200);
    assert.equal((await hub.stop('SIGTERM')).code, 0);
  });

test('a PostgreSQL that hangs holds up nothing for long and loses nothing',
  async (t) => {
    const { stage, server, hub, lane, cashier } = await openPostgresLane(t);
    await scanMany(cashier, 10);
    await lane.drained();
    const freed = server.hang();
    await scanMany(cashier, 10); // the lane does not depend on it
    await until('the hub has given the connection up', async () =>
      await status(hub, '/readyz') === 503);
    // A server that takes connections and says nothing blocks no loop.
    const began = Date.now();
    for (let n = 0; n < 20; n++) assert.equal(await status(hub, '/healthz'), 200);
    assert.ok(Date.now() - began < 5_000, `${Date.now() - began} ms`);
    freed();
    await allArrives(stage, cashier);
  });

test('a PostgreSQL that is no longer the primary is left until one is there',
  async (t) => {
    const { stage, server, hub, lane, cashier } = await openPostgresLane(t);
    const demote = (word) => {
      server.query(`ALTER SYSTEM SET default_transaction_read_only = ${word}`);
      server.query('SELECT pg_reload_conf()');
    };
    await scanMany(cashier, 5);
    await lane.drained();
    demote('on');
    await scanMany(cashier, 5);
    await until('the hub waits', async () => await status(hub, '/readyz') === 503);
    assert.match(stage.processes.log('hub'), /read-only/);
    demote('off');
    await allArrives(stage, cashier);
  });

test('a hub that was paused while another took over writes nothing more',
  async (t) => {
    const { stage, server, hub, lane, cashier } = await openPostgresLane(t);
    await scanMany(cashier, 5);
    await lane.drained();
    const paused = stage.processes.get('hub');
    paused.kill('SIGSTOP');
    await scanMany(cashier, 5); // unsent, or on the way to the paused one
    server.query('UPDATE shard_lease SET until_ms = 1'); // it has run out
    stage.certificates('hub', 'hub-2');
    const second = await secondHub(stage, server);
    second.launch();
    await until('the second has the shards', () => server.query(
      "SELECT count(*) FROM shard_lease WHERE owner LIKE 'hub-2/%'") === '64');
    const before = server.query('SELECT count(*), max(arrival) FROM event');
    paused.kill('SIGCONT');
    const { code } = await paused.exited;
    assert.equal(code, 1);
    assert.match(stage.processes.log('hub'), /another hub has taken over/);
    assert.equal(server.query('SELECT count(*), max(arrival) FROM event'), before);
  });

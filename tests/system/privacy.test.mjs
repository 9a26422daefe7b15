// No digit of a payment card and no clear loyalty number: not in a file, not
// on the wire, not on a page.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import mqtt from 'mqtt';
import {
  cardToken, goods, loyaltyCards, openLane, openStage, until,
} from './help.mjs';
import {
  isFrame, published, recordedSockets, recorderEnvironment, unpacked,
} from './recording.mjs';

// Public test numbers of the card schemes.
const payment = ['4111111111111111', '5555555555554444', '378282246310005'];
const card = loyaltyCards[0];
const written = [
  '4111 1111 1111 1111', '4111-1111-1111-1111',
  '%B4111111111111111^TEST/CARD^29121010000?', ';5555555555554444=29121010000?',
];
const secrets = [...payment, ...written, card, card.slice(0, 10)];

function* files(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    const kind = statSync(path, { throwIfNoEntry: false });
    if (kind?.isDirectory()) yield* files(path);
    else if (kind?.isFile()) yield path;
  }
}

// Whatever parts the digits, and runs of a payment number's digits.
const anyForm = [...payment, card].map((number) =>
  new RegExp([...number].join('\\D{0,3}')));
const runs = payment.flatMap((number) => Array.from(
  { length: number.length - 7 }, (_, at) => number.slice(at, at + 8)));

function assertClean(what, text) {
  for (const secret of [...secrets, ...runs])
    assert.ok(!text.includes(secret), `${what} holds ${secret}`);
  for (const form of anyForm) assert.doesNotMatch(text, form, what);
}

/** A client with the hub's certificate, beside the hub. */
async function besideTheHub(stage) {
  const pem = (name) => readFileSync(join(stage.certs, name));
  const client = await mqtt.connectAsync({
    protocol: 'mqtts', host: 'localhost', port: stage.hubPort,
    ca: pem('ca.crt'), cert: pem('hub-1.crt'), key: pem('hub-1.key'),
    clientId: 'hub-spy',
  });
  stage.onClose(() => client.endAsync(true).catch(() => {}));
  return client;
}

async function spy(stage) {
  const payloads = [];
  const client = await besideTheHub(stage);
  client.on('message', (topic, payload) => payloads.push(payload));
  await client.subscribeAsync('tessera/#', { qos: 1 });
  return payloads;
}

async function scanAll(lane, ...texts) {
  for (const text of texts) {
    const before = lane.reader.heard.length;
    lane.reader.scan(text);
    await lane.reader.hears('an answer',
      () => lane.reader.heard.length > before);
  }
}

async function assertNowhere(stage, lane, payloads) {
  assert.ok(payloads.length > 0);
  for (const payload of payloads)
    assertClean('a message', payload.toString('latin1'));
  assertClean('the page', JSON.stringify(await lane.view()));
  for (const path of ['/api/people?limit=100', '/api/quarantine?limit=100',
    '/api/archive?limit=1000&terminal=milano-01-lane-3'])
    assertClean(path, JSON.stringify(await stage.theHub.get(path)));
  let read = 0;
  for (const path of files(stage.folder)) {
    assertClean(path, readFileSync(path, 'latin1'));
    read++;
  }
  assert.ok(read > 10);
}

test('cards leave no digit in journal, archive, logs, wire or page',
  async (t) => {
    const stage = await openStage(t);
    const hub = stage.theHub;
    await hub.start();
    const payloads = await spy(stage);
    const lane = await openLane(stage, {
      terminal: 'milano-01-lane-3', store: 'milano-01',
      hub: { compress: false },
    });
    await scanAll(lane, payment[0], goods[0], `]C0${payment[1]}`, written[0],
      written[1], written[2], written[3], card, goods[1], payment[2]);
    await assert.rejects(lane.command('/api/feedback', {
      question: 'visit', score: 3, text: `I paid with ${written[0]}, thanks`,
    }), /422.*payment card/);
    await lane.command('/api/visit/close', {
      receipt: 'R-1', total_minor: 100, currency: 'EUR',
    });
    await lane.drained();
    for (const [at, body] of [
      { event: 'Payment Info Entered', properties: { number: payment[0] } },
      { event: 'Payment Info Entered', properties: { number: 4111111111111111 } },
      { event: `Paid with ${written[1]}`, properties: { [payment[1]]: true } },
      { event: 'Page', context: { page: { url: `https://x.example/?c=${payment[0]}` } } },
      { event: 'Card', context: { externalIds: [{ id: card, type: 'card', collection: 'users', encoding: 'none' }] } },
      { event: 'Card', context: { traits: { loyalty_card: card } } },
    ].entries()) {
      const answer = await hub.post('/v1/track', {
        userId: 'u-1', messageId: `m-${at}`, ...body,
      });
      assert.equal(answer.status, 200);
    }
    await hub.post('/v1/identify', {
      userId: 'u-1', traits: { loyalty_card: card, email: 'u@example.com' },
    });
    await fetch(`${hub.url}/v1/track?number=${payment[0]}`, {
      method: 'POST', body: `{"broken": "${payment[0]}`,
      headers: { authorization: `Basic ${btoa(`${hub.sources[0].key}:`)}` },
    });
    await until('the card is found by its number', async () =>
      (await hub.lookup('card', card)).identifiers.some(({ type }) =>
        type === 'email'));
    const events = await hub.archive(lane.terminal);
    assert.equal(events.filter(({ type }) =>
      type === 'payment_card.refused').length, 7);
    await assertNowhere(stage, lane, payloads);
  });

for (const compress of [false, true])
  test(`what enters the TLS line holds no card either, ${
    compress ? 'compressed' : 'plain'}`, async (t) => {
    const stage = await openStage(t);
    await stage.theHub.start();
    const recording = join(stage.folder, 'recording');
    const lane = await openLane(stage, {
      terminal: 'milano-01-lane-3', store: 'milano-01',
      hub: { compress, mqtt: '3.1.1' },
      env: recorderEnvironment(stage, recording),
    });
    await scanAll(lane, payment[0], goods[0], written[0], card, written[2],
      written[3], payment[2]);
    await lane.command('/api/visit/close', {
      receipt: 'R-1', total_minor: 100, currency: 'EUR',
    });
    await lane.drained();
    await lane.stop();
    const sockets = recordedSockets(recording, join(lane.folder, 'run'));
    assert.ok(sockets.length > 0);
    for (const { client, server } of sockets) {
      assert.ok(client.sent.equals(server.got), 'nothing escapes the recorder');
      assert.ok(client.got.equals(server.sent));
    }
    const sent = Buffer.concat(sockets.map(({ client }) => client.sent));
    const got = Buffer.concat(sockets.map(({ client }) => client.got));
    const batches = sockets.flatMap(({ client }) => published(client.sent))
      .filter(({ topic }) => topic.endsWith('/events'))
      .map(({ payload }) => payload);
    const events = batches.map((payload) => unpacked(stage, payload))
      .join('\n');
    for (const text of ['payment_card.refused', `0${goods[0]}`,
      cardToken(stage, card), 'visit.closed']) {
      assert.ok(events.includes(text), text);
      if (!compress) assert.ok(sent.includes(text), text);
    }
    assert.equal(batches.some(isFrame), compress);
    assert.match(got.toString('latin1'), /"through"/);
    for (const [what, bytes] of Object.entries({ sent, got, events }))
      assertClean(what, bytes.toString('latin1'));
  });

/** The processes that were started with this settings file. */
function* running(config) {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(config))
        yield pid;
    } catch { /* it has ended */ }
}

test('a crash would leave no core', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  for (const config of [lane.config, stage.theHub.config]) {
    const pids = [...running(config)];
    assert.equal(pids.length, 1, config);
    assert.match(readFileSync(`/proc/${pids[0]}/limits`, 'utf8'),
      /Max core file size +0 +0 /);
  }
});

test('what the programs write is their user\'s alone', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  await scanAll(lane, goods[0]);
  await lane.drained();
  const written = [...files(stage.folder)].filter((path) =>
    /\.(db|sqlite|lock)(-wal|-shm)?$/.test(path));
  assert.ok(written.some((path) => path.endsWith('journal.db')), `${written}`);
  assert.ok(written.some((path) => path.endsWith('desk.db')));
  for (const path of written)
    assert.equal(statSync(path).mode & 0o077, 0, path);
});

test('an erased card leaves the lane, and the lane says so', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  const [gone, stays] = loyaltyCards.map((number) => cardToken(stage, number));
  for (const [receipt, number] of loyaltyCards.slice(0, 2).entries()) {
    await scanAll(lane, number, goods[0]);
    await lane.command('/api/visit/close', {
      receipt: `R-${receipt}`, total_minor: 100, currency: 'EUR',
    });
  }
  await lane.drained();
  const desk = async () =>
    (await (await fetch(`${lane.url}/api/status`)).json()).desk;
  const { log, position } = await until('the desk is loaded', async () => {
    const now = await desk();
    return now.records >= 2 && now;
  });
  const journal = () => [...files(stage.folder)]
    .filter((path) => /lane-3.*journal\.db(-wal)?$/.test(path))
    .map((path) => readFileSync(path, 'latin1')).join();
  assert.ok(journal().includes(gone));
  const hub = await besideTheHub(stage);
  await hub.publishAsync('tessera/1/20/milano-01-lane-3/desk', JSON.stringify({
    log, from: position, to: position + 1, more: false, records: [
      { position: position + 1, kind: 'erase', key: 'person-1',
        value: { cards: [gone] } }],
  }), { qos: 1 });
  await until('the lane confirms', async () =>
    (await stage.theHub.archive(lane.terminal)).some(({ type, body }) =>
      type === 'erase.done' && body.data.position === position + 1));
  assert.ok(!journal().includes(gone));
  assert.ok(journal().includes(stays));
});

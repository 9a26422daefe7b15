// What SDKs of every make put on the wire, and what they must be answered:
// they drop an event for good on 400, 401 and 413, keep it on 429 and 503, and
// lose it on a redirect.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Analytics } from '@segment/analytics-node';
import { openStage, until } from './help.mjs';

const basic = (key) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`;
const origin = 'https://shop.example';

/** One request as it stands: no header is added but Host; without a length
 * the body is sent in chunks. */
function raw(hub, path, { method = 'POST', headers = {}, chunks = [], key } = {}) {
  return new Promise((done, failed) => {
    const call = request(hub.url + path, {
      method, headers: {
        ...(key === null ? {} : { authorization: basic(key ?? hub.sources[0].key) }),
        ...headers,
      },
    }, (answer) => {
      let body = '';
      answer.on('data', (chunk) => (body += chunk));
      answer.on('error', () => {}); // the server may close a body too large
      answer.on('end', () =>
        done({ status: answer.statusCode, headers: answer.headers, body }));
    });
    call.on('error', failed);
    for (const chunk of chunks) call.write(chunk);
    call.end();
  });
}

async function openHub(t) {
  const stage = await openStage(t);
  await stage.theHub.start();
  return stage.theHub;
}

const sized = (body, more = {}) => ({
  chunks: [body],
  headers: { 'content-length': Buffer.byteLength(body), ...more },
});

const journey = (hub, type, value, length) =>
  until(`the journey of ${type} ${value}`, async () => {
    const person = await hub.lookup(type, value);
    return person.journey.length === length && person;
  });

const track = (more) => JSON.stringify({
  type: 'track', event: 'Seen', timestamp: '2026-01-02T03:04:05.678Z', ...more,
});

test('bodies as SDKs write them', async (t) => {
  const hub = await openHub(t);
  const rudder = gzipSync(JSON.stringify({
    batch: [{
      type: 'track', event: 'Seen', userId: 'gzipped', messageId: 'g-1',
      originalTimestamp: '2026-01-02T03:04:05.678Z', channel: 'server',
    }],
    sentAt: '2026-01-02T03:04:06.000Z',
  }));
  assert.equal((await raw(hub, '/v1/batch', sized(rudder, {
    'content-encoding': 'gzip',
    'content-type': 'application/x-www-form-urlencoded',
  }))).status, 200);
  await journey(hub, 'user_id', 'gzipped', 1);

  const chunked = JSON.stringify({
    batch: [{ ...JSON.parse(track({ userId: 'chunked', messageId: 'c-1' })) }],
    writeKey: hub.sources[0].key, sentAt: '2026-01-02T03:04:06.000Z',
  });
  const middle = chunked.length / 2;
  assert.equal((await raw(hub, '/v1/b', {
    key: null, headers: { 'content-type': 'text/plain' },
    chunks: [chunked.slice(0, middle), chunked.slice(middle)],
  })).status, 200);
  await journey(hub, 'user_id', 'chunked', 1);

  const squeezed = gzipSync(track({ userId: 'both', messageId: 'b-1' }));
  assert.equal((await raw(hub, '/v1/track', {
    headers: { 'content-encoding': 'gzip', 'content-type': 'text/plain' },
    chunks: [squeezed.subarray(0, 20), squeezed.subarray(20)],
  })).status, 200);
  await journey(hub, 'user_id', 'both', 1);

  assert.equal((await raw(hub, '/v1/t', sized(track({
    userId: null, anonymousId: 'visitor', messageId: 'n-1',
  })))).status, 200);
  const visitor = await journey(hub, 'anonymous_id', 'visitor', 1);
  assert.deepEqual(visitor.identifiers.map(({ type }) => type), ['anonymous_id']);

  assert.equal((await raw(hub, '/v1/track', sized(track({
    userId: 4711, messageId: 'i-1',
  })))).status, 200);
  await journey(hub, 'user_id', '4711', 1);
});

test('an event without messageId is one event however often it comes',
  async (t) => {
    const hub = await openHub(t);
    const batch = JSON.stringify({
      batch: [JSON.parse(track({ userId: 'nameless' }))],
      sentAt: '2026-01-02T03:04:06.000Z',
    });
    for (const body of [batch, batch, batch.replace(':06.000Z', ':09.000Z')])
      assert.equal((await raw(hub, '/v1/batch', sized(body))).status, 200);
    // The one after it is derived later: what is there then is all there is.
    assert.equal((await raw(hub, '/v1/track', sized(track({
      userId: 'nameless', messageId: 'last', event: 'Last',
    })))).status, 200);
    await until('the last is there', async () =>
      JSON.stringify((await hub.lookup('user_id', 'nameless')).journey)
        .includes('Last'));
    assert.equal((await hub.lookup('user_id', 'nameless')).journey.length, 2);
    const text = await (await fetch(`${hub.url}/metrics`)).text();
    assert.match(text,
      /tessera_collect_events_total\{[^}]*outcome="duplicate"[^}]*\} 2\b/);
  });

test('what a client must not send again is answered so', async (t) => {
  const hub = await openHub(t);
  const good = track({ userId: 'u', messageId: 'm' });
  const cases = [
    ['an unknown key', 401, { ...sized(good), key: 'not-a-key' }],
    ['no key at all', 401, { ...sized(good), key: null }],
    ['broken JSON', 400, sized('{"type":"track",')],
    ['no object', 400, sized('[1,2]')],
    ['gzip that is none', 400, sized('no gzip', { 'content-encoding': 'gzip' })],
    ['too large', 413, sized(' '.repeat(520_000))],
    ['inflated too large', 413, sized(
      gzipSync(' '.repeat(9_000_000)), { 'content-encoding': 'gzip' })],
  ];
  for (const [what, status, { headers, ...rest }] of cases) {
    const answer = await raw(hub, '/v1/track', {
      ...rest, headers: { origin, ...headers },
    });
    assert.equal(answer.status, status, what);
    assert.equal(answer.headers['access-control-allow-origin'], origin, what);
    const { message } = JSON.parse(answer.body);
    assert.ok(message.length > 10, `${what}: ${answer.body}`);
  }
  // Far over every limit, with a length and in chunks.
  const far = 'x'.repeat(3_000_000);
  for (const how of [sized(far), { chunks: [far] }]) {
    const answer = await raw(hub, '/v1/batch', how)
      .catch(({ code }) => ({ status: code }));
    assert.ok([413, 'EPIPE', 'ECONNRESET'].includes(answer.status),
      `${answer.status}`);
  }
  assert.equal((await raw(hub, '/v1/track', sized(good))).status, 200);
});

test('browsers may ask, and are told what they may read', async (t) => {
  const hub = await openHub(t);
  for (const path of ['/v1/t', '/v1/batch', '/v1/projects/web-write-key/settings'])
    for (const asked of ['authorization', 'authorization,x-retry-count',
      'anonymousid,authorization,content-type,sentat']) {
      const answer = await raw(hub, path, {
        method: 'OPTIONS', key: null, headers: {
          origin, 'access-control-request-method': 'POST',
          'access-control-request-headers': asked,
        },
      });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers['access-control-allow-headers'], asked);
      assert.equal(answer.headers['access-control-allow-origin'], origin);
      assert.match(answer.headers['access-control-allow-methods'], /POST/);
      assert.equal(answer.headers.vary, 'Origin');
      assert.ok(Number(answer.headers['access-control-max-age']) >= 600);
    }
  const answer = await raw(hub, '/v1/t', sized(
    track({ anonymousId: 'a', messageId: 'm' }),
    { origin, 'content-type': 'text/plain' }));
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], origin);
  assert.match(answer.headers['access-control-expose-headers'], /Retry-After/i);
});

test('the browser SDK gets its settings, a stranger does not', async (t) => {
  const hub = await openHub(t);
  const settings = (key) => raw(hub, `/v1/projects/${key}/settings`, {
    method: 'GET', key: null, headers: { origin },
  });
  const answer = await settings('web-write-key');
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['access-control-allow-origin'], origin);
  const body = JSON.parse(answer.body);
  // One entry: with more the SDK loads bundles from elsewhere.
  assert.deepEqual(body.integrations, { 'Segment.io': { apiKey: 'web-write-key' } });
  assert.equal(body.metrics.sampleRate, 0);
  assert.equal((await settings('not-a-key')).status, 404);
});

test('no path under /v1 redirects', async (t) => {
  const hub = await openHub(t);
  const paths = ['/v1', '/v1/', '/v1/batch', '/v1/batch/', '//v1/batch',
    '/v1//batch', '/V1/batch', '/v1/track', '/v1/nothing', '/v1/projects/x',
    '/v1/projects/web-write-key/settings', '/v1/./batch', '/v1/%62atch'];
  for (const path of paths)
    for (const method of ['GET', 'POST', 'OPTIONS', 'PUT', 'HEAD']) {
      const { status, headers } = await raw(hub, path, { method });
      assert.ok(status >= 200 && (status < 300 || status >= 400) && status < 500,
        `${method} ${path}: ${status}`);
      assert.equal(headers.location, undefined);
    }
});

test('a stock SDK loses and doubles nothing while the hub dies twice',
  async (t) => {
    const hub = await openHub(t);
    const analytics = new Analytics({
      writeKey: hub.sources[0].key, host: hub.url, flushAt: 5, flushInterval: 50,
    });
    const failures = [];
    analytics.on('error', (error) => failures.push(error));
    const sent = [];
    const delivered = new Set();
    const say = () => {
      const n = sent.length;
      sent.push(n);
      analytics.track({
        userId: 'regular', event: `Step ${n}`, timestamp: new Date(1.7e12 + n * 1000),
      }, (error) => error || delivered.add(n));
    };
    for (let round = 0; round < 2; round++) {
      let over = false;
      const talk = (async () => {
        do {
          for (let n = 0; n < 5; n++) say();
          const { length } = sent;
          // While the hub lives, the next come when these have arrived.
          await until('delivery or death', () => over || delivered.size >= length);
        } while (!over);
      })();
      await until('some have arrived', () => delivered.size >= 20 * (round + 1));
      const dead = hub.stop('SIGKILL');
      for (let n = 0; n < 20; n++) say();
      await dead;
      for (let n = 0; n < 20; n++) say();
      await hub.start();
      over = true;
      await talk;
    }
    await analytics.closeAndFlush({ timeout: 60_000 });
    assert.deepEqual(failures, []);
    const events = await until('every event is there', async () => {
      const person = await hub.get(
        '/api/people/lookup?type=user_id&value=regular&limit=1000');
      return person.journey.length >= sent.length && person.journey;
    });
    const steps = events.map((event) => Number(/Step (\d+)/.exec(JSON.stringify(event))[1]));
    assert.deepEqual(steps, sent);
  });

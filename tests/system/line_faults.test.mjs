// The line at its worst: cut inside a record, dead without a word, lossy,
// slow, behind a portal, its names hanging or lying. What beeped arrives once
// and in order, the agent says what is wrong, comes back by itself without a
// storm, and scanner and page never feel any of it.
//   TESSERA_HALF_OPEN_S=600  how long the line is dead without a word
import assert from 'node:assert/strict';
import { createServer } from 'node:tls';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FaultLine } from '../../packaging/stage/fault_line.mjs';
import { Cashier, assertWhole } from './cashier.mjs';
import { openLane, openStage, root, until } from './help.mjs';
import { NameServer } from './name_server.mjs';

const halfOpenMs = Number(process.env.TESSERA_HALF_OPEN_S ?? 8) * 1000;
const settings = {
  host: 'broker.shop.test', server_name: 'localhost', keepalive_s: 5,
  connect_timeout_s: 5, ack_timeout_ms: 2000, backoff_min_ms: 100,
  backoff_max_ms: 1000, spread_ms: 0,
};

/** A try that hangs, the longest wait and the next try, twice over. */
const mostBackMs =
  2 * (2 * settings.connect_timeout_s * 1000 + settings.backoff_max_ms);

/** So that there is something to measure, however short a fault is. */
const leastScans = 12;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** What scanner and page took, in milliseconds. */
class Times {
  beeps = [];
  pages = [];

  static worst(times) {
    return Math.max(...times);
  }

  static text(times) {
    const sorted = [...times].sort((a, b) => a - b);
    const at = (share) =>
      sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
    return `p50 ${at(0.5).toFixed(1)} p99 ${at(0.99).toFixed(1)} ` +
      `longest ${sorted.at(-1).toFixed(1)} ms of ${sorted.length}`;
  }
}

/** A lane whose names, line and broker the test holds in its hands. */
class Shop {
  texts = new Set(); // what the page said of the line

  static async open(t) {
    const shop = new Shop();
    shop.stage = await openStage(t);
    shop.hub = shop.stage.theHub;
    await shop.hub.start();
    shop.names = await NameServer.start();
    t.after(() => shop.names.stop());
    shop.line = await FaultLine.start(shop.stage, shop.stage.terminalPort);
    const resolv = join(shop.stage.folder, 'resolv.conf');
    writeFileSync(resolv, `nameserver ${shop.names.address}\n`);
    shop.lane = await openLane(shop.stage, {
      terminal: 'roma-02-lane-1', store: 'roma-02',
      hub: { ...settings, port: shop.line.port, resolv_conf: resolv },
    });
    shop.cashier = new Cashier(shop.lane);
    await until('the line is up', () => shop.isUp());
    return shop;
  }

  async isUp() {
    return (await this.lane.view()).line.up;
  }

  /** One scan to its beep; now and then what the page says. */
  async scan(times) {
    const began = performance.now();
    await this.cashier.scan();
    times.beeps.push(performance.now() - began);
    if (times.beeps.length % 4) return;
    const asked = performance.now();
    const { line } = await this.lane.view();
    times.pages.push(performance.now() - asked);
    this.texts.add(line.text);
  }

  async scanUntil(times, what, condition, seconds = 60, paceMs = 5) {
    const deadline = Date.now() + seconds * 1000;
    for (let n = 0; n < leastScans || !(await condition()); n++) {
      if (Date.now() > deadline) throw new Error(`waited ${seconds} s for: ` +
        `${what}; the page said ${[...this.texts].join(' | ')}`);
      await this.scan(times);
      await pause(paceMs);
    }
  }

  /** The page says something that matches. */
  says(pattern) {
    return [...this.texts].some((text) => pattern.test(text));
  }

  /** All is mended: up by itself, all there, once, in order. */
  async recover(times) {
    this.names.says = '127.0.0.1';
    await this.line.say('open');
    const began = performance.now();
    await this.scanUntil(times, 'the line comes back', () => this.isUp());
    this.backMs = performance.now() - began;
    await this.lane.drained();
    assertWhole(this.stage, this.cashier,
      await this.hub.archive(this.lane.terminal));
  }
}

/** The fault stands while `during` runs; then everything is asked for. */
async function suffer(shop, t, { words, dns, during }) {
  const times = new Times();
  shop.texts.clear();
  const began = performance.now();
  const askedBefore = shop.names.asked;
  if (dns) shop.names.says = dns;
  try {
    await shop.line.say(words);
    await during(times);
  } finally {
    await shop.recover(times);
  }
  const tries = shop.names.asked - askedBefore;
  const tookMs = performance.now() - began;
  t.diagnostic(`scan to beep ${Times.text(times.beeps)}; ` +
    `page ${Times.text(times.pages)}`);
  t.diagnostic(`${tries} tries in ${(tookMs / 1000).toFixed(1)} s, back after ` +
    `${(shop.backMs / 1000).toFixed(1)} s`);
  // Half of the longest wait is the least that jitter leaves of it.
  assert.ok(shop.backMs < mostBackMs, `back after ${shop.backMs} ms`);
  assert.ok(tries <= 6 + tookMs / (settings.backoff_max_ms / 2),
    `a storm: ${tries} tries in ${tookMs} ms`);
  for (const name of ['beeps', 'pages'])
    assert.ok(Times.worst(times[name]) <
      settings.ack_timeout_ms + 10 * Times.worst(shop.calm[name]),
      `${name} waited for the line: ${Times.text(times[name])}`);
}

/** Scans until the page has said what is wrong, by each pattern. */
const told = (shop, ...patterns) => (times) =>
  shop.scanUntil(times, `the page says ${patterns}`, () =>
    patterns.every((pattern) => shop.says(pattern)));

/** Scans on a line that is bad but stands, and drains through it. */
const through = (shop, count) => async (times) => {
  for (let n = 0; n < count; n++) await shop.scan(times);
  await shop.lane.drained();
};

test('the line at its worst', async (t) => {
  const shop = await Shop.open(t);

  await t.test('without a fault', async (at) => {
    shop.calm = new Times();
    await through(shop, 200)(shop.calm);
    at.diagnostic(`scan to beep ${Times.text(shop.calm.beeps)}; ` +
      `page ${Times.text(shop.calm.pages)}`);
  });

  for (const words of ['cut up after 1 once', 'cut up after 333 once',
    'cut up after 1999 once', 'cut down after 17 once', 'reset'])
    await t.test(`${words}: inside a record`, async (at) => {
      const { cut } = await shop.line.counts();
      await suffer(shop, at, {
        words,
        during: (times) => shop.scanUntil(times, 'the cut', async () =>
          (await shop.line.counts()).cut > cut),
      });
    });

  await t.test('cut: nobody listens', (at) => suffer(shop, at, {
    words: 'cut', during: told(shop, /nothing listens there: check that the/),
  }));

  await t.test('half-open: dead without a word', (at) => suffer(shop, at, {
    words: 'half-open',
    during: async (times) => {
      const until = performance.now() + halfOpenMs;
      await told(shop, /keepalive.*check/,
        /no answer; check the network, the firewall/)(times);
      await shop.scanUntil(times, 'the time is over', () =>
        performance.now() > until, halfOpenMs / 1000 + 60,
      // However long it is, the archive is read again after each fault.
      Math.max(5, halfOpenMs / 10_000));
    },
  }));

  await t.test('2 % of the segments are lost', (at) => suffer(shop, at, {
    words: 'loss 2',
    during: async (times) => {
      const { lost } = await shop.line.counts();
      await through(shop, 150)(times);
      await shop.scanUntil(times, 'something is lost', async () =>
        (await shop.line.counts()).lost > lost + 2);
    },
  }));

  await t.test('600 ms one way, and a new connection through it', (at) =>
    suffer(shop, at, {
      words: 'reset, delay 600',
      during: async (times) => {
        await shop.scanUntil(times, 'it is noticed', async () =>
          !(await shop.isUp()));
        await shop.scanUntil(times, 'up again', () => shop.isUp());
        await through(shop, 50)(times);
      },
    }));

  await t.test('64 kbit/s', (at) => suffer(shop, at, {
    words: 'reset, rate 8000', during: through(shop, 300),
  }));

  await t.test('a captive portal', (at) => suffer(shop, at, {
    words: 'portal', during: told(shop, /answers with HTTP.*captive portal/),
  }));

  await t.test('garbage', (at) => suffer(shop, at, {
    words: 'garbage', during: (times) => shop.scanUntil(times,
      'it is noticed', async () => !(await shop.isUp())),
  }));

  await t.test('DNS says nothing', (at) => suffer(shop, at, {
    words: 'reset', dns: 'nothing',
    during: told(shop, /no answer from DNS; check the name servers in .*resolv/),
  }));

  await t.test('DNS knows no such name', (at) => suffer(shop, at, {
    words: 'reset', dns: 'no such name',
    during: told(shop, /no address for host broker\.shop\.test/),
  }));

  await t.test('DNS names a machine where nobody listens', (at) =>
    suffer(shop, at, {
      words: 'reset', dns: '127.0.0.3',
      during: told(shop, /nothing listens there/),
    }));

  await t.test('DNS names a machine of somebody else', async (at) => {
    const { stage, line } = shop;
    const foreign = join(stage.folder, 'foreign');
    for (const call of [['init', foreign], ['broker', foreign, 'localhost']])
      stage.run(join(root, 'packaging/certs'), call);
    let heard = 0;
    const server = createServer({
      cert: readFileSync(join(foreign, 'localhost.crt')),
      key: readFileSync(join(foreign, 'localhost.key')),
    });
    server.on('secureConnection', (socket) =>
      socket.on('data', ({ length }) => (heard += length)).on('error', () => {}));
    server.on('tlsClientError', () => {});
    await new Promise((done) => server.listen(line.port, '127.0.0.2', done));
    at.after(() => server.close());
    await suffer(shop, at, {
      words: 'reset', dns: '127.0.0.2', during: told(shop, /certificate.*CA|ca_file/),
    });
    assert.equal(heard, 0, 'nothing was said to it');
  });
});

// Stripe and tag readers on the real agent: what becomes of a card, a payment
// card, half a frame, a pulled plug, a brown-out, a tag that stays, a kill.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readerSection } from './devices/device.mjs';
import { TagReader, tagFrame } from './devices/em4100.mjs';
import { StripeReader } from './devices/msr.mjs';
import { cardToken, openStage, until } from './help.mjs';

const rules = `
card "club" {
  carrier = "stripe"
  prefix = "980123"
  length = 16
}
card "partner" {
  carrier = "stripe"
  prefix = "645020"
  length = 12
}
loyalty_issuer "partner" {
  prefix = "645020"
  length = 12
}
card "keyring" {
  carrier = "uid"
  prefix = "01"
}
`;
const member = (at) => `98012345678901${String(at).padStart(2, '0')}`;
const tag = (at) => `01020304${String(at).padStart(2, '0')}`;
const bytes = (text) => Buffer.from(text, 'latin1');

async function openShop(t, { group = 0 } = {}) {
  const stage = await openStage(t);
  await stage.theHub.start();
  const device = (Kind, name, ...rest) => new Kind(stage.processes,
    stage.tool('tessera'), join(stage.folder, name), ...rest);
  const stripe = device(StripeReader, 'stripe');
  const tags = device(TagReader, 'tags');
  const lane = await stage.lane({
    terminal: 'bergamo-07-lane-1', store: 'bergamo-07',
    extra: rules + readerSection('stripe', stripe, 'msr') +
      readerSection('tags', tags, 'em4100') +
      `journal {\n  group_ms = ${group}\n}\n`,
  });
  await stripe.plug();
  await tags.plug();
  const shop = { stage, lane, stripe, tags };
  await start(shop);
  return shop;
}

async function start({ lane }) {
  await lane.start();
  for (const name of ['stripe', 'tags']) await stands(lane, name, 'attached');
}

const stands = (lane, reader, state) =>
  until(`${reader} is ${state}`, async () => (await lane.view()).readers
    .find(({ name }) => name === reader)?.state === state);

async function metric(lane, name, reader) {
  const text = await (await fetch(`${lane.url}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{reader="${reader}"\\} (\\d+)`, 'm')
    .exec(text)?.[1] ?? 0);
}

const counts = (lane, reader, what, atLeast) =>
  until(`${reader} counts ${atLeast} ${what}`, async () =>
    await metric(lane, `tessera_reader_${what}_total`, reader) >= atLeast);

/** What the hub has of a reader, in order, once nothing is on its way. */
async function said({ stage, lane }, reader) {
  await lane.drained();
  return (await stage.theHub.archive(lane.terminal))
    .map(({ type, body }) => ({ type, ...body.data }))
    .filter((event) => event.reader === reader &&
      !event.type.startsWith('reader.'));
}

const presented = (events, token) =>
  events.filter(({ card }) => card === token).length;

test('swipes: a member, a partner, a payment card, an unknown one', async (t) => {
  const shop = await openShop(t);
  const { stage, lane, stripe } = shop;
  stripe.swipe(null, `${member(21)}=4912000`, null);
  stripe.swipe('B4111111111111111^TEST/CARD^29121010000',
    '4111111111111111=29121010000', null);
  stripe.swipe('A98765432', null, null);
  stripe.swipe(null, '7777777=4912', null);
  stripe.swipe(null, '645020000001=4912', null);
  stripe.swipe(null, '645021000001=4912', null);
  await counts(lane, 'stripe', 'scans', 6);
  const events = await said(shop, 'stripe');
  assert.deepEqual(events.map(({ type }) => type), [
    'card.presented', 'payment_card.refused', 'code.unknown', 'code.unknown',
    'card.presented', 'payment_card.refused',
  ]);
  assert.equal(events[0].card, cardToken(stage, member(21), 'club'));
  assert.equal(events[4].card, cardToken(stage, '645020000001', 'partner'));
  assert.deepEqual(Object.keys(events[1]).sort(), ['reader', 'type']);
  // Nothing tells one unknown stripe from another.
  assert.deepEqual(events[2], events[3]);
});

test('half a swipe, a pulled plug, a brown-out: the next swipe is read',
  async (t) => {
    const shop = await openShop(t);
    const { stage, lane, stripe } = shop;
    stripe.halfSwipe(9, null, `${member(21)}=4912000`, null);
    await counts(lane, 'stripe', 'rejects', 1);
    stripe.swipe(null, `${member(22)}=4912000`, null);
    stripe.halfSwipe(12, null, `${member(23)}=4912000`, null);
    await counts(lane, 'stripe', 'scans', 1);
    await stripe.unplug();
    await stands(lane, 'stripe', 'detached');
    await stripe.plug();
    await stands(lane, 'stripe', 'attached');
    stripe.swipe(null, `${member(24)}=4912000`, null);
    stripe.send([0, 0xff, 0, 0xfe, 0xf8, 0, 0xff, 0x0d, 0, 0xff]);
    stripe.swipe(null, `${member(25)}=4912000`, null);
    stripe.send(bytes(';98012\x00\x00\xff\xfe\xf8\x00\xc0\x00\x00\r'));
    stripe.swipe(null, `${member(26)}=4912000`, null);
    await counts(lane, 'stripe', 'scans', 4);
    const cards = (await said(shop, 'stripe'))
      .filter(({ type }) => type !== 'scan.rejected').map(({ card }) => card);
    assert.deepEqual(cards, [22, 24, 25, 26].map((at) =>
      cardToken(stage, member(at), 'club')));
  });

/** Runs `play` and tells how long the agent was away at most. */
async function slowest(lane, play) {
  let worst = 0;
  let done = false;
  const playing = play().finally(() => { done = true; });
  while (!done) {
    const before = performance.now();
    await fetch(`${lane.url}/healthz`);
    worst = Math.max(worst, performance.now() - before);
    await new Promise((turn) => setImmediate(turn));
  }
  await playing;
  return worst;
}

test('a tag that stays is one event, frames that are cut are none',
  async (t) => {
    const shop = await openShop(t);
    const { stage, lane, tags } = shop;
    const held = [];
    let calm;
    tags.send(bytes('\x020102\x00\xff\x02z'));
    // A machine that stands still for long takes the tag away.
    for (let at = 1; at <= 8 && !calm; at++) {
      const before = tags.frames;
      tags.longestGap = 0;
      const away = await slowest(lane, async () => {
        tags.hold(tag(at));
        await until('it lies there for a while', () =>
          tags.frames >= before + 20);
      });
      calm = away < 200 && tags.longestGap < 200;
      if (calm) held.push(tag(at));
    }
    tags.take();
    assert.ok(calm, 'this machine never kept still');
    // Another tag behind it, a broken frame, and the first one again.
    tags.send(tagFrame(tag(90)));
    tags.send(bytes('\x02010203045002\x03'));
    tags.send(tagFrame(held[0]));
    tags.send(tagFrame(tag(91), { id12: true }));
    const token = (uid) => cardToken(stage, uid, 'keyring');
    await until('all is in the archive', async () =>
      presented(await said(shop, 'tags'), token(tag(91))) === 1);
    const cards = (await said(shop, 'tags'))
      .filter(({ type }) => type === 'card.presented').map(({ card }) => card);
    assert.deepEqual(cards.slice(-4),
      [held[0], tag(90), held[0], tag(91)].map(token));
    assert.equal(await metric(lane, 'tessera_reader_rejects_total', 'tags'), 3);
  });

const journalHolds = (lane, text) => readdirSync(lane.state)
  .some((name) => readFileSync(join(lane.state, name), 'latin1').includes(text));

/** Kills the agent when it has read a card and not written it; false: it was
 * faster. */
async function killBeforeCommit({ lane }, reader, token, play) {
  const before = await metric(lane, 'tessera_reader_scans_total', reader);
  play();
  await counts(lane, reader, 'scans', before + 1);
  await lane.stop('SIGKILL');
  return !journalHolds(lane, token);
}

async function untilHit(what, attempt) {
  for (let at = 1; at <= 10; at++)
    if (await attempt(at)) return;
  assert.fail(`never killed before the commit: ${what}`);
}

test('killed between frame and commit: the card counts once', async (t) => {
  const shop = await openShop(t, { group: 1000 });
  const { stage, lane, stripe, tags } = shop;
  await untilHit('a swipe', async (at) => {
    const token = cardToken(stage, member(at), 'club');
    const swipe = () => stripe.swipe(null, `${member(at)}=4912000`, null);
    const lost = await killBeforeCommit(shop, 'stripe', token, swipe);
    await start(shop);
    if (!lost) {
      // Written all the same: the start does not write it again.
      assert.equal(presented(await said(shop, 'stripe'), token), 1);
      return false;
    }
    assert.equal(presented(await said(shop, 'stripe'), token), 0);
    swipe(); // nothing was shown: the person swipes again
    await until('the second swipe counts', async () =>
      presented(await said(shop, 'stripe'), token) === 1);
    return true;
  });
  await untilHit('a tag that stays', async (at) => {
    const token = cardToken(stage, tag(at), 'keyring');
    const lost = await killBeforeCommit(shop, 'tags', token, () =>
      tags.send(tagFrame(tag(at))));
    if (lost) tags.send(tagFrame(tag(at))); // it still lies there
    await start(shop);
    await until('the tag counts', async () =>
      presented(await said(shop, 'tags'), token) === 1);
    return lost;
  });
});

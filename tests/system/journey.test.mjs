// One person, one list over all channels, in the order of what happened.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cardToken, goods, loyaltyCards, openLane, openStage, until,
} from './help.mjs';

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString();

async function post(hub, type, minutes, body) {
  const answer = await hub.post(`/v1/${type}`, {
    messageId: `${type}-${minutes}`, timestamp: ago(minutes),
    sentAt: new Date().toISOString(), ...body,
  });
  assert.equal(answer.status, 200);
}

async function scanAll(lane, ...texts) {
  for (const text of texts) {
    const { beeps } = lane.reader;
    lane.reader.scan(text);
    await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
  }
}

test('web, card and store meet in one person, also when the store comes last',
  async (t) => {
    const stage = await openStage(t);
    const hub = stage.theHub;
    await hub.start();
    const lane = await openLane(stage, {
      terminal: 'milano-01-lane-3', store: 'milano-01',
    });
    const [card] = loyaltyCards;
    const anonymousId = 'visitor-1';
    const userId = 'c-1';
    await post(hub, 'page', 600, { anonymousId, name: 'Home' });
    lane.line.cut();
    await until('the lane notices', async () => !(await lane.view()).line.up);
    await scanAll(lane, card, goods[0], goods[1]);
    await post(hub, 'identify', 500, {
      anonymousId, userId, traits: { email: 'giulia@example.com' },
    });
    await post(hub, 'identify', 400, {
      userId, traits: { loyalty_card: card },
    });
    await until('web side is known', async () =>
      (await hub.lookup('email', 'giulia@example.com')).journey.length === 3);
    // The order happens after the visit and is archived before it.
    await post(hub, 'track', 0, {
      userId, event: 'Order Completed',
      properties: { order_id: 'W-9', total: 12.5, currency: 'EUR' },
    });
    lane.line.restore();
    await lane.drained();
    // A lane that was cut off before it heard the hub's time learns it from the
    // ack of what it sends next: then the visit moves to its place.
    await lane.command('/api/visit/close', {
      receipt: 'R-1', total_minor: 498, currency: 'EUR',
    });
    const person = await until('the store side is in its place', async () => {
      const found = await hub.lookup('card', card);
      const types = found.journey.map(({ type }) => type);
      return types.includes('visit.closed') && types.includes('item.scanned') &&
        types.lastIndexOf('track') > types.lastIndexOf('item.scanned') && found;
    });
    for (const [type, value] of [['email', 'giulia@example.com'],
      ['user_id', userId], ['anonymous_id', anonymousId],
      ['card', cardToken(stage, card)]])
      assert.equal((await hub.lookup(type, value)).person, person.person, type);
    const times = person.journey.map(({ time }) => Date.parse(time));
    assert.deepEqual(times, [...times].sort((a, b) => a - b));
    const kinds = person.journey.map(({ type }) => type);
    const store = kinds.indexOf('card.presented');
    assert.ok(kinds.indexOf('page') < store);
    assert.ok(kinds.lastIndexOf('identify') < store);
    assert.ok(kinds.indexOf('item.scanned') > store);
    assert.ok(kinds.lastIndexOf('track') > kinds.lastIndexOf('item.scanned'));
    assert.deepEqual(new Set(person.journey.map(({ channel }) => channel)),
      new Set(['web', 'store', 'shop']));
    assert.equal(person.journey.filter(({ type }) => type === 'item.scanned')
      .length, 2);
    for (const { type, evidence } of person.identifiers)
      assert.ok(evidence.length > 0, `${type} says what joined it`);
  });

test('two people at one kiosk stay two', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const kiosk = await openLane(stage, {
    terminal: 'milano-01-kiosk-1', store: 'milano-01', kind: 'kiosk',
  });
  await scanAll(kiosk, loyaltyCards[0], loyaltyCards[1]);
  await kiosk.drained();
  for (const [at, email] of ['anna@example.com', 'bruno@example.com'].entries())
    await post(hub, 'identify', 10 + at, {
      userId: `k-${at}`, traits: { email, loyalty_card: loyaltyCards[at] },
    });
  const people = await until('both are known', async () => {
    const found = await Promise.all(loyaltyCards.slice(0, 2).map((card) =>
      hub.lookup('card', card)));
    return found.every(({ identifiers, journey }) =>
      identifiers.some(({ type }) => type === 'email') &&
      journey.some(({ type }) => type === 'checkin.made')) && found;
  });
  assert.notEqual(people[0].person, people[1].person);
  assert.equal(people[0].journey.filter(({ type }) =>
    type === 'checkin.made').length, 1);
});

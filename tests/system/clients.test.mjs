// Clients that nobody here wrote work unmodified against a running hub.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { Analytics } from '@segment/analytics-node';
import { cardToken, ean13, openStage, until } from './help.mjs';
import { FakeTerminal } from './terminal.mjs';

test('a stock Segment client delivers a journey', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const failures = [];
  const analytics = new Analytics({
    writeKey: hub.sources[0].key, host: hub.url, flushAt: 3, flushInterval: 200,
  });
  analytics.on('error', (error) => failures.push(error));
  const anonymousId = randomUUID();
  analytics.page({ anonymousId, name: 'Home' });
  analytics.track({ anonymousId, event: 'Product Viewed', properties: { price: 9.5 } });
  analytics.identify({
    anonymousId, userId: 'u-42', traits: { email: 'Anna@Example.com ' },
  });
  analytics.group({ userId: 'u-42', groupId: 'club' });
  analytics.alias({ userId: 'u-42', previousId: anonymousId });
  analytics.screen({ userId: 'u-42', name: 'App home' });
  analytics.track({
    userId: 'u-42', event: 'Order Completed',
    properties: { order_id: 'W-1', total: 19, currency: 'EUR' },
  });
  await analytics.closeAndFlush({ timeout: 20_000 });
  assert.deepEqual(failures, []);
  const person = await until('the person is known', async () => {
    const found = await hub.lookup('email', 'anna@example.com');
    return found.journey.length === 7 && found;
  });
  assert.deepEqual(
    person.identifiers.map(({ type, value }) => `${type}:${value}`).sort(),
    [`anonymous_id:${anonymousId}`, 'email:anna@example.com', 'user_id:u-42']);
  assert.equal((await hub.lookup('user_id', 'u-42')).person, person.person);
});

test('a terminal of npm packages is acknowledged like a real one',
  async (t) => {
    const stage = await openStage(t);
    const hub = stage.theHub;
    stage.certificates('terminal', 'npm-lane');
    hub.command('terminal', 'add', 'npm-lane', 'milano-01');
    await hub.start();
    const fake = new FakeTerminal(stage, 'npm-lane', 'milano-01', '20');
    await fake.connect();
    t.after(() => fake.client.endAsync());
    const card = cardToken(stage, ean13('250100833653'));
    await fake.send([
      fake.event('terminal.started', {
        version: 'npm', previous: null, previous_last: 0,
      }),
      fake.event('card.presented', {
        reader: 'r', card, masked: '···· 6538', symbology: 'EAN-13',
      }),
    ]);
    const ack = await until('the ack', () => fake.acks.at(-1));
    assert.equal(ack.journal, fake.journal);
    assert.equal(Number(ack.through), 2);
    assert.ok(ack.window >= 1 && Date.parse(ack.hubtime));
    assert.equal(ack.refused, undefined);
    // A gap is answered with what is there, and left.
    fake.sequence = 10;
    await fake.send([fake.event('item.scanned', { reader: 'r', gtin: '09521234500007' })]);
    await until('the answer to the gap', () => fake.acks.length === 2);
    assert.equal(Number(fake.acks[1].through), 2);
    const events = await hub.archive('npm-lane');
    assert.deepEqual(events.map(({ type }) => type),
      ['terminal.started', 'card.presented']);
    assert.ok((await hub.lookup('card', card)).person);
  });

// The open visit survives: after kill -9 in mid-basket the page shows the same
// basket and the archive one visit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attached, goods, loyaltyCards, openLane, openStage, until,
} from './help.mjs';

test('a basket outlives kill -9', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  const scan = async (text) => {
    const { beeps } = lane.reader;
    lane.reader.scan(text);
    await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
  };
  for (const text of [goods[0], loyaltyCards[0], goods[1], goods[2]])
    await scan(text);
  const [{ journal, sequence }] = (await lane.view()).visit.items;
  await lane.command('/api/item/void', { journal, sequence });
  // What the hub tells of the card comes and goes with the line.
  const basket = async () => {
    const { visit } = await lane.view();
    return { ...visit, card: visit.card.masked };
  };
  const before = await basket();
  assert.equal(before.count, 2);
  await lane.stop('SIGKILL');
  await lane.start();
  await attached(lane);
  assert.deepEqual(await basket(), before);
  await scan(goods[3]);
  await lane.command('/api/visit/close', {
    receipt: 'R-7', total_minor: 747, currency: 'EUR',
  });
  assert.equal((await lane.view()).visit, null);
  await lane.drained();
  const events = await stage.theHub.archive(lane.terminal);
  const of = (type) => events.filter((event) => event.type === type);
  assert.equal(of('visit.opened').length, 1);
  assert.equal(of('visit.closed').length, 1);
  assert.equal(of('item.scanned').length, 4);
  assert.equal(of('item.voided').length, 1);
  assert.equal(of('terminal.started').length, 2);
  const visits = new Set(events.map(({ body }) =>
    (typeof body === 'string' ? JSON.parse(body) : body).visit)
    .filter(Boolean));
  assert.equal(visits.size, 1);
});

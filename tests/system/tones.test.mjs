// What the person at a reader hears: after the commit, one signal for each
// outcome; and what codes and the hub's offers bring to page, journal and
// journey.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { cardToken, goods, loyaltyCards, openLane, openStage,
  until } from './help.mjs';

const store = 'milano-01';
const [card] = loyaltyCards;
const weighed = ']e00198001234500019310300051217991231' +
  '10L-7\\x1d39221290';
const coupon = '9912345678909';

// Profile "bel": one BEL for what is recorded, and a control behind it.
const tones = { one: '07', two: '0712', three: '0714', low: '0705',
  alarm: '15' };

/** The types in the journal's file, read beside the agent. */
function journalled(stage, lane, type) {
  return execFileSync(stage.tool('tessera'), ['journal', '--type', type,
    join(lane.state, 'journal.db')], { encoding: 'utf8' })
    .split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

/** Scans; at the first byte that the reader hears the event is in the file. */
async function scan(stage, lane, code, type, tone) {
  const before = journalled(stage, lane, type).length;
  lane.reader.heard = '';
  lane.reader.scan(code);
  await lane.reader.hears(`something for ${code}`, () => lane.reader.heard);
  const rows = journalled(stage, lane, type);
  assert.equal(rows.length, before + 1, `${type} is in the journal`);
  await lane.reader.hears(`all of ${tone}`,
    () => lane.reader.heard.length >= tones[tone].length);
  assert.equal(lane.reader.heard, tones[tone], `${type}: ${tone}`);
  return rows.at(-1).data;
}

const offers = async (lane) => (await lane.view()).visit?.card?.offers ?? [];

test('each outcome is heard, once it is on disk', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await openLane(stage, { store, terminal: 'milano-01-lane-3' });
  const hear = (...rest) => scan(stage, lane, ...rest);
  await hear(goods[0], 'item.scanned', 'one');
  await hear('WHATEVER', 'code.unknown', 'low');
  await hear('4111111111111111', 'payment_card.refused', 'alarm');
  await hear(card, 'card.presented', 'one');

  // A member is whom the hub has told the desk of.
  await until('the desk knows the card', async () =>
    (await lane.view()).visit.card.member !== null);
  await hear(goods[1], 'item.scanned', 'one');
  await hear(card, 'card.presented', 'two');

  const token = cardToken(stage, card);
  const hub = stage.theHub;
  hub.command('offer', 'put', store, token, 'coffee',
    'Caffè in grani, il secondo a metà prezzo', '30');
  await until('the offer is here', async () =>
    (await offers(lane)).length === 1);
  assert.deepEqual(await offers(lane), [{ offer: 'coffee',
    title: 'Caffè in grani, il secondo a metà prezzo' }]);
  await hear(goods[2], 'item.scanned', 'one');
  await hear(card, 'card.presented', 'three');
  assert.equal((await lane.view()).notice.kind, 'offer');
  await hear(loyaltyCards[1], 'card.presented', 'one');

  // With the line cut the desk still knows; a removed offer is gone.
  lane.line.cut();
  await until('the line is down', async () => !(await lane.view()).line.up);
  await hear(card, 'card.presented', 'three');
  hub.command('offer', 'remove', store, token, 'coffee');
  lane.line.restore();
  await until('the offer is gone', async () =>
    (await offers(lane)).length === 0);
  await hear(goods[3], 'item.scanned', 'one');
  await hear(card, 'card.presented', 'two');
});

test('a wrong offer is refused with words', async (t) => {
  const stage = await openStage(t);
  const token = cardToken(stage, card);
  const cases = [
    [[store, card, 'coffee', 'Coffee'], /token of a card/],
    [[store, token, 'two words', 'Coffee'], /OFFER is 1 to 64/],
    [[store, token, 'coffee', 'Coffee', 'soon'], /DAYS is a number/],
    [[store, token, 'coffee', 'Coffee', '0'], /DAYS is a number/],
    [['hub-1', token, 'coffee', 'Coffee'], /store/],
    [[store, token, 'coffee', 'Card 4111 1111 1111 1111'], /payment card/],
    [[store, token, 'coffee'], /usage/],
  ];
  for (const [words, says] of cases) {
    assert.throws(() => stage.theHub.command('offer', 'put', ...words),
      (error) => says.test(`${error.stderr}`), words.join(' '));
  }
});

test('weight, price, lot, expiry and coupons go the whole way', async (t) => {
  const stage = await openStage(t);
  const hub = stage.theHub;
  await hub.start();
  const lane = await openLane(stage, { store, terminal: 'milano-01-lane-3' });
  await scan(stage, lane, card, 'card.presented', 'one');
  const item = await scan(stage, lane, weighed, 'item.scanned', 'one');
  assert.deepEqual(item, { reader: 'scanner', symbology: 'GS1 DataBar',
    quantity: 1, gtin: '98001234500019', weight_g: 512, price_minor: 1290,
    currency: 'EUR', lot: 'L-7', expiry: '2099-12-31' });
  const shown = await scan(stage, lane, `]E0${coupon}`, 'coupon.presented', 'one');
  assert.equal(shown.coupon, coupon);
  const { visit } = await lane.view();
  assert.equal(visit.items[0].weight_g, 512);
  assert.deepEqual(visit.coupons, [coupon]);
  await lane.drained();
  const titles = async () => (await hub.lookup('card', card)).journey
    .map(({ title }) => title);
  await until('the journey holds both', async () =>
    (await titles()).includes(`Coupon presented: ${coupon}`));
  assert.ok((await titles()).includes('Item scanned: 98001234500019, ' +
    '0.512 kg, 12.90 EUR, expires 2099-12-31, lot L-7'));
});

test('what readers count is in status and metrics', async (t) => {
  const stage = await openStage(t);
  const lane = await openLane(stage, { store, terminal: 'milano-01-lane-3' });
  await scan(stage, lane, goods[0], 'item.scanned', 'one');
  lane.reader.heard = '';
  lane.reader.scan(goods[0]); // at once: the same reading
  lane.reader.scan(`${goods[1].slice(0, 12)}${(Number(goods[1][12]) + 1) % 10}`);
  await lane.reader.hears('both', () => lane.reader.heard.includes('15'));
  const metrics = await (await fetch(`${lane.url}/metrics`)).text();
  for (const line of [
    'tessera_reader_scans_total{reader="scanner"} 3',
    'tessera_reader_rejects_total{reader="scanner"} 1',
    'tessera_reader_errors_total{reader="scanner",error="bad_check_digit"} 1',
    'tessera_reader_retransmissions_total{reader="scanner"} 0',
    'tessera_reader_openings_total{reader="scanner"} 1',
    'tessera_reader_attached{reader="scanner"} 1',
  ]) assert.ok(metrics.includes(`${line}\n`), `${line} in ${metrics}`);
  const [{ counts }] = (await (await fetch(`${lane.url}/api/status`)).json())
    .readers;
  assert.equal(counts.scans, 3);
  assert.deepEqual(counts.errors, { bad_check_digit: 1 });
  assert.match(execFileSync(stage.tool('tessera'), ['status', '--port',
    String(lane.port), '--json'], { encoding: 'utf8' }), /"unsent_bytes"/);
});

test('a log of a day without the device has few lines', async (t) => {
  const stage = await openStage(t);
  const lane = await stage.lane({ store, terminal: 'milano-01-lane-3' });
  await lane.start();
  const tries = async () => (await lane.view()).readers[0];
  await until('it is told as unplugged', async () =>
    (await tries())?.state === 'detached');
  await lane.reader.plug();
  await until('it is read as soon as it is there', async () =>
    (await tries()).state === 'attached');
  const said = lane.log().split('\n')
    .filter((line) => / reader: scanner: /.test(line));
  assert.equal(said.length, 2, said.join('\n'));
});

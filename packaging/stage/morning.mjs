// The story that the demo and the pictures play: one customer's days on every
// channel, and a morning of her store with the line cut in its middle.
import { randomUUID } from 'node:crypto';
import { until } from './processes.mjs';
import { goods, loyaltyCards } from './goods.mjs';

export const giulia = {
  card: loyaltyCards[0],
  email: 'giulia.rossi@example.com',
  anonymousId: randomUUID(),
  userId: 'customer-1001',
};

export const sources = [
  { name: 'web', key: 'demo-web-key', kind: 'server', channel: 'web' },
  { name: 'mail', key: 'demo-mail-key', kind: 'server', channel: 'email' },
];

/** A hub, a checkout lane and a kiosk, all of them up. */
export async function openShop(stage, { language = 'it' } = {}) {
  await stage.open();
  const hub = await stage.hub({ sources });
  const lane = await stage.lane({
    terminal: 'milano-01-lane-3', store: 'milano-01', language,
  });
  const kiosk = await stage.lane({
    terminal: 'milano-01-kiosk-1', store: 'milano-01', kind: 'kiosk', language,
  });
  await hub.start();
  for (const one of [lane, kiosk]) {
    await one.reader.plug();
    await one.start();
    await until(`${one.terminal} hears its reader`, async () =>
      (await one.view()).readers[0]?.state === 'attached');
  }
  return { hub, lane, kiosk };
}

const minutesAgo = (minutes) =>
  new Date(Date.now() - minutes * 60_000).toISOString();

async function online(hub, source, type, minutes, body) {
  const answer = await hub.post(`/v1/${type}`, {
    messageId: randomUUID(), timestamp: minutesAgo(minutes),
    sentAt: new Date().toISOString(), ...body,
  }, source.key);
  if (answer.status !== 200)
    throw new Error(`the hub answered ${answer.status} to /v1/${type}`);
}

export async function visitWebShop(hub) {
  const { anonymousId, email, userId, card } = giulia;
  const [web, mail] = sources;
  await online(hub, web, 'page', 2880, {
    anonymousId, name: 'Spring collection',
    context: {
      page: { path: '/spring', title: 'Spring collection' },
      campaign: { name: 'spring', source: 'instagram', medium: 'social' },
    },
  });
  await online(hub, web, 'track', 2878, {
    anonymousId, event: 'Product Viewed',
    properties: { name: 'Moka pot, 3 cups', price: 24.9, currency: 'EUR' },
  });
  await online(hub, web, 'identify', 2870, {
    anonymousId, userId,
    traits: { email, firstName: 'Giulia', loyalty_card: card },
  });
  await online(hub, mail, 'track', 90, {
    userId, event: 'Email Link Clicked',
    properties: { email_id: 'm-77', campaign_name: 'Saturday in store' },
    context: { traits: { email } },
  });
}

export async function orderOnline(hub) {
  await online(hub, sources[0], 'track', 0, {
    userId: giulia.userId, event: 'Order Completed',
    properties: {
      order_id: 'W-2044', total: 24.9, currency: 'EUR',
      products: [{ sku: goods[3], name: 'Moka pot, 3 cups', quantity: 1 }],
    },
  });
}

/** Plays scans one after the other, each after the beep of the one before. */
export async function scan(lane, ...texts) {
  for (const text of texts) {
    const before = lane.reader.beeps;
    lane.reader.scan(text);
    await lane.reader.hears('a beep', () => lane.reader.beeps > before);
  }
}

let receipt = 1000;

export async function checkout(lane, card, items) {
  await scan(lane, ...(card ? [card] : []), ...items);
  await until('the basket is on the page', async () =>
    (await lane.view()).visit?.count === items.length);
  await lane.command('/api/visit/close', {
    receipt: `R-${++receipt}`, total_minor: items.length * 249,
    currency: 'EUR',
  });
}

export async function storeMorning(lane, kiosk, say) {
  say('The store opens: a check-in at the kiosk, two baskets at lane 3');
  await scan(kiosk, giulia.card);
  await checkout(lane, giulia.card, goods.slice(0, 3));
  await checkout(lane, null, goods.slice(3, 5));

  say('The line is cut; the lane goes on');
  lane.line.cut();
  await until('the lane notices', async () => !(await lane.view()).line.up);
  await checkout(lane, loyaltyCards[1], goods.slice(1, 6));
  await checkout(lane, loyaltyCards[2], goods.slice(0, 4));
  const { unsent } = (await lane.view()).line;
  say(`${unsent} events wait, safe in the journal`);
  if (!(unsent > 0)) throw new Error('the cut line kept nothing back');

  say('The line is back');
  lane.line.restore();
  await lane.drained();
  await kiosk.drained();
}

/** Giulia as the hub knows her, once every channel has arrived. */
export function wholeJourney(hub) {
  return until('the journey is whole', async () => {
    const found = await hub.lookup('card', giulia.card);
    const channels = new Set(found.journey.map(({ channel }) => channel));
    return ['web', 'email', 'store', 'shop'].every((channel) =>
      channels.has(channel)) && found;
  });
}

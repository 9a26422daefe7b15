// The pages of the real programs in a real browser: what a scan at a reader,
// a cut line, a click and a customer's other channels look like to people.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { Stage } from '../../packaging/stage/stage.mjs';
import { text } from '../../agent/web/text.js';
import { cardToken, ean13, goods, loyaltyCards, openLane,
  until } from './help.mjs';

const shots = process.env.TESSERA_SHOTS;
const till = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const portrait = { width: 1080, height: 1920 };
const sizes = { till, phone, portrait };
const locales = { it: 'it-IT', en: 'en-GB' };
const patience = 20_000;
const sources = [
  { name: 'web', key: 'web-key', kind: 'server', channel: 'web' },
  { name: 'mail', key: 'mail-key', kind: 'server', channel: 'email' },
];

let browser;
let stage;
const lanes = {}; // by language, then kind
let receipt = 0;

before(async () => {
  stage = new Stage();
  await stage.open();
  await stage.hub({ sources });
  await stage.theHub.start();
  for (const language of ['it', 'en']) {
    lanes[language] = {
      checkout: await openLane(stage, { language, store: 'milano-01',
        terminal: `milano-01-lane-${language}` }),
      kiosk: await openLane(stage, { language, kind: 'kiosk',
        store: 'milano-01', terminal: `milano-01-kiosk-${language}`,
        extra: 'visit {\n  kiosk_s = 3600\n}' }),
    };
  }
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update',
      '--disable-sync'],
  });
  if (shots) mkdirSync(shots, { recursive: true });
});

after(async () => {
  await browser?.close();
  await stage?.close();
});

/** A page whose complaints fail its test, those of `excused` excepted. */
async function open(t, url, viewport, language) {
  const context = await browser.newContext({ viewport,
    locale: locales[language] });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.complaints = [];
  page.excused = null;
  const complain = (words) => {
    if (!page.excused?.test(words)) page.complaints.push(words);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') complain(message.text());
  });
  page.on('pageerror', (error) => complain(String(error)));
  t.after(async () => {
    await context.close();
    assert.deepEqual(page.complaints, [], `${url} complained`);
  });
  await page.goto(url);
  return page;
}

/** Waits until the page shows it; `selector` narrows where. */
function says(page, words, selector = '*') {
  return page.locator(selector).filter({ hasText: words, visible: true })
    .last().waitFor();
}

async function shoot(page, name) {
  const wide = await page.evaluate(() =>
    document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name}: ${wide} px wider than the screen`);
  if (shots)
    await page.screenshot({ path: join(shots, `${name}.png`),
      animations: 'disabled' });
}

async function scan(lane, ...codes) {
  for (const code of codes) {
    const { beeps } = lane.reader;
    lane.reader.scan(code);
    await until('the beep', () => lane.reader.beeps > beeps);
  }
}

// GTIN, 0.512 kg, best before the end of 2099, lot L-7, 12.90 EUR; and a
// coupon of the range 99.
const weighed = ']e00198001234500019310300051217991231' +
  '10L-7\\x1d39221290';
const coupon = '9912345678909';

const masked = (card) => card.slice(-4);
const counted = (page, n) => says(page, String(n), '.count strong');

/** One whole visit at a till, with the line cut in its middle. */
async function visitAtTill(page, lane, { language, size, card }) {
  const say = (key, values) => text(language, key, values);
  const shot = (name) => shoot(page, `checkout-${size}-${language}-${name}`);
  await says(page, say('basket.empty'));
  await says(page, say('line.up'), '.line');
  await says(page, say('reader.attached'), '.chip');
  await shot('empty');
  await scan(lane, goods[0]);
  await says(page, say('notice.recorded'), '.notice-title');
  await says(page, goods[0], '.item-code');
  await scan(lane, card, goods[1], goods[2]);
  await says(page, masked(card), '.card-number');
  await counted(page, 3);
  await shot('basket');
  await page.getByRole('button',
    { name: say('item.void.label', { code: goods[1] }) }).click();
  await says(page, say('item.voided'), '.item.is-voided');
  await counted(page, 2);

  lane.line.cut();
  await says(page, /Linea assente|Line down/, '.line');
  await scan(lane, goods[3]);
  await says(page, language === 'it' ? /Linea assente: .* al sicuro/
    : /Line down: .* safe in the journal/, '.line');
  await counted(page, 3);
  await shot('offline');
  lane.line.restore();
  await says(page, say('line.up'), '.line');

  const number = `P-${++receipt}`;
  await page.getByRole('button', { name: say('close.send') }).click();
  await says(page, say('close.receipt.bad'), '.field-fault');
  await page.getByLabel(say('close.receipt')).fill(number);
  await page.getByLabel(say('close.total', { currency: 'euro' })).fill(
    language === 'it' ? '7,47' : '7.47');
  await page.getByRole('button', { name: say('close.send') }).click();
  await says(page, say('notice.closed'), '.notice-title');
  await says(page, say('basket.empty'));
  await shot('closed');
  return number;
}

for (const language of ['it', 'en']) {
  for (const size of ['till', 'phone']) {
    test(`a visit at the till, ${language}, ${size}`, async (t) => {
      const lane = lanes[language].checkout;
      const page = await open(t, `${lane.url}/`, sizes[size], language);
      const number = await visitAtTill(page, lane,
        { language, size, card: loyaltyCards[size === 'till' ? 0 : 1] });
      await lane.drained();
      const closed = (await stage.theHub.archive(lane.terminal)).find(
        ({ type, body }) => type === 'visit.closed' &&
          body.data.receipt === number);
      assert.equal(closed?.body.data.total_minor, 747);
    });
  }

  test(`weights, a coupon and an offer, ${language}`, async (t) => {
    const { checkout, kiosk } = lanes[language];
    const say = (key, values) => text(language, key, values);
    const card = ean13(`25010090000${language === 'it' ? 1 : 2}`);
    const title = 'Caffè in grani, il secondo a metà prezzo';
    stage.theHub.command('offer', 'put', 'milano-01', cardToken(stage, card),
      'coffee', title, '30');
    // The offer comes with the next bell: a card at rest shows it then.
    const screen = await open(t, `${kiosk.url}/`, portrait, language);
    await scan(kiosk, card);
    await says(screen, title, '.gift li');
    await says(screen, say('kiosk.offer'), '.gift h2');
    await shoot(screen, `kiosk-${language}-offer`);
    await kiosk.command('/api/visit/cancel');
    const page = await open(t, `${checkout.url}/`, till, language);
    await says(page, say('basket.empty'), '.empty-title');
    await scan(checkout, weighed, `]E0${coupon}`);
    await says(page, say('notice.coupon'), '.notice-title');
    await says(page, coupon, '.coupon');
    const kilos = language === 'it' ? '0,512' : '0.512';
    await says(page, `${kilos}\u00a0kg`, '.item-details');
    await says(page, say('item.lot', { lot: 'L-7' }), '.item-details');
    await scan(checkout, `]E0${card}`);
    await says(page, title, '.offers-titles');
    await shoot(page, `checkout-till-${language}-offer`);
    await scan(checkout, `]E0${card}`);
    await says(page, say('notice.offer'), '.notice-title');
    await page.getByRole('button', { name: say('item.void') }).click();
    await says(page, say('item.voided'), '.item.is-voided');
    await page.getByRole('button', { name: say('cancel') }).click();
    await page.getByRole('button', { name: say('cancel.yes') }).click();
    await says(page, say('basket.empty'), '.empty-title');
    assert.equal(await page.locator('.coupon').count(), 0);
    await checkout.drained();

    const shown = await open(t, `${stage.theHub.url}/console`, till, language);
    await signIn(shown, words[language]);
    await shown.getByRole('button', { name: words[language].people,
      exact: true }).click();
    await lookUp(shown, words[language], 'card', card);
    await says(shown, language === 'it'
      ? '0,512 kg, 12,90 EUR, scade il 31 dic 2099, lotto L-7'
      : '0.512 kg, 12.90 EUR, expires 31 Dec 2099, lot L-7', '.moment-title');
    await says(shown, language === 'it' ? `Buono presentato: ${coupon}`
      : `Coupon presented: ${coupon}`, '.moment-title');
    await shoot(shown, `console-till-${language}-measured`);
  });

  test(`a payment card at the till, ${language}`, async (t) => {
    const lane = lanes[language].checkout;
    const page = await open(t, `${lane.url}/`, till, language);
    await says(page, text(language, 'basket.empty'));
    lane.reader.scan('4111111111111111');
    await says(page, text(language, 'notice.payment_card'), '.notice-title');
    assert.ok(!(await page.content()).includes('1111111'));
    await shoot(page, `checkout-till-${language}-payment-card`);
  });

  test(`a check-in at the kiosk, ${language}`, async (t) => {
    const lane = lanes[language].kiosk;
    const say = (key, values) => text(language, key, values);
    const shot = (name) => shoot(page, `kiosk-${language}-${name}`);
    const page = await open(t, `${lane.url}/`, portrait, language);
    await says(page, say('kiosk.invite'), 'h1');
    await shot('idle');
    lane.line.cut();
    await says(page, say('kiosk.offline'));
    await shot('offline');
    await scan(lane, loyaltyCards[2]);
    await says(page, masked(loyaltyCards[2]), '.pass-number');
    await says(page, say('kiosk.later'));
    await shot('welcome-offline');
    lane.line.restore();
    await says(page, say('kiosk.new'));
    await page.getByRole('button', { name: say('feedback.5'), exact: true })
      .click();
    await says(page, say('consent.ask'), 'h2');
    await shot('consent');
    await page.getByRole('button', { name: say('consent.yes') }).click();
    await says(page, say('consent.granted'), 'h2');
    await page.getByRole('button', { name: say('language.other') }).click();
    await says(page, text(language === 'it' ? 'en' : 'it', 'consent.granted'),
      'h2');
    await lane.drained();
    const types = (await stage.theHub.archive(lane.terminal)).map(
      ({ type }) => type);
    for (const type of ['checkin.made', 'feedback.given', 'consent.changed'])
      assert.ok(types.includes(type), type);
  });
}

test('the power goes at the till, the page and the basket come back',
  async (t) => {
    const lane = lanes.it.checkout;
    const page = await open(t, `${lane.url}/`, till, 'it');
    await scan(lane, loyaltyCards[3], goods[4], goods[5]);
    await counted(page, 2);
    // The browser notes each connection that the dead terminal refuses.
    page.excused = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|INCOMPLETE_CHUNKED_ENCODING)/;
    await lane.stop('SIGKILL');
    await says(page, text('it', 'stale'), '.alarm');
    await shoot(page, 'checkout-till-it-stale');
    await lane.start();
    await page.locator('.alarm-stale').waitFor({ state: 'hidden' });
    page.excused = null;
    await counted(page, 2);
    await says(page, masked(loyaltyCards[3]), '.card-number');
    await scan(lane, goods[6]);
    await counted(page, 3);
  });

const giulia = {
  card: loyaltyCards[4], email: 'giulia.rossi@example.com',
  userId: 'customer-1001', anonymousId: 'visitor-1',
};

async function post(source, type, minutes, body) {
  const answer = await stage.theHub.post(`/v1/${type}`, {
    messageId: `${type}-${minutes}`, sentAt: new Date().toISOString(),
    timestamp: new Date(Date.now() - minutes * 60_000).toISOString(), ...body,
  }, source.key);
  assert.equal(answer.status, 200);
}

/** One customer on four channels. */
async function live() {
  const { card, email, userId, anonymousId } = giulia;
  const [web, mail] = sources;
  await post(web, 'page', 2880, { anonymousId, name: 'Spring collection' });
  await post(web, 'identify', 2870, { anonymousId, userId,
    traits: { email, firstName: 'Giulia', loyalty_card: card } });
  await post(mail, 'track', 90, { userId, event: 'Email Link Clicked' });
  await scan(lanes.it.kiosk, card);
  await lanes.it.kiosk.drained();
  await post(web, 'track', 0, { userId, event: 'Order Completed',
    properties: { order_id: 'W-2044', total: 24.9, currency: 'EUR' } });
  await until('every channel is in the journey', async () =>
    new Set((await stage.theHub.lookup('email', email)).journey
      .map(({ channel }) => channel)).size === 4);
}

const words = {
  it: {
    signIn: 'Entra', token: 'Token di accesso', wrong: /Questo token non è noto/,
    stores: 'Negozi', people: 'Persone', unsent: 'Da inviare',
    offline: 'Fuori linea', online: 'In linea', waiting: 'In attesa nelle casse',
    search: 'Cerca', value: 'Valore', kind: 'Che cosa cercare',
    nobody: 'Nessuno è noto con questo dato.', signOut: 'Esci',
    journey: ['Ordine concluso', 'Presenza registrata',
      'Collegamento dell’e-mail seguito', 'Si è fatta conoscere', 'Pagina vista'],
    channels: ['Negozio', 'Sito', 'Negozio online', 'E-mail'],
  },
  en: {
    signIn: 'Sign in', token: 'Access token', wrong: /This token is not known/,
    stores: 'Stores', people: 'People', unsent: 'Unsent',
    offline: 'Offline', online: 'Online', waiting: 'Waiting in lanes',
    search: 'Find', value: 'Value', kind: 'What to look for',
    nobody: 'Nobody is known by this.', signOut: 'Sign out',
    journey: ['Order completed', 'Checked in', 'Email link clicked',
      'Made known', 'Page viewed'],
    channels: ['Store', 'Website', 'Online shop', 'E-mail'],
  },
};

async function signIn(page, say) {
  await page.getByLabel(say.token).fill('wrong-token');
  // The browser notes the refusal that the form then explains.
  page.excused = /status of 401/;
  await page.getByRole('button', { name: say.signIn }).click();
  await says(page, say.wrong, '.wrong');
  page.excused = null;
  await page.getByLabel(say.token).fill(stage.theHub.token);
  await page.getByRole('button', { name: say.signIn }).click();
  await says(page, 'milano-01', '.store h3');
}

/** The page asks again every few seconds, and at once for who presses. */
function refreshed(page, say, wanted) {
  return until('the page has caught up', async () => {
    await page.getByRole('button', { name: say.stores, exact: true }).click();
    return wanted.isVisible();
  });
}

async function lookUp(page, say, type, value) {
  await page.getByLabel(say.kind).selectOption(type);
  await page.getByLabel(say.value, { exact: true }).fill(value);
  await page.getByRole('button', { name: say.search, exact: true }).click();
}

describe('the console', () => {
  before(live);

  for (const language of ['it', 'en']) {
    for (const size of ['till', 'phone']) {
      const say = words[language];
      const name = (state) => `console-${size}-${language}-${state}`;

      test(`stores and lanes, ${language}, ${size}`, async (t) => {
        const page = await open(t, `${stage.theHub.url}/console`, sizes[size],
          language);
        await shoot(page, name('sign-in'));
        await signIn(page, say);
        await says(page, say.waiting, '.figure dt');
        await says(page, say.unsent, 'th');
        const row = page.locator('tr',
          { has: page.getByText(`lane-${language}`, { exact: true }) });
        await row.getByText(say.online, { exact: true }).waitFor();
        await shoot(page, name('stores'));
        const lane = lanes[language].checkout;
        lane.line.cut();
        await refreshed(page, say, row.getByText(say.offline, { exact: true }));
        await scan(lane, goods[7]);
        await shoot(page, name('stores-offline'));
        lane.line.restore();
        await refreshed(page, say, row.getByText(say.online, { exact: true }));
        await lane.drained();
        await refreshed(page, say,
          row.locator('.number').getByText('0', { exact: true }));
      });

      test(`a person's journey, ${language}, ${size}`, async (t) => {
        const page = await open(t, `${stage.theHub.url}/console`, sizes[size],
          language);
        await signIn(page, say);
        await page.getByRole('button', { name: say.people, exact: true })
          .click();
        await says(page, giulia.email, '.person-row');
        await shoot(page, name('people'));
        // Nobody by this address: the browser notes the 404 it was asked for.
        page.excused = /status of 404/;
        await lookUp(page, say, 'email', 'nobody@example.com');
        await says(page, say.nobody);
        page.excused = null;
        await lookUp(page, say, 'card', giulia.card);
        await says(page, giulia.email, '.person-head h2');
        const titles = await page.locator('.moment-title').allTextContents();
        const places = say.journey.map((title) =>
          titles.findIndex((shown) => shown.startsWith(title)));
        assert.ok(!places.includes(-1), `${titles}`);
        assert.deepEqual(places, [...places].sort((a, b) => a - b), `${titles}`);
        for (const channel of say.channels)
          await page.locator('.filters .chip', { hasText: channel }).first()
            .waitFor();
        await shoot(page, name('journey'));
        assert.ok(!(await page.content()).includes(giulia.card));
        await page.getByRole('button', { name: say.signOut }).click();
        await page.getByLabel(say.token).waitFor();
      });
    }
  }
});

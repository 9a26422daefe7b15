// The pictures of the documents: the demo's morning on the real pages.
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { until } from './processes.mjs';
import { Stage, root } from './stage.mjs';
import { goods } from './goods.mjs';
import {
  giulia, openShop, orderOnline, scan, storeMorning, visitWebShop, wholeJourney,
} from './morning.mjs';

// The browser's driver is a package of the system tests.
const { chromium } = createRequire(join(root, 'tests/system/package.json'))(
  'playwright-core');
const folder = process.env.TESSERA_PICTURES ?? join(root, 'docs/pictures');
const file = (name) => join(folder, `${name}.png`);
const till = { width: 1280, height: 800 };
const desk = { width: 1200, height: 1120 };
const portrait = { width: 1080, height: 1920 };

async function open(browser, url, viewport) {
  const page = await browser.newPage({ viewport, locale: 'en-GB' });
  await page.goto(url);
  return page;
}

function shoot(page, name) {
  return page.screenshot({ path: file(name), animations: 'disabled' });
}

async function shootTill(browser, lane) {
  const page = await open(browser, `${lane.url}/`, till);
  await scan(lane, giulia.card, ...goods.slice(0, 5));
  await until('the desk knows the customer', async () =>
    (await lane.view()).visit?.card?.member?.name);
  await page.getByText('Giulia').first().waitFor();
  await page.locator('.item button').nth(2).click();
  await page.locator('.is-voided').waitFor();
  await shoot(page, 'checkout');
  lane.line.cut();
  await scan(lane, ...goods.slice(5, 8));
  await page.locator('.line', { hasText: 'safe in the journal' }).waitFor();
  await shoot(page, 'checkout-offline');
  lane.line.restore();
  await lane.drained();
}

async function shootKiosk(browser, kiosk) {
  const page = await open(browser, `${kiosk.url}/`, portrait);
  await scan(kiosk, giulia.card);
  await page.locator('h1', { hasText: 'Giulia' }).waitFor();
  await shoot(page, 'kiosk');
}

async function shootConsole(browser, hub) {
  const page = await open(browser, `${hub.url}/console`, desk);
  await page.getByLabel('Access token').fill(hub.token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.store').waitFor();
  await shoot(page, 'console-stores');
  await page.getByRole('button', { name: 'People', exact: true }).click();
  await page.getByLabel('What to look for').selectOption('card');
  await page.getByLabel('Value').fill(giulia.card);
  await page.getByRole('button', { name: 'Find' }).click();
  await page.locator('.moment').first().waitFor();
  await shoot(page, 'console-journey');
}

const overview = [
  ['checkout', 592, 'The checkout: each scan is on disk before the beep'],
  ['kiosk', 208, 'The kiosk'],
  ['console-journey', 396, 'The console: one customer, every channel'],
];

async function shootOverview(browser) {
  const figures = overview.map(([name, width, words]) => {
    const data = readFileSync(file(name)).toString('base64');
    return `<figure style="width:${width}px">
      <img src="data:image/png;base64,${data}" width="${width}" alt="">
      <figcaption>${words}</figcaption></figure>`;
  });
  const page = await browser.newPage({ deviceScaleFactor: 1.5,
    viewport: { width: 1284, height: 442 } });
  await page.setContent(`<style>
    body { margin: 0; height: 100vh; display: flex; gap: 20px;
      justify-content: center; padding-top: 24px; box-sizing: border-box;
      background: #e3e6e1; font: 14px "DejaVu Sans", sans-serif; color: #465653 }
    figure { margin: 0 } figcaption { margin-top: 10px; text-align: center }
    img { display: block; border-radius: 8px;
      box-shadow: 0 4px 18px rgb(12 59 58 / 25%) }
  </style>${figures.join('')}`);
  await page.locator('img').last().waitFor();
  await shoot(page, 'overview');
}

async function play(stage, browser) {
  const { hub, lane, kiosk } = await openShop(stage, { language: 'en' });
  await visitWebShop(hub);
  await storeMorning(lane, kiosk, () => {});
  await orderOnline(hub);
  await wholeJourney(hub);
  await shootConsole(browser, hub);
  await shootTill(browser, lane);
  await shootKiosk(browser, kiosk);
  await shootOverview(browser);
}

mkdirSync(folder, { recursive: true });
const stage = new Stage();
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update',
    '--disable-sync'],
});
try {
  await play(stage, browser);
  console.log(`pictures are in ${folder}`);
} finally {
  await browser.close();
  await stage.close();
}

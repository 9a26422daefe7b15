// The pages in a real browser, over a scripted terminal (fixture_screen):
// every state in both languages and three sizes, everything pressed.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { card, goods, measured, member, notice, offers, view, visit } from './screen_views.mjs';
import { dictionaries, text } from '../../agent/web/text.js';
import { parseAmount } from '../../agent/web/money.js';

const program = join(process.env.TESSERA_BIN
  ?? join(import.meta.dirname, '../../build/bin'), 'fixture_screen');
const shots = process.env.TESSERA_SHOTS;
const till = { width: 1280, height: 800 };
const phone = { width: 390, height: 844 };
const portrait = { width: 1080, height: 1920 };
const patience = 20000;

// The scripted terminal: show() a view, next() the command that came.
class Terminal {
  commands = [];
  waiting = { command: [], obeyed: [] };

  async open(port = 0) {
    this.child = spawn(program, [String(port)], { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface({ input: this.child.stdout }).on('line', (line) => this.take(JSON.parse(line)));
    this.port = (await this.next()).port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  take(line) {
    if (line.obeyed) this.waiting.obeyed.shift()();
    else if (this.waiting.command.length > 0) this.waiting.command.shift()(line);
    else this.commands.push(line);
  }

  wait(queue) {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('fixture_screen is silent')), patience);
      queue.push((value) => {
        clearTimeout(late);
        resolve(value);
      });
    });
  }

  async next() {
    if (this.commands.length > 0) return this.commands.shift();
    return this.wait(this.waiting.command);
  }

  // Done when the terminal has done it.
  tell(line) {
    this.child.stdin.write(`${JSON.stringify(line)}\n`);
    return this.wait(this.waiting.obeyed);
  }

  show(shown) {
    return this.tell({ view: shown });
  }

  async close() {
    if (this.child.exitCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    await ended;
  }
}

let browser;
let terminal;

before(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  terminal = await new Terminal().open();
  if (shots) mkdirSync(shots, { recursive: true });
});

after(async () => {
  await browser?.close();
  await terminal?.close();
});

// A page that remembers every complaint; the test fails on any.
async function open(t, path, viewport, options = {}) {
  terminal.commands.length = 0;
  const context = await browser.newContext({ viewport, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(patience);
  page.complaints = [];
  page.on('console', (m) => {
    if (['error', 'warning'].includes(m.type())) page.complaints.push(m.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  t.after(() => context.close());
  await page.goto(`${terminal.url}${path}`);
  return page;
}

async function sees(page, words) {
  await page.getByText(words, { exact: true }).filter({ visible: true }).first().waitFor();
}

async function says(page, selector, words) {
  await page.locator(selector).filter({ hasText: words, visible: true }).first().waitFor();
}

async function shoot(page, name) {
  if (shots) await page.screenshot({ path: join(shots, `${name}.png`), animations: 'disabled' });
}

// Everything that can be pressed is large enough, inside the page's width,
// and has a name.
async function checkTargets(page, smallest) {
  const targets = await page.locator('button:visible, input:visible').evaluateAll((all) =>
    all.map((node) => {
      const box = node.getBoundingClientRect();
      return { name: node.getAttribute('aria-label') || node.textContent || node.labels?.[0]?.textContent,
        width: box.width, height: box.height, left: box.left, right: box.right };
    }));
  const { width } = page.viewportSize();
  for (const target of targets) {
    assert.ok(target.name, 'a target without a name');
    assert.ok(target.width >= smallest && target.height >= smallest,
      `${target.name}: ${target.width} x ${target.height}, at least ${smallest}`);
    assert.ok(target.left >= 0 && target.right <= width, `${target.name} leaves the page`);
  }
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
  return targets.length;
}

function quiet(page) {
  assert.deepEqual(page.complaints, []);
}

test('amounts are read as people type them', () => {
  const cases = [['12,50', 1250], ['12.5', 1250], ['7', 700], ['€ 1.234,50', 123450],
    ['1,234.50', 123450], ['0', 0], [' 3,99 €', 399], ['', null], ['1.234', null],
    ['1,2,3', null], ['-5', null], ['12,505', null], ['1.23.4', null], ['abc', null],
    ['1.234.50', null], ['999999999,99', 99999999999], ['9999999999', null]];
  for (const [typed, minor] of cases) assert.equal(parseAmount(typed), minor, typed);
  const others = [['12,50', 'CHF', 1250], ['1250', 'JPY', 1250], ['12,5', 'JPY', null],
    ['1.250', 'JPY', null], ['1,250', 'BHD', 1250], ['1.234,5', 'BHD', 1234500]];
  for (const [typed, currency, minor] of others)
    assert.equal(parseAmount(typed, currency), minor, `${typed} ${currency}`);
});

test('both languages hold the same words', () => {
  const [it, en] = [dictionaries.it, dictionaries.en].map((words) => Object.keys(words).sort());
  assert.deepEqual(it, en);
  for (const key of it) {
    const holes = [dictionaries.it, dictionaries.en].map((words) => words[key].match(/\{\w+\}/g));
    assert.deepEqual(holes[0], holes[1], key);
  }
});

test('every reason why a reading was rejected has words', () => {
  const source = readFileSync(join(import.meta.dirname, '../../drivers/driver.c'), 'utf8');
  const names = [...source.matchAll(/\[SCAN_[A-Z0-9_]+\] = "([a-z0-9_]+)"/g)]
    .map(([, name]) => name).filter((name) => name !== 'ok');
  assert.ok(names.length > 20, `only ${names.length} found`);
  for (const words of [dictionaries.it, dictionaries.en])
    assert.deepEqual(names.filter((name) => !words[`reject.${name}`]), []);
});

for (const language of ['it', 'en']) {
  const say = (key, values) => text(language, key, values);
  for (const [size, viewport] of Object.entries({ till, phone })) {
    describe(`checkout, ${language}, ${size}`, () => {
      const name = (state) => `checkout-${size}-${language}-${state}`;

      test('every state is shown', async (t) => {
        await terminal.show(view(language));
        const page = await open(t, '/checkout', viewport);
        await sees(page, say('basket.empty'));
        await sees(page, say('line.up'));
        await sees(page, say('customer.none'));
        assert.equal(await page.locator('html').getAttribute('lang'), language);
        assert.ok(await page.getByRole('button', { name: say('close.send') }).isDisabled());
        await shoot(page, name('empty'));
        for (const kind of ['recorded', 'member', 'unknown', 'rejected', 'payment_card',
          'withheld', 'full', 'failed', 'checkin', 'coupon', 'closed']) {
          await terminal.show(view(language, { visit: visit(4, member()), notice: notice(kind, 'text') }));
          await says(page, '.notice-title', say(`notice.${kind}`));
          await checkTargets(page, 56);
          await shoot(page, name(kind));
        }
        await terminal.show(view(language, { notice: notice('rejected', 'bad_check_digit') }));
        await says(page, '.notice-hint', say('reject.bad_check_digit'));
        await terminal.show(view(language, { notice: notice('rejected', 'garbage: set 9600 baud') }));
        await says(page, '.notice-hint', `${say('reject.garbage')}. set 9600 baud`);
        await terminal.show(view(language, { visit: visit(2, card()) }));
        await sees(page, say('customer.card.read'));
        quiet(page);
      });

      test('what the code of an item told', async (t) => {
        const it = language === 'it';
        const shown = { ...visit(0, member()), items: measured(), count: 3,
          coupons: ['8110-0614141-012345', '9912345678903'] };
        await terminal.show(view(language, { visit: shown, notice: notice('recorded') }));
        const page = await open(t, '/checkout', viewport);
        const details = (at) => page.locator('.item').nth(at).locator('.item-details');
        await says(page, '.item-expired', say('item.expired',
          { date: it ? '29 feb 2020' : '29 Feb 2020' }));
        const plain = async (at) => (await details(at).textContent()).replaceAll('\u00a0', ' ');
        assert.equal(await plain(2), it ? '1,250 kg · 4,99 €' : '1.250 kg · €4.99');
        assert.equal(await plain(1), it ? '0,512 kg · 12,90 € · scade il 31 dic 2099 · lotto L-7'
          : '0.512 kg · €12.90 · expires 31 Dec 2099 · lot L-7');
        await says(page, '.coupon', '9912345678903');
        await says(page, '.coupons', say('basket.coupons'));
        await checkTargets(page, 56);
        await shoot(page, name('measured'));
        await terminal.show(view(language, { visit: visit(2, member()) }));
        await page.locator('.coupons').waitFor({ state: 'hidden' });
        assert.equal(await page.locator('.item-details:visible').count(), 0);
        quiet(page);
      });

      test('an offer waits', async (t) => {
        await terminal.show(view(language, { visit: visit(2, { ...member(), offers }),
          notice: notice('offer', '···· 6538') }));
        const page = await open(t, '/checkout', viewport);
        await says(page, '.notice-title', say('notice.offer'));
        await says(page, '.notice-detail', offers[0].title);
        await says(page, '.offers-title', say('customer.offers', { n: 2 }));
        await says(page, '.offers-titles', offers[0].title);
        if (size === 'till') {
          const points = await page.locator('.card-points').boundingBox();
          const panel = await page.locator('.customer').boundingBox();
          assert.ok(points.y + points.height <= panel.y + panel.height, 'the points are cut off');
        }
        await checkTargets(page, 56);
        await shoot(page, name('offer'));
        await terminal.show(view(language, { visit: visit(2, { ...card(), offers: [offers[1]] }),
          notice: notice('offer', '···· 6538') }));
        await says(page, '.offers-title', say('customer.offer'));
        await says(page, '.notice-detail', '6538');
        quiet(page);
      });

      test('line, journal and readers are told calmly', async (t) => {
        await terminal.show(view(language, {
          line: { up: false, unsent: 12, text: '' },
          readers: [{ name: 'scanner', state: 'attached', text: '' },
            { name: 'stripe', state: 'detached', text: '' },
            { name: 'old', state: 'faulted', text: 'no answer' }],
          journal: { ok: false, text: '' }, visit: visit(120, member()),
        }));
        const page = await open(t, '/checkout', viewport);
        await sees(page, say('line.down', { n: 12 }));
        await sees(page, `stripe: ${say('reader.detached')}`);
        await sees(page, `old: ${say('reader.faulted')}`);
        await sees(page, say('journal.bad'));
        await sees(page, say('basket.more', { shown: 100, n: 120 }));
        assert.equal(await page.locator('.item').count(), 100);
        await checkTargets(page, 56);
        await shoot(page, name('offline'));
        quiet(page);
      });

      test('an item is voided, newest first', async (t) => {
        await terminal.show(view(language, { visit: visit(3, member()) }));
        const page = await open(t, '/checkout', viewport);
        const first = page.locator('.item').first();
        await says(page, '.item:first-child .item-code', goods[2].replace(/^0+/, ''));
        await first.getByRole('button').click();
        const command = await terminal.next();
        assert.deepEqual([command.command, command.sequence], ['void', 3]);
        await terminal.show(view(language, { visit: visit(3, member(), { voided: [3] }) }));
        await says(page, '.item:first-child', say('item.voided'));
        assert.equal(await first.getByRole('button').count(), 0);
        quiet(page);
      });

      test('a visit is closed, after what is wrong was said', async (t) => {
        await terminal.show(view(language, { visit: visit(3, member()) }));
        const page = await open(t, '/checkout', viewport);
        const receipt = page.getByLabel(say('close.receipt'));
        const total = page.getByLabel(say('close.total', { currency: 'euro' }));
        const send = page.getByRole('button', { name: say('close.send') });
        await send.click();
        await sees(page, say('close.receipt.bad'));
        await sees(page, say('close.total.bad'));
        assert.ok(await receipt.evaluate((node) => node === document.activeElement));
        await receipt.fill('0042-7');
        await total.fill('1.234');
        await page.keyboard.press('Enter');
        await sees(page, say('close.total.bad'));
        await shoot(page, name('faults'));
        await total.fill(language === 'it' ? '1.234,50' : '1,234.50');
        await terminal.tell({ refuse: 'the till is asleep' });
        await send.click();
        await says(page, '.notice', 'the till is asleep');
        assert.equal(await receipt.inputValue(), '0042-7');
        await terminal.next();
        page.complaints.length = 0; // the browser itself notes the 422
        await terminal.tell({ refuse: null });
        await send.click();
        assert.deepEqual(await terminal.next(), { command: 'close', receipt: '0042-7',
          total_minor: 123450, currency: 'EUR' });
        await page.waitForFunction(() => document.getElementById('receipt').value === '');
        quiet(page);
      });

      test('a total is in the currency of the shop', async (t) => {
        await terminal.show(view(language, { visit: visit(1, member()), currency: 'JPY' }));
        const page = await open(t, '/checkout', viewport);
        await page.getByLabel(say('close.receipt')).fill('0042-8');
        const total = page.getByLabel(say('close.total', { currency: 'JPY' }));
        assert.equal(await total.getAttribute('placeholder'), '0');
        await total.fill('1250');
        await shoot(page, name('yen'));
        await page.keyboard.press('Enter');
        assert.deepEqual(await terminal.next(), { command: 'close', receipt: '0042-8',
          total_minor: 1250, currency: 'JPY' });
        quiet(page);
      });

      test('cancelling asks first, also by keyboard', async (t) => {
        await terminal.show(view(language, { visit: visit(1, null) }));
        const page = await open(t, '/checkout', viewport);
        const cancel = page.getByRole('button', { name: say('cancel'), exact: true });
        await cancel.click();
        await sees(page, say('cancel.ask'));
        await checkTargets(page, 56);
        await shoot(page, name('cancel'));
        await page.getByRole('button', { name: say('cancel.no') }).click();
        await cancel.focus();
        await page.keyboard.press('Enter');
        await sees(page, say('cancel.ask'));
        await page.keyboard.press('Escape');
        await page.locator('dialog').waitFor({ state: 'hidden' });
        await cancel.click();
        await page.getByRole('button', { name: say('cancel.yes') }).click();
        assert.deepEqual(await terminal.next(), { command: 'cancel' });
        quiet(page);
      });
    });
  }

  for (const [size, viewport] of Object.entries({ portrait, till, phone })) {
    describe(`kiosk, ${language}, ${size}`, () => {
      const name = (state) => `kiosk-${size}-${language}-${state}`;

      test('every scene is shown', async (t) => {
        await terminal.show(view(language));
        const page = await open(t, '/kiosk', viewport);
        await page.clock.install();
        await page.reload();
        await says(page, 'h1', say('kiosk.invite'));
        await shoot(page, name('idle'));
        await terminal.show(view(language, { line: { up: false, unsent: 3, text: '' } }));
        await sees(page, say('kiosk.offline'));
        await says(page, 'h1', say('kiosk.invite'));
        await shoot(page, name('offline'));
        for (const [kind, words] of [['unknown', 'unknown'], ['payment_card', 'payment_card'],
          ['withheld', 'withheld'], ['coupon', 'coupon'],
          ['rejected', 'rejected'], ['failed', 'failed'], ['full', 'failed'], ['closed', 'bye']]) {
          await terminal.show(view(language, { notice: notice(kind) }));
          await says(page, 'h1', say(`kiosk.${words}`));
          await checkTargets(page, 88);
          await shoot(page, name(kind));
        }
        await page.clock.fastForward(8000); // the message goes by itself
        await says(page, 'h1', say('kiosk.invite'));
        await terminal.show(view(language, { readers: [{ name: 'r', state: 'detached', text: '' }] }));
        await says(page, 'h1', say('kiosk.out'));
        quiet(page);
      });

      test('a customer is welcomed, asked and thanked', async (t) => {
        await terminal.show(view(language, { visit: visit(0, member()), notice: notice('checkin') }));
        const page = await open(t, '/kiosk', viewport);
        await says(page, 'h1', say('kiosk.welcome.name', { name: 'Giulia' }));
        await says(page, '.pass-points', language === 'it' ? '2.480' : '2,480');
        await says(page, '.pass-number', '6538');
        assert.equal(await checkTargets(page, 88), 6);
        await shoot(page, name('welcome'));
        await page.getByRole('button', { name: say('feedback.4'), exact: true }).click();
        assert.deepEqual(await terminal.next(), { command: 'feedback', question: 'visit.mood',
          score: 4, text: '' });
        await sees(page, say('feedback.thanks'));
        await checkTargets(page, 88);
        await shoot(page, name('consent'));
        await page.getByRole('button', { name: say('consent.yes') }).click();
        assert.deepEqual(await terminal.next(), { command: 'consent', purpose: 'marketing',
          granted: true });
        await says(page, 'h2', say('consent.granted'));
        const next = visit(0, card(), { id: '0192f3c4-0000-7000-8000-000000000002' });
        await terminal.show(view(language, { visit: next, line: { up: false, unsent: 2, text: '' } }));
        await says(page, 'h1', say('kiosk.welcome'));
        await sees(page, say('kiosk.later'));
        await page.getByRole('button', { name: say('feedback.1'), exact: true }).click();
        assert.equal((await terminal.next()).score, 1);
        await page.getByRole('button', { name: say('consent.no') }).click();
        assert.equal((await terminal.next()).granted, false);
        await says(page, 'h2', say('consent.denied'));
        quiet(page);
      });

      test('an offer waits for a customer', async (t) => {
        await terminal.show(view(language, { visit: visit(0, { ...member(), offers }),
          notice: notice('checkin') }));
        const page = await open(t, '/kiosk', viewport);
        await says(page, '.gift h2', say('kiosk.offers', { n: 2 }));
        await says(page, '.gift li', offers[0].title);
        assert.equal(await checkTargets(page, 88), 6);
        const lowest = await page.locator('.smile').last().boundingBox();
        assert.ok(lowest.y + lowest.height <= viewport.height, 'the faces are cut off');
        await shoot(page, name('offer'));
        await page.getByRole('button', { name: say('feedback.5'), exact: true }).click();
        await terminal.next();
        await sees(page, say('feedback.thanks'));
        assert.equal(await checkTargets(page, 88), 3);
        await shoot(page, name('offer-consent'));
        await terminal.show(view(language, { visit: visit(0, { ...card(), offers: [offers[1]] }) }));
        await says(page, '.gift h2', say('kiosk.offer'));
        quiet(page);
      });

      test('the language is switched by the large button and back', async (t) => {
        await terminal.show(view(language));
        const page = await open(t, '/kiosk', viewport);
        const other = language === 'it' ? 'en' : 'it';
        await page.getByRole('button', { name: say('language.other') }).click();
        await says(page, 'h1', text(other, 'kiosk.invite'));
        assert.equal(await page.locator('html').getAttribute('lang'), other);
        await page.getByRole('button', { name: text(other, 'language.other') }).click();
        await says(page, 'h1', say('kiosk.invite'));
        quiet(page);
      });
    });
  }
}

for (const path of ['/checkout', '/kiosk']) {
  test(`${path} says that it is not up to date, and recovers by itself`, async (t) => {
    const viewport = path === '/kiosk' ? portrait : till;
    await terminal.show(view('it'));
    const page = await open(t, path, viewport);
    if (path === '/kiosk') await says(page, 'h1', text('it', 'kiosk.invite'));
    else await sees(page, text('it', 'basket.empty'));
    const { port } = terminal;
    await terminal.close();
    await sees(page, text('it', 'stale'));
    await shoot(page, `stale${path.replace('/', '-')}`);
    terminal = await new Terminal().open(port);
    await terminal.show(view('en'));
    await page.getByText(text('en', 'stale'), { exact: true }).waitFor({ state: 'hidden' });
    await page.waitForFunction(() => document.documentElement.lang === 'en');
    // The browser notes each refused connection; nothing else may be there.
    page.complaints = page.complaints.filter((line) => !/net::ERR_/.test(line));
    quiet(page);
  });
}

test('a terminal that hangs is noticed', async (t) => {
  await terminal.show(view('it'));
  const page = await open(t, '/checkout', till);
  await sees(page, text('it', 'basket.empty'));
  terminal.child.kill('SIGSTOP');
  try {
    await page.getByText(text('it', 'stale'), { exact: true }).waitFor({ timeout: 60000 });
  } finally {
    terminal.child.kill('SIGCONT');
  }
  await page.getByText(text('it', 'stale'), { exact: true }).waitFor({ state: 'hidden' });
  page.complaints = page.complaints.filter((line) => !/net::ERR_/.test(line));
  quiet(page);
});

test('those who ask for less motion get none', async (t) => {
  await terminal.show(view('it'));
  const page = await open(t, '/kiosk', portrait, { reducedMotion: 'reduce' });
  await says(page, 'h1', text('it', 'kiosk.invite'));
  const moving = await page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
  quiet(page);
});

test('a name from outside is text, never markup', async (t) => {
  const bad = '<img/src=x onerror=alert(1)>';
  await terminal.show(view('it', { visit: visit(1, { masked: bad, member: { name: bad, points: 1 } }),
    notice: notice('recorded', bad) }));
  const page = await open(t, '/checkout', till);
  await says(page, '.card-name', bad);
  assert.equal(await page.locator('img').count(), 0);
  quiet(page);
});

// NFC and RFID readers that are asked, on the real agent: what becomes of
// cards, tags and bank cards when the line, the power, the plug or the agent
// fails. A card that lies on the reader is not lost, and counts once.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readerSection } from './devices/device.mjs';
import {
  Pn532, classic, isoDep, linkRecord, ntag, textRecord,
} from './devices/pn532.mjs';
import { Twn4, em4102, mifare, typeB } from './devices/twn4.mjs';
import { cardToken, openStage, until } from './help.mjs';

const rules = `
card "club" {
  prefix = "LOY-"
  skip = 4
}
card "keyring" {
  carrier = "uid"
  prefix = "04AA"
}
card "badge" {
  carrier = "uid"
  prefix = "FB0E"
}
`;
const LIST = 0x4a;
const READ = 0x40;
const tagged = (at) => ntag(`04BB0000000${at}00`, textRecord(`LOY-00${at}`));
const keyring = (at) => ntag(`04AA0000000${at}00`);
const badge = (at) => classic(`FB0E000${at}`);

async function openShop(t, Kind, driver, profile, { group = 0 } = {}) {
  const stage = await openStage(t);
  await stage.theHub.start();
  const reader = new Kind(stage.processes, stage.tool('tessera'),
    join(stage.folder, 'nfc'));
  const lane = await stage.lane({
    terminal: 'torino-03-lane-1', store: 'torino-03',
    extra: rules + readerSection('nfc', reader, driver, profile) +
      `journal {\n  group_ms = ${group}\n}\n`,
  });
  const shop = {
    stage, lane, reader,
    club: (at) => cardToken(stage, `00${at}`, 'club'),
    keyring: (at) => cardToken(stage, keyring(at).uid, 'keyring'),
    badge: (at) => cardToken(stage, badge(at).uid, 'badge'),
  };
  await reader.plug();
  await start(shop);
  return shop;
}

async function start({ lane }) {
  await lane.start();
  await stands(lane, 'attached');
}

const stands = (lane, state) =>
  until(`the reader is ${state}`, async () => (await lane.view()).readers
    .find(({ name }) => name === 'nfc')?.state === state);

async function metric(lane, name) {
  const text = await (await fetch(`${lane.url}/metrics`)).text();
  return [...text.matchAll(/^(\w+)\{([^}]*)\} (\d+)/gm)]
    .filter(([, metricName, labels]) => metricName === name &&
      labels.includes('reader="nfc"'))
    .reduce((all, [, , , count]) => all + Number(count), 0);
}

const counted = (lane, what, atLeast) =>
  until(`${atLeast} ${what} are counted`, async () =>
    await metric(lane, `tessera_reader_${what}_total`) >= atLeast);

/** What the hub has of the reader, in order, once nothing is on its way. */
async function said({ stage, lane }) {
  await lane.drained();
  return (await stage.theHub.archive(lane.terminal))
    .map(({ type, body }) => ({ type, ...body.data }))
    .filter((event) => event.reader === 'nfc' &&
      !event.type.startsWith('reader.'));
}

async function cards(shop) {
  return (await said(shop)).filter(({ type }) => type === 'card.presented')
    .map(({ card }) => card);
}

const arrives = (shop, token, times = 1) =>
  until('the card is in the archive', async () =>
    (await cards(shop)).filter((card) => card === token).length >= times);

/** The reader looks so often more, whatever it finds. */
function looks(reader, more, code = LIST) {
  const count = () => reader.codes().filter((one) => one === code).length;
  const goal = count() + more;
  return reader.hears(`${more} looks`, () => count() >= goal);
}

async function takeAway(reader, looksNeeded = 4) {
  reader.take();
  await looks(reader, looksNeeded);
}

test('cards of every kind, each once however long it lies there', async (t) => {
  const shop = await openShop(t, Pn532, 'pn532', 'ndef');
  const { lane, reader } = shop;
  reader.lay(badge(1));
  await arrives(shop, shop.badge(1));
  await looks(reader, 8);
  // Another one takes its place without a moment in between.
  reader.lay(tagged(1));
  await arrives(shop, shop.club(1));
  reader.lay(keyring(1));
  await arrives(shop, shop.keyring(1));
  reader.lay(ntag('04CC0000000100', linkRecord('shop.example/join'),
    textRecord('LOY-002')));
  await arrives(shop, shop.club(2));
  const before = reader.commands.length;
  reader.lay(isoDep('08A1B2C3'));
  await counted(lane, 'scans', 4);
  await looks(reader, 6);
  const spoken = reader.commands.slice(before)
    .filter(({ card }) => card?.ats).map(({ code }) => code);
  assert.ok(!spoken.includes(READ), 'a bank card was spoken to');
  await takeAway(reader);
  reader.lay(badge(1));
  await arrives(shop, shop.badge(1), 2);
  assert.deepEqual(await cards(shop), [shop.badge(1), shop.club(1),
    shop.keyring(1), shop.club(2), shop.badge(1)]);
  assert.equal(await metric(lane, 'tessera_reader_scans_total'), 5);
  // Told to the person once; no number of it went anywhere.
  const rejected = (await said(shop)).filter(({ type }) =>
    type === 'scan.rejected');
  assert.equal(rejected.length, 1);
  assert.doesNotMatch(lane.log() + JSON.stringify(await said(shop)),
    /08A1B2C3/i);
});

test('a line that loses, breaks and cuts frames', async (t) => {
  const shop = await openShop(t, Pn532, 'pn532', 'ndef');
  const { reader } = shop;
  await looks(reader, 1);
  const faults = [
    () => { reader.lostAcks = 1; },
    () => { reader.nacks = 1; },
    () => { reader.brokenAnswers = 1; },
    () => { reader.brokenAnswers = 2; },
    () => { reader.cutAnswers = [7]; },
    () => { reader.cutAnswers = [1, 9]; },
    () => { reader.lostAcks = 3; reader.brokenAnswers = 1; },
  ];
  for (const [at, fault] of faults.entries()) {
    fault();
    reader.lay(tagged(at + 1));
    await arrives(shop, shop.club(at + 1));
    // The fault in the middle of the memory, with the next card.
    reader.take();
    const reads = looks(reader, 1, READ);
    reader.lay(keyring(at + 1));
    await reads;
    fault();
    await arrives(shop, shop.keyring(at + 1));
    await takeAway(reader);
    reader.lostAcks = reader.nacks = reader.brokenAnswers = 0;
    reader.cutAnswers = [];
  }
  assert.deepEqual(await cards(shop), faults.flatMap((_, at) =>
    [shop.club(at + 1), shop.keyring(at + 1)]));
});

test('a chip that waits for a card is called back and never confused',
  async (t) => {
    const shop = await openShop(t, Pn532, 'pn532', 'ndef');
    const { reader } = shop;
    reader.waits = true;
    await reader.hears('it is called back', () => reader.aborts >= 2);
    reader.lay(tagged(1));
    await arrives(shop, shop.club(1));
    await takeAway(reader);
    reader.lay(tagged(2));
    await arrives(shop, shop.club(2));
    assert.deepEqual(await cards(shop), [shop.club(1), shop.club(2)]);
  });

test('power that fails in the middle of a card, and for good', async (t) => {
  const shop = await openShop(t, Pn532, 'pn532', 'ndef');
  const { lane, reader } = shop;
  const reads = looks(reader, 1, READ);
  reader.lay(tagged(1));
  await reads;
  reader.brownOut();
  await arrives(shop, shop.club(1));
  // It stays while the power fails again: still one card.
  reader.brownOut();
  await looks(reader, 1, 0x14);
  await looks(reader, 5);
  assert.deepEqual(await cards(shop), [shop.club(1)]);
  // Nothing comes back: the page says so, until it does.
  const deaf = () => { reader.brownOut(); };
  reader.on('bytes', deaf);
  await stands(lane, 'faulted');
  reader.off('bytes', deaf);
  reader.lay(tagged(2));
  await stands(lane, 'attached');
  await arrives(shop, shop.club(2));
  assert.deepEqual(await cards(shop), [shop.club(1), shop.club(2)]);
});

test('the plug is pulled in mid-frame, with the card on it', async (t) => {
  const shop = await openShop(t, Pn532, 'pn532', 'ndef');
  const { lane, reader } = shop;
  for (const [at, cut] of [5, 12, 20].entries()) {
    const reads = looks(reader, 1, READ);
    reader.cutAnswers = [1000, cut];
    reader.lay(tagged(at + 1));
    await reads;
    await reader.unplug();
    await stands(lane, 'detached');
    reader.cutAnswers = [];
    await reader.plug();
    await stands(lane, 'attached');
    await arrives(shop, shop.club(at + 1));
    if (cut !== 20) await takeAway(reader);
  }
  // Once more, after it was counted.
  await reader.unplug();
  await stands(lane, 'detached');
  await reader.plug();
  await stands(lane, 'attached');
  await looks(reader, 5);
  assert.deepEqual(await cards(shop), [1, 2, 3].map((at) => shop.club(at)));
});

const journalHolds = (lane, text) => readdirSync(lane.state)
  .some((name) => readFileSync(join(lane.state, name), 'latin1').includes(text));

/** Kills the agent when it has read the card; true: it was written before. */
async function killed(shop, token, before) {
  const { lane } = shop;
  const scans = await metric(lane, 'tessera_reader_scans_total');
  before();
  await counted(lane, 'scans', scans + 1);
  await lane.stop('SIGKILL');
  const written = journalHolds(lane, token);
  await start(shop);
  return written;
}

for (const [name, Kind, driver, profile, card, program] of [
  ['PN532', Pn532, 'pn532', 'ndef', tagged, 'club'],
  ['TWN4', Twn4, 'twn4', 'simple', (at) => mifare(`04AA0000000${at}00`),
    'keyring'],
])
  test(`${name}: the agent is killed while the card lies there`, async (t) => {
    const shop = await openShop(t, Kind, driver, profile, { group: 1000 });
    const { lane, reader } = shop;
    let lost = 0;
    let at = 0;
    while (lost === 0 && at < 9) {
      at++;
      const token = shop[program](at);
      if (!await killed(shop, token, () => reader.lay(card(at)))) lost++;
      await arrives(shop, token);
    }
    assert.ok(lost, 'never killed before the commit');
    // And after it was written: the card that still lies there is the same.
    await lane.stop('SIGKILL');
    const heard = reader.heard.length;
    await start(shop);
    await reader.hears('it is looked at', () =>
      reader.heard.length > heard + 200);
    assert.deepEqual(await cards(shop),
      Array.from({ length: at }, (_, n) => shop[program](n + 1)));
  });

test('TWN4: the tone follows the commit, a tag that stays is one', async (t) => {
  const shop = await openShop(t, Twn4, 'twn4', 'simple');
  const { lane, reader } = shop;
  const searches = (more) => {
    const goal = reader.searches + more;
    return until(`${more} searches`, () => reader.searches >= goal);
  };
  await searches(2);
  assert.deepEqual(reader.types, { low: 0x201, high: 0x0d });
  reader.lay(mifare('04AA0000000100'));
  await arrives(shop, shop.keyring(1));
  await until('it beeps', () => reader.beeps.length >= 1);
  const short = reader.beeps.length;
  assert.ok(reader.beeps.every(({ hertz, lights }) =>
    hertz > 2000 && lights === 2));
  await searches(5);
  assert.equal(reader.beeps.length, short);
  reader.lay(em4102('0102030405'));
  await until('one low beep for a tag of nobody', () =>
    reader.beeps.length === short + 1);
  assert.ok(reader.beeps.at(-1).hertz < 1000);
  // Not asked for, so it is not even found.
  reader.lay(typeB('11223344'));
  await searches(5);
  // Half a reply, then silence, then a boot with the tag on it.
  reader.cutReplies = [6];
  reader.lay(mifare('04AA0000000200'));
  await arrives(shop, shop.keyring(2));
  reader.mute = true;
  await stands(lane, 'faulted');
  reader.brownOut();
  reader.mute = false;
  await stands(lane, 'attached');
  await searches(5);
  assert.deepEqual(await cards(shop), [shop.keyring(1), shop.keyring(2)]);
  assert.equal((await said(shop)).filter(({ type }) =>
    type === 'code.unknown').length, 1);
});

test('TWN4: the standard app says each tag once', async (t) => {
  const shop = await openShop(t, Twn4, 'twn4', 'standard');
  const { lane, reader } = shop;
  reader.says('04AA0000000100');
  reader.send(Buffer.from('04AA00000'));
  await counted(lane, 'rejects', 1);
  reader.says('04AA0000000200');
  await arrives(shop, shop.keyring(2));
  reader.send(Buffer.from('04AA0000'));
  await reader.unplug();
  await stands(lane, 'detached');
  await reader.plug();
  await stands(lane, 'attached');
  reader.says('04AA0000000300');
  await arrives(shop, shop.keyring(3));
  assert.deepEqual(await cards(shop),
    [1, 2, 3].map((at) => shop.keyring(at)));
});

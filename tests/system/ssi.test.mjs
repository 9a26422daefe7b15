// A scanner that keeps each scan until it is acknowledged: whatever is lost,
// cut or killed between the two, what the scanner was told is in the journal
// is there, once.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readerSection } from './devices/device.mjs';
import { SsiScanner, types } from './devices/ssi.mjs';
import { ean13, openStage, random, until } from './help.mjs';

const op = { disable: 0xea, enable: 0xe9, params: 0xc6, imager: 0xf7 };

const code = (n) => ean13(`9521239${String(n).padStart(5, '0')}`);

async function openScanner(t, { timeoutMs, prepare, extra = '' } = {}) {
  const stage = await openStage(t);
  const scanner = new SsiScanner(stage.processes, stage.tool('tessera'),
    join(stage.folder, 'ssi'), { timeoutMs });
  prepare?.(scanner);
  const lane = await stage.lane({
    terminal: 'roma-02-lane-1', store: 'roma-02',
    extra: readerSection('ssi', scanner, 'ssi', 'usb-cdc') + extra,
  });
  await scanner.plug();
  await lane.start();
  return { stage, lane, scanner };
}

const isSetUp = (scanner, from = 0) =>
  scanner.commands.slice(from).some(([opcode]) => opcode === op.enable);

const setUp = (scanner, from = 0) =>
  scanner.hears('the end of the set-up', () => isSetUp(scanner, from));

function journal(lane, type = 'item.scanned') {
  const file = join(lane.state, 'journal.db');
  assert.ok(existsSync(file));
  return execFileSync(lane.stage.tool('tessera'),
    ['journal', '--type', type, file], { encoding: 'utf8' })
    .split('\n').filter(Boolean).map((line) => JSON.parse(line));
}

const scanned = (lane) => journal(lane).map(({ data }) => data.gtin.slice(1));

const settled = (scanner, what) =>
  until(what, () => scanner.idle, 120);

const readerOf = async (lane) =>
  (await lane.view()).readers.find(({ name }) => name === 'ssi');

test('a scanner is set up, its scans are recorded and then answered',
  async (t) => {
    const { lane, scanner } = await openScanner(t);
    await setUp(scanner);
    assert.deepEqual(scanner.commands.map(([opcode]) => opcode), [
      op.disable, op.imager, op.params, op.params, op.params, op.params,
      op.params, 0xa3, op.enable,
    ]);
    assert.equal(scanner.heard[0], 0x00);
    assert.equal(scanner.packets, true);
    assert.equal(scanner.param(0xec), 0, 'no parameter bar codes');
    await until('scanning is on', () => scanner.enabled);
    for (let n = 0; n < 5; n++) assert.ok(scanner.scan(types.ean13, code(n)));
    await settled(scanner, 'five answers');
    assert.deepEqual(scanner.delivered, [0, 1, 2, 3, 4].map(code));
    assert.deepEqual(scanned(lane), scanner.delivered);
    assert.equal(scanner.strayAcks, 0);
    await until('the green light goes on and off', () =>
      scanner.lights.includes(1) && scanner.lights.at(-1) === 0);
    assert.ok(scanner.beeps.length > 0);
    assert.ok(scanner.beeps.every((beep) => beep === 0x00));
  });

test('a lost answer costs neither a scan nor a second one', async (t) => {
  const { lane, scanner } = await openScanner(t, { timeoutMs: 300 });
  await setUp(scanner);
  scanner.deafTo = 2; // the third time it gets through
  scanner.scan(types.ean13, code(1));
  scanner.scan(types.ean13, code(2));
  await settled(scanner, 'both answers');
  assert.deepEqual(scanner.delivered, [code(1), code(2)]);
  assert.deepEqual(scanned(lane), [code(1), code(2)]);
});

test('a garbled packet is asked for again', async (t) => {
  const { lane, scanner } = await openScanner(t);
  await setUp(scanner);
  scanner.garble = (bytes) => {
    scanner.garble = undefined;
    const wrong = Buffer.from(bytes);
    wrong[9] ^= 0x01;
    return wrong;
  };
  scanner.scan(types.ean13, code(3));
  await settled(scanner, 'the answer');
  assert.deepEqual(scanner.delivered, [code(3)]);
  assert.deepEqual(scanned(lane), [code(3)]);
});

test('a long code comes in packets, each answered', async (t) => {
  const { lane, scanner } = await openScanner(t);
  await setUp(scanner);
  const text = Array.from({ length: 80 }, (_, n) => `part-${n}`).join(' ');
  scanner.scan(types.qr, text);
  await settled(scanner, 'the answer');
  assert.deepEqual(scanner.delivered, [text]);
  assert.equal(journal(lane, 'code.unknown').length, 1);
  scanner.begin(types.qr, text.slice(0, 240));
  await until('the person is told that its rest did not come', () =>
    /rejected \(incomplete_multipacket\): .*scan it again/.test(lane.log()));
  assert.equal(journal(lane, 'code.unknown').length, 1);
});

test('a command that is refused does not end the set-up', async (t) => {
  const { lane, scanner } = await openScanner(t, {
    prepare: ({ declines }) => {
      declines.set(op.imager, 2); // a laser scanner has no imager
      declines.set(0x9f, [1]); // once, as after a broken checksum
      declines.set(0xec, 6);
    },
  });
  await setUp(scanner);
  assert.equal(scanner.param(0x9f), 1);
  assert.equal(scanner.commands.filter(([, , param]) => param === 0x9f).length,
    2);
  scanner.scan(types.ean13, code(4));
  await settled(scanner, 'the answer');
  assert.deepEqual(scanned(lane), [code(4)]);
  await until('the log tells what a customer could do', () =>
    /Disable Parameter Scanning/.test(lane.log()));
});

test('a scanner that was switched off and on is set up again', async (t) => {
  const { lane, scanner } = await openScanner(t);
  await setUp(scanner);
  let from = scanner.commands.length;
  scanner.restart();
  await setUp(scanner, from);
  assert.equal(scanner.packets, true);
  // One that does not say so is known by its text.
  scanner.restart({ event: false });
  from = scanner.commands.length;
  scanner.scan(types.ean13, code(5));
  assert.deepEqual(scanner.raw, [code(5)]);
  await setUp(scanner, from);
  assert.equal(scanner.packets, true);
  await until('the log tells', () =>
    /rejected \(truncated\): .*text, not packets/.test(lane.log()));
  scanner.scan(types.ean13, code(6));
  await settled(scanner, 'the answer');
  assert.deepEqual(scanned(lane), [code(6)]);
});

test('a brown-out, half a packet and a pulled plug leave no trace',
  async (t) => {
    const { lane, scanner } = await openScanner(t, { timeoutMs: 500 });
    await setUp(scanner);
    scanner.send([0x00, 0x00, 0xff, 0x00]);
    scanner.scan(types.ean13, code(7));
    await settled(scanner, 'the answer behind a brown-out');
    scanner.half(types.ean13, code(8), 11);
    scanner.scan(types.ean13, code(9));
    await settled(scanner, 'the answer behind half a packet');
    scanner.half(types.ean13, code(10), 11);
    const from = scanner.commands.length;
    await scanner.unplug();
    await until('the reader is detached', async () =>
      (await readerOf(lane)).state === 'detached');
    await scanner.plug();
    await setUp(scanner, from);
    scanner.scan(types.ean13, code(11));
    await settled(scanner, 'the answer after the plug');
    assert.deepEqual(scanner.delivered, [code(7), code(9), code(11)]);
    assert.deepEqual(scanned(lane), scanner.delivered);
  });

test('a silent scanner is a fault until it answers', async (t) => {
  const { lane, scanner } = await openScanner(t, {
    prepare: (device) => { device.mute = true; },
  });
  await until('the fault is told', async () =>
    (await readerOf(lane)).state === 'faulted');
  assert.match((await readerOf(lane)).text, /does not answer/);
  scanner.mute = false;
  scanner.restart();
  await until('it is a reader again', async () =>
    (await readerOf(lane)).state === 'attached');
  scanner.scan(types.ean13, code(12));
  await settled(scanner, 'the answer');
  assert.deepEqual(scanned(lane), [code(12)]);
});

test('a code with a wrong check digit is answered for good', async (t) => {
  const { lane, scanner } = await openScanner(t);
  await setUp(scanner);
  const wrong = code(1).slice(0, 12) + ((Number(code(1)[12]) + 1) % 10);
  scanner.scan(types.ean13, wrong);
  scanner.scan(types.code128, '4111111111111111');
  await settled(scanner, 'both answers');
  assert.deepEqual(scanner.delivered.length, 2);
  assert.deepEqual(scanned(lane), []);
  assert.equal(journal(lane, 'payment_card.refused').length, 1);
  await until('the alarm sounds', () => scanner.beeps.includes(0x08));
});

test('an answer that is lost together with the agent', async (t) => {
  const { lane, scanner } = await openScanner(t, { timeoutMs: 3000 });
  await setUp(scanner);
  await until('scanning is on', () => scanner.enabled);
  for (let n = 20; n < 24; n++) {
    scanner.deafTo = 1;
    scanner.scan(types.ean13, code(n));
    await until('it is in the journal, and the answer lost', () =>
      scanner.deafTo === 0 && scanned(lane).includes(code(n)));
    const from = scanner.commands.length;
    await lane.stop('SIGKILL');
    await lane.start();
    await setUp(scanner, from);
    await settled(scanner, 'it is answered when it comes again');
    await until('scanning is on', () => scanner.enabled);
  }
  assert.deepEqual(scanner.delivered, [20, 21, 22, 23].map(code));
  assert.deepEqual(scanned(lane), scanner.delivered);
  assert.deepEqual(scanner.failed, []);
});

test('a scan that a full journal cannot take is refused aloud', async (t) => {
  const { stage, lane, scanner } = await openScanner(t, {
    extra: 'journal {\n  max_mb = 1\n}\n',
  });
  await setUp(scanner);
  await until('scanning is on', () => scanner.enabled);
  let n = 1000;
  while (scanner.refused.length === 0) {
    assert.ok(n < 20_000, 'the journal has an end');
    for (let more = 0; more < 100; more++)
      scanner.scan(types.ean13, code(n++));
    await settled(scanner, 'a hundred answers');
  }
  const [refused] = scanner.refused;
  await until('the alarm sounds', () => scanner.beeps.includes(0x08));
  await stage.theHub.start();
  await lane.drained();
  scanner.scan(types.ean13, refused);
  await settled(scanner, 'the answer when there is room');
  assert.equal(scanner.delivered.at(-1), refused);
  const events = await stage.theHub.archive(lane.terminal);
  const found = events.filter(({ type }) => type === 'item.scanned')
    .map(({ body }) => (typeof body === 'string' ? JSON.parse(body) : body))
    .map(({ data }) => data.gtin.slice(1));
  assert.deepEqual(found, scanner.delivered);
  assert.deepEqual(scanner.failed, []);
});

const rounds = Number(process.env.TESSERA_ROUNDS ?? 25);

test(`kill -9 between scan and answer, ${rounds} times`, async (t) => {
  const seed = Number(process.env.TESSERA_SEED ?? Date.now() % 1e9);
  t.diagnostic(`TESSERA_SEED=${seed}`);
  const pick = random(seed);
  const { lane, scanner } = await openScanner(t, { timeoutMs: 2000 });
  await setUp(scanner);
  const texts = [];
  for (let round = 0; round < rounds; round++) {
    await until('scanning is on', () => scanner.enabled);
    for (let n = pick(3); n >= 0; n--) {
      texts.push(code(100 + texts.length));
      scanner.scan(types.ean13, texts.at(-1));
    }
    // The instant is random: before the frame is read, before or after it is
    // in the journal, before or after the answer.
    await new Promise((done) => setTimeout(done, pick(12)));
    const from = scanner.commands.length;
    await lane.stop('SIGKILL');
    await lane.start();
    await setUp(scanner, from);
    await settled(scanner, 'what the scanner kept is answered');
  }
  const found = scanned(lane);
  t.diagnostic(`${texts.length} scans, ${scanner.delivered.length} answered`);
  assert.deepEqual(scanner.delivered, texts);
  assert.deepEqual(found, texts);
});

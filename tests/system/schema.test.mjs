// Every payload as the product encodes it is valid by its JSON Schema, and
// what a schema refuses, the decoder refuses.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import Ajv2020 from 'ajv/dist/2020.js';
import { CloudEvent } from 'cloudevents';
import { parse } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
const bin = process.env.TESSERA_BIN ?? join(root, 'build/bin');
const program = join(bin, '../tests/emit_samples');
const schemas = join(root, 'docs/schema');
const base = 'https://schema.tessera.example/sync/1/';

const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false,
  strictTypes: false, unicodeRegExp: true });
for (const file of readdirSync(schemas).filter((f) => f.endsWith('.json')))
  ajv.addSchema(JSON.parse(readFileSync(join(schemas, file), 'utf8')));

const validate = (name, payload) => {
  const check = ajv.getSchema(`${base}${name}.schema.json`);
  assert.ok(check, `docs/schema has ${name}`);
  return check(payload) ? '' : ajv.errorsText(check.errors);
};

const samples = execFileSync(program, { encoding: 'utf8' }).trim().split('\n')
  .map((line) => JSON.parse(line));
const sample = (schema, wanted = () => true) =>
  samples.find((s) => s.schema === schema && wanted(s.payload)).payload;

/** What the decoders say of {schema, payload} cases, in one run. */
const decode = (cases) =>
  execFileSync(program, ['check'], {
    encoding: 'utf8',
    input: cases.map(({ schema, payload }) =>
      JSON.stringify({ schema, payload })).join('\n') + '\n',
  }).trim().split('\n');

const withMember = (payload, path, value) => {
  const copy = structuredClone(payload);
  const names = path.split('.');
  const last = names.pop();
  const at = names.reduce((object, name) => object[name], copy);
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
};

const big = 2 ** 53;
const wrong = {
  name: ['', 'hub', 'hub-1', 'Milano', 'a/b', 'ü', 'a'.repeat(49), 7, null],
  journal: ['', '9f2c', '9F2C6A1BE07D4455', 'g'.repeat(16), 1, null],
  boot: ['', '5d1e88c', '5D1E88C2', '5d1e88c22', 7, null],
  counter: ['', '42', 42, '+0000000000000000042', '99999999999999999999',
    '0000000000000000004x', null],
  number: [-1, 0.5, big, '1', true, null],
  time: ['', '2026-11-21', '2026-11-21T10:00:00Z', '2026-11-21 10:00:00.123Z',
    '2026-11-21T10:00:00.123+00:00', '2026-13-21T10:00:00.123Z',
    '2026-11-21T24:00:00.123Z', '2026-11-21T10:00:00.12zZ', 0, null],
  window: [0, 65, -1, '8', 1.5, null],
  bool: ['true', 0, 1, null],
  version: ['', 'a b', 'x'.repeat(32), 'ü', 1, null],
  uuid: ['', '0192F3C4-0000-7000-8000-000000000001', '0192f3c4', 7, null],
};
const zero = '0'.repeat(20);
const card = sample('pull', (p) => p.want).want[0];

/** member: [required, values that must be refused] */
const rules = {
  event: {
    specversion: [true, ['1.1', 1, null]],
    source: [true, ['', '/stores/hub/terminals/a', '/stores/a/terminals/hub',
      '/stores/a/terminals/hub-2', '/stores/A/terminals/b', 'stores/a', 1,
      '/stores/a/terminals/b/c']],
    id: [true, ['', '1', 7, '9f2c6a1be07d4455-42']],
    type: [true, ['', 'tessera.v1', 'card.presented.v1', 'tessera.a.v0',
      'tessera.a..b.v1', 'tessera.A.v1', 'tessera.a.1', 3,
      `tessera.${'a'.repeat(140)}.v1`]],
    time: [true, wrong.time],
    journal: [true, wrong.journal],
    sequence: [true, [zero, ...wrong.counter]],
    boot: [true, wrong.boot],
    uptime: [true, ['', '-1', '01', '1.5', '12345678901234567', 7, null]],
    clock: [true, ['', 'SET', 'good', 1, null]],
    visit: [false, wrong.uuid],
    data: [true, ['', [], 1, null]],
  },
  ack: {
    journal: [true, wrong.journal],
    through: [true, wrong.counter],
    window: [true, wrong.window],
    hubtime: [true, wrong.time],
    refused: [false, [1, true, null, {}]],
  },
  resume: {
    journal: [true, wrong.journal],
    oldest: [true, [zero, ...wrong.counter]],
    newest: [true, [zero, ...wrong.counter]],
  },
  state: {
    online: [true, wrong.bool],
    boot: [true, wrong.boot],
    session: [true, wrong.number],
    version: [true, wrong.version],
    store: [true, wrong.name],
    journal: [true, wrong.journal],
    unsent: [true, wrong.number],
    oldest_unsent: [false, wrong.time],
  },
  pull: {
    log: [true, wrong.journal.filter((v) => v !== '')],
    after: [true, wrong.number],
    limit: [true, [0, 1001, '1', -1, null]],
    want: [false, [[], Array(65).fill(card), [card, 1], ['c1.short'], [null],
      [`c0${card.slice(2)}`], [`${card}x`], 'x', null]],
  },
  desk: {
    log: [true, wrong.journal],
    from: [true, wrong.number],
    to: [true, wrong.number],
    more: [true, wrong.bool],
    records: [true, [null, {}, [1], [null], 'x']],
    'records.0.position': [true, wrong.number],
    'records.0.kind': [true, ['', 'Profile', 'gift', 1, null]],
    'records.0.key': [true, ['', 'k'.repeat(201), 1, null]],
    'records.0.value': [true, []],
    'records.1.expires': [false, wrong.time],
  },
  bell: { log: [true, wrong.journal], through: [true, wrong.number] },
  hub: {
    online: [true, wrong.bool],
    epoch: [true, wrong.number],
    dicts: [true, [null, 1, [0], [-1], [2 ** 32], ['1'], [1.5],
      Array(17).fill(32769)]],
    window: [true, wrong.window],
  },
};

const whole = {
  event: sample('event', (p) => p.visit),
  ack: sample('ack', (p) => p.refused),
  resume: sample('resume'),
  state: sample('state', (p) => p.oldest_unsent),
  pull: sample('pull', (p) => p.want),
  desk: sample('desk', (p) => 'from' in p),
  bell: sample('bell'),
  hub: sample('hub', (p) => p.dicts.length),
};

test('what the product encodes is valid, every type of event among it', () => {
  for (const { schema, payload } of samples)
    assert.equal(validate(schema, payload), '', JSON.stringify(payload));
  assert.deepEqual(new Set(samples.map((s) => s.schema)),
    new Set(Object.keys(rules)));
  const event = JSON.parse(readFileSync(join(schemas, 'event.schema.json')));
  assert.deepEqual(
    new Set(samples.filter((s) => s.schema === 'event')
      .map((s) => s.payload.type)),
    new Set(event.allOf.map((rule) => rule.if.properties.type.const)));
});

test('an independent CloudEvents library takes every event', () => {
  for (const { payload } of samples.filter((s) => s.schema === 'event'))
    assert.ok(new CloudEvent(payload, true).validate());
});

test('the schemas name every member that the product writes', () => {
  for (const [name, payload] of Object.entries(whole))
    for (const member of Object.keys(payload))
      assert.ok(member in rules[name], `${name}.${member}`);
});

test('decoders take what is valid, unknown members included', () => {
  const cases = samples.flatMap(({ schema, payload }) => [
    { schema, payload },
    { schema, payload: { ...payload, tomorrow: { new: ['thing'] } } },
  ]);
  for (const [name, members] of Object.entries(rules))
    for (const [path, [required]] of Object.entries(members))
      if (!required)
        cases.push({ schema: name,
          payload: withMember(whole[name], path, undefined) });
  const events = samples.filter((s) => s.schema === 'event');
  cases.push({ schema: 'batch', payload: events.map((e) => e.payload) });
  decode(cases).forEach((verdict, i) => {
    assert.equal(verdict, 'ok', JSON.stringify(cases[i]));
    assert.equal(validate(cases[i].schema, cases[i].payload), '');
  });
});

test('decoders refuse what the schemas refuse', () => {
  const cases = [];
  for (const [name, members] of Object.entries(rules)) {
    for (const payload of [null, [], 'x', 1])
      cases.push({ schema: name, payload });
    for (const [path, [required, values]] of Object.entries(members))
      for (const value of [...(required ? [undefined] : []), ...values])
        cases.push({ schema: name,
          payload: withMember(whole[name], path, value) });
  }
  for (const payload of [[], {}, [1], [whole.event, 1],
    Array(1001).fill(whole.event), [withMember(whole.event, 'id', 'x')]])
    cases.push({ schema: 'batch', payload });
  assert.ok(cases.length > 250);
  decode(cases).forEach((verdict, i) => {
    const { schema, payload } = cases[i];
    const text = `${schema} ${JSON.stringify(payload).slice(0, 600)}`;
    assert.notEqual(validate(schema, payload), '', `schema takes ${text}`);
    assert.match(verdict, /^no .+/, `decoder takes ${text}`);
  });
});

// Two members that must agree are beyond JSON Schema; the words of a later
// version are read as `format`; both stand in docs/protocol.md.
test('where decoders and schemas differ', () => {
  const stricter = [
    { schema: 'event', payload: withMember(whole.event, 'id',
      `${whole.event.journal}-00000000000000000043`) },
    { schema: 'resume', payload: withMember(whole.resume, 'oldest',
      '00000000000000000043') },
    { schema: 'desk', payload: withMember(whole.desk, 'to', 1) },
    { schema: 'ack', payload: withMember(whole.ack, 'through',
      '00009007199254740992') },
    { schema: 'desk', payload: withMember(whole.desk, 'records.0.key',
      'ü'.repeat(101)) },
  ];
  decode(stricter).forEach((verdict, i) => {
    assert.equal(validate(stricter[i].schema, stricter[i].payload), '');
    assert.match(verdict, /^no /);
  });
  const open = { schema: 'ack',
    payload: withMember(whole.ack, 'refused', 'moon') };
  assert.notEqual(validate(open.schema, open.payload), '');
  assert.deepEqual(decode([open]), ['ok']);
});

test('data of an event is described by its type', () => {
  const broken = {
    'card.presented': { card: '2501008336538' },
    'item.scanned': { gtin: '12345' },
    'coupon.presented': { coupon: 7 },
    'item.voided': { sequence: 7 },
    'clock.stepped': { by_ms: 'much' },
    'consent.changed': { card: '2501008336538' },
    'code.unknown': { print: 'AB123456' },
    'visit.opened': { kind: 'picnic' },
    'offer.shown': { offer: undefined },
    'feedback.given': { score: 'good' },
    'terminal.started': { version: undefined },
    'journal.damaged': { lost: -1 },
  };
  for (const [type, change] of Object.entries(broken)) {
    const event = structuredClone(
      sample('event', (p) => p.type === `tessera.${type}.v1`));
    for (const [member, value] of Object.entries(change))
      if (value === undefined) delete event.data[member];
      else event.data[member] = value;
    assert.notEqual(validate('event', event), '', type);
  }
});

test('the AsyncAPI document names every topic and every schema', () => {
  const document = parse(readFileSync(join(root, 'docs/asyncapi.yaml'), 'utf8'));
  const leaves = Object.values(document.channels)
    .map((channel) => channel.address.split('/').pop());
  assert.deepEqual(new Set(leaves), new Set(['events', 'resume', 'acks',
    'state', 'pull', 'desk', 'bell', 'hub']));
  const found = Object.values(document.components.messages)
    .map((message) => message.payload.$ref ?? message.payload.schema.$ref);
  for (const name of ['batch', ...Object.keys(rules)])
    if (name !== 'event')
      assert.ok(found.includes(`./schema/${name}.schema.json`), name);
});

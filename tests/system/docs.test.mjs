// The documents say what is: every link leads somewhere, every schema and
// interface document is whole, every route is answered, every setting is in
// its manual page.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, test } from 'node:test';
import Ajv from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { openLane, openStage, root } from './help.mjs';

const tracked = execFileSync('git', ['-C', root, 'ls-files', '-co',
  '--exclude-standard'], { encoding: 'utf8' }).trim().split('\n');
const files = new Set(tracked);
const folders = new Set(tracked.flatMap((file) => {
  const parts = file.split('/');
  return parts.map((_, at) => parts.slice(0, at).join('/'));
}));
const read = (file) => readFileSync(join(root, file), 'utf8');
const exists = (path) => files.has(path) || folders.has(path);

/** Links and pictures of a page, those inside code left out. */
function linksOf(markdown) {
  const prose = markdown.replace(/^```[^]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^()\s]+)(?:\s+"[^"]*")?\)/g),
    ...prose.matchAll(/^\[[^\]]+\]:\s+(\S+)/gm),
    ...prose.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target);
}

/** The anchors that headings make, as GitHub spells them. */
function anchorsOf(markdown) {
  return new Set([...markdown.matchAll(/^#+ (.+)$/gm)].map(([, words]) =>
    words.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

test('every relative link and picture of the documents exists', () => {
  const pages = tracked.filter((file) => file.endsWith('.md'));
  const broken = [];
  let links = 0;
  for (const page of pages)
    for (const link of linksOf(read(page))) {
      if (/^[a-z]+:/.test(link)) continue;
      links++;
      const [path, anchor] = link.split('#');
      const target = path ? normalize(join(dirname(page), path))
        .replace(/\/$/, '') : page;
      if (target !== '.' && !exists(target)) broken.push(`${page}: ${link}`);
      else if (anchor && !anchorsOf(read(target)).has(anchor))
        broken.push(`${page}: ${link}, no such heading`);
    }
  assert.ok(links > 0, 'no link found');
  assert.deepEqual(broken, []);
});

test('paths that the documents name in code exist', () => {
  const known = ['agent', 'base', 'drivers', 'hub', 'sync', 'tools', 'tests',
    'packaging', 'docs', 'cmake'];
  const broken = [];
  for (const page of tracked.filter((file) => file.endsWith('.md')))
    for (const [, path] of read(page).matchAll(/`([a-z]+\/[\w./-]+)`/g)) {
      const plain = path.replace(/\/$/, '');
      // A name that begins with a dot is made by the build.
      if (!known.includes(plain.split('/')[0]) || plain.includes('/.')) continue;
      if (![plain, `${plain}.h`, join(dirname(page), plain)].some(exists))
        broken.push(`${page}: ${path}`);
    }
  assert.deepEqual(broken, []);
});

/** Each value of `$ref` anywhere in a document. */
function refsOf(value) {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === '$ref' && typeof inner === 'string' ? [inner] : refsOf(inner));
}

function pointed(document, pointer) {
  return pointer.split('/').slice(1).reduce((at, part) =>
    at?.[part.replaceAll('~1', '/').replaceAll('~0', '~')], document);
}

const documents = ['docs/openapi.yaml', 'docs/asyncapi.yaml',
  ...tracked.filter((file) => /^docs\/schema\/.*\.json$/.test(file))];
const load = (file) =>
  (file.endsWith('.json') ? JSON.parse : parse)(read(file));

for (const file of documents)
  test(`${file} is whole, with all that it refers to`, () => {
    const document = load(file);
    for (const ref of refsOf(document)) {
      const [path, pointer] = ref.split('#');
      const target = path ? normalize(join(dirname(file), path)) : file;
      assert.ok(files.has(target), `${ref}: no such file`);
      if (pointer)
        assert.ok(pointed(load(target), pointer) !== undefined,
          `${ref}: nothing there`);
    }
  });

test('every schema compiles', () => {
  const schemas = documents.filter((file) => file.endsWith('.json'));
  const ajv = new Ajv({ strictTypes: false, validateFormats: false });
  assert.ok(schemas.length > 0);
  for (const file of schemas) ajv.addSchema(load(file), load(file).$id ?? file);
  for (const file of schemas)
    assert.equal(typeof ajv.getSchema(load(file).$id ?? file), 'function', file);
});

describe('every route of openapi.yaml is answered', () => {
  const api = load('docs/openapi.yaml');
  const verbs = ['get', 'post', 'put', 'delete', 'options'];
  const routes = Object.entries(api.paths).flatMap(([path, item]) =>
    verbs.filter((verb) => item[verb]).map((verb) =>
      ({ path, verb, item, agent: item[verb].tags.includes('agent') })));

  /** A path with something real in place of each parameter. */
  const filled = ({ path }, key) => path
    .replace('{call}', 'track').replace('{writeKey}', key);

  async function ask(base, route, path, token) {
    const abort = new AbortController();
    const answer = await fetch(base + path, {
      method: route.verb.toUpperCase(), signal: abort.signal,
      headers: { authorization: `Bearer ${token}`,
        'content-type': 'application/json' },
      body: route.verb === 'post' ? '{}' : undefined,
    });
    const json = /json/.test(answer.headers.get('content-type')) &&
      await answer.json();
    abort.abort(); // a stream has no end
    return { status: answer.status, json };
  }

  /** What a JSON answer is not of its schema. */
  function strays(route, { status, json }) {
    const said = route.item[route.verb].responses[status]
      ?.content?.['application/json'];
    if (!json || !said) return [];
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.validate({ components: api.components, ...said.schema }, json);
    return ajv.errors ?? [];
  }

  test('by the hub and the agent, and no other is', async (t) => {
    const stage = await openStage(t);
    const hub = stage.theHub;
    await hub.start();
    const lane = await openLane(stage, {
      terminal: 'milano-01-lane-3', store: 'milano-01' });
    assert.ok(routes.some(({ agent }) => agent) &&
      routes.some(({ agent }) => !agent));
    for (const route of routes) {
      const answer = await ask(route.agent ? lane.url : hub.url, route,
        filled(route, hub.sources[0].key), hub.token);
      const { status } = answer;
      const name = `${route.verb} ${route.path}`;
      assert.notEqual(status, 404, name);
      assert.notEqual(status, 405, name);
      assert.ok(status < 500, `${name}: ${status}`);
      const said = Object.keys(route.item[route.verb].responses);
      assert.ok(said.includes(`${status}`) ||
        said.includes(`${`${status}`[0]}XX`), `${name} answers ${status}`);
      assert.deepEqual(strays(route, answer), [], name);
    }
    for (const base of [hub.url, lane.url]) {
      const { status } = await ask(base, { verb: 'get' }, '/api/nothing',
        hub.token);
      assert.equal(status, 404);
    }
  });

  test('and the sources serve no other', () => {
    const served = ['hub/web.c', 'agent/screen.c'].flatMap((file) =>
      [...read(file).matchAll(/\{"(\/[^"*]*)", TS_HTTP/g)]
        .map(([, path]) => path));
    assert.ok(served.length > 15, 'the tables of routes have moved');
    const pages = ['/', '/checkout', '/kiosk'];
    const told = new Set(Object.keys(api.paths));
    assert.deepEqual(served.filter((path) => path.startsWith('/') &&
      !pages.includes(path) && !told.has(path) &&
      !['/v1/', '/app/', '/console'].includes(path)), []);
  });
});

/** The names that settings tables declare. */
function settingsOf(...sources) {
  return [...new Set(sources.flatMap((file) =>
    [...read(file).matchAll(/\{[\s\\]*\.name = "([a-z_0-9]+)",[\s\\]*\.kind = TS_SETTING/g)]
      .map(([, name]) => name)))];
}

describe('every setting is in its manual page', () => {
  const pages = {
    'docs/man/tessera-agent.conf.5': ['agent/config.c', 'drivers/code/shop.c',
      'drivers/code/shop.h', 'sync/mqtt_settings.h'],
    'docs/man/tessera-hub.conf.5': ['hub/config.c', 'hub/customer.c',
      'sync/mqtt_settings.h'],
  };
  for (const [page, sources] of Object.entries(pages))
    test(page, () => {
      const manual = read(page).replaceAll('\\-', '-');
      const names = settingsOf(...sources);
      assert.ok(names.length > 30, `only ${names.length} settings found`);
      assert.deepEqual(names.filter((name) =>
        !new RegExp(`(^|[^\\w-])${name}([^\\w-]|$)`, 'im').test(manual)), []);
    });
});

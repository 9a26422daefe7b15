// Wrong settings and missing things: a message with file and line or device,
// and what to do. Programs start without a network and say so.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  attached, goods, openLane, openStage, until,
} from './help.mjs';

function runAgent(stage, lane) {
  const { status, stderr } = spawnSync(stage.tool('tessera-agent'),
    ['--config', lane.config], { encoding: 'utf8', timeout: 20_000 });
  return { status, text: stderr };
}

async function prepared(t) {
  const stage = await openStage(t);
  const lane = await stage.lane({
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  return { stage, lane };
}

/** Line number of the first line that holds `text`. */
const lineOf = (file, text) =>
  readFileSync(file, 'utf8').split('\n').findIndex((line) =>
    line.includes(text)) + 1;

const breakLine = (file, from, to) =>
  writeFileSync(file, readFileSync(file, 'utf8').replace(from, to));

test('settings that cannot be: file, line and what to do', async (t) => {
  const { stage, lane } = await prepared(t);
  const good = readFileSync(lane.config, 'utf8');
  for (const [from, to, named] of [
    ['kind = "checkout"', 'kind = "checkuot"', /checkout/],
    ['language = "it"', 'lanugage = "it"', /lanugage/],
    [`port = ${lane.port}`, 'port = 99999', /port/],
    [`port = ${lane.port}`, 'port = "eighty"', /port/],
    ['driver = "line"', 'driver = "lime"', /lime/],
    ['profile = "bel"', 'profile = "bell-ringer"', /bell-ringer/],
    ['terminal = "milano-01-lane-3"', 'terminal = "Milano 01"', /terminal/],
    ['terminal = "milano-01-lane-3"', 'terminal = "hub-9"', /terminal/],
  ]) {
    writeFileSync(lane.config, good);
    breakLine(lane.config, from, to);
    const { status, text } = runAgent(stage, lane);
    assert.notEqual(status, 0, to);
    const line = lineOf(lane.config, to);
    assert.match(text, named, to);
    assert.ok(text.includes(`agent.conf:${line}`), `${to}: ${text}`);
    const check = spawnSync(stage.tool('tessera'), ['check-config', lane.config],
      { encoding: 'utf8' });
    assert.notEqual(check.status, 0);
    assert.match(check.stdout + check.stderr, named);
  }
  writeFileSync(lane.config, good);
  assert.equal(spawnSync(stage.tool('tessera'),
    ['check-config', lane.config]).status, 0);
});

test('files that are not there or open to all', async (t) => {
  const { stage, lane } = await prepared(t);
  chmodSync(stage.keyFile, 0o644);
  assert.match(runAgent(stage, lane).text, /card\.keys.*chmod 600/);
  rmSync(stage.keyFile);
  assert.match(runAgent(stage, lane).text, /card\.keys/);
  const { status, stderr } = spawnSync(stage.tool('tessera-agent'),
    ['--config', '/nowhere/agent.conf'], { encoding: 'utf8' });
  assert.notEqual(status, 0);
  assert.match(stderr, /\/nowhere\/agent\.conf/);
});

test('a screen port in use', async (t) => {
  const { stage, lane } = await prepared(t);
  const server = createServer();
  await new Promise((done) => server.listen(lane.port, '127.0.0.1', done));
  stage.onClose(() => new Promise((done) => server.close(done)));
  const { status, text } = runAgent(stage, lane);
  assert.notEqual(status, 0);
  assert.match(text, new RegExp(`127\\.0\\.0\\.1:${lane.port}`));
  assert.match(text, /another program has this port/);
});

test('a reader that is not there, comes, goes and comes again', async (t) => {
  const { lane } = await prepared(t);
  await lane.start(); // no network, no reader
  const view = await until('the missing reader is told', async () => {
    const seen = await lane.view();
    return seen.readers[0]?.text && seen;
  });
  assert.ok(view.readers[0].text.includes(lane.reader.path));
  await lane.reader.plug();
  await attached(lane);
  lane.reader.scan(goods[0]);
  await until('a beep', () => lane.reader.beeps === 1);
  await lane.reader.unplug();
  await until('the unplug is told', async () =>
    (await lane.view()).readers[0].state === 'detached');
  await lane.reader.plug();
  await attached(lane);
  lane.reader.scan(goods[1]);
  await until('a beep again', () => lane.reader.beeps === 2);
  assert.equal((await lane.view()).visit.count, 2);
  const said = lane.log().split('\n').filter((line) =>
    line.includes(lane.reader.path));
  assert.ok(said.length < 12, `no log flood: ${said.length} lines`);
});

test('a port that another program holds', async (t) => {
  const { stage, lane } = await prepared(t);
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  const second = await stage.lane({
    terminal: 'milano-01-lane-4', store: 'milano-01',
  });
  second.reader.path = lane.reader.path;
  second.writeConfig();
  await second.start();
  const text = await until('the busy port is told', async () => {
    const [reader] = (await second.view()).readers;
    return reader?.state !== 'attached' && reader?.text;
  });
  assert.match(text, /in use|another program|busy/);
});

test('hub and agent start without a network and say so', async (t) => {
  const stage = await openStage(t);
  await stage.stopBroker();
  const hub = stage.theHub;
  stage.processes.start('hub', stage.tool('tessera-hub'),
    ['--config', hub.config]);
  await until('the hub lives', async () =>
    (await fetch(`${hub.url}/healthz`)).ok);
  assert.equal((await fetch(`${hub.url}/readyz`)).status, 503);
  await until('the hub says so', () =>
    /localhost/.test(stage.processes.log('hub')));
  const lane = await openLane(stage, {
    terminal: 'milano-01-lane-3', store: 'milano-01',
  });
  await until('the lane says so', async () => {
    const { line } = await lane.view();
    return !line.up && line.text.includes('localhost');
  });
  await stage.startBroker();
  await hub.ready();
  await lane.drained();
});

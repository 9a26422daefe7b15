// The way to the broker: several doors, of which one falls shut; and an HTTP
// proxy that wants a name and a password.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Proxy, attached, goods, openStage, until } from './help.mjs';

const names = { terminal: 'milano-01-lane-3', store: 'milano-01' };

async function status(lane) {
  const answer = await fetch(`${lane.url}/api/status`);
  return (await answer.json()).uplink;
}

test('the door in use falls shut: the other is taken, each time', async (t) => {
  const stage = await openStage(t);
  await stage.theHub.start();
  const lane = await stage.lane(names);
  const doors = [lane.line, await Proxy.start(stage.terminalPort)];
  stage.onClose(() => doors[1].stop());
  lane.hub.hosts = doors.map(({ port }) => `localhost:${port}`);
  lane.writeConfig();
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  for (let round = 0; round < 3; round++) {
    lane.reader.scan(goods[round]);
    await lane.drained();
    const { broker } = await status(lane);
    const used = doors.findIndex(({ port }) =>
      broker === `localhost port ${port}`);
    assert.ok(used >= 0, broker);
    assert.equal((await lane.view()).line.text, `connected to ${broker}`);
    doors[used].cut();
    lane.reader.scan(goods[round + 3]);
    const other = `localhost port ${doors[1 - used].port}`;
    await until('the other door is taken', async () => {
      const { up, broker: now } = await status(lane);
      return up && now === other;
    });
    await lane.drained();
    assert.ok(lane.log().includes(`connected to ${other}`));
    doors[used].restore();
  }
});

/** A proxy that lets `secret` through to any port of this machine. */
async function openProxy(stage, secret) {
  const server = createServer((_, answer) => answer.writeHead(405).end());
  const proxy = { asked: [], refuse: 0 };
  server.on('connect', (request, near, head) => {
    const [, code] = (request.headers['proxy-authorization'] ?? '').split(' ');
    const known = Buffer.from(code ?? '', 'base64').toString() === secret;
    proxy.asked.push(request.url);
    near.on('error', () => near.destroy());
    if (proxy.refuse || !known) {
      near.end(`HTTP/1.1 ${proxy.refuse || 407} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const far = connect(Number(request.url.split(':').pop()), '127.0.0.1');
    far.on('error', () => near.destroy());
    far.on('close', () => near.destroy());
    near.on('close', () => far.destroy());
    near.write('HTTP/1.1 200 Connection established\r\nVia: 1.1 out\r\n\r\n');
    far.write(head);
    near.pipe(far).pipe(near);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  stage.onClose(() => {
    server.close();
    server.closeAllConnections();
  });
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  return proxy;
}

test('through a proxy: what it refuses is told, and mended without a restart',
  async (t) => {
    const stage = await openStage(t);
    await stage.theHub.start();
    const proxy = await openProxy(stage, 'till:open sesame');
    const file = join(stage.folder, 'proxy.secret');
    const lane = await stage.lane(names);
    const told = (words) => until(`${words}`, async () =>
      words.test((await lane.view()).line.text));
    writeFileSync(file, 'till:wrong words\n', { mode: 0o600 });
    Object.assign(lane.hub, { proxy: proxy.url, proxy_file: file });
    lane.writeConfig();
    await lane.reader.plug();
    await lane.start();
    await attached(lane);
    lane.reader.scan(goods[0]);
    await told(/^proxy 127\.0\.0\.1 port \d+: does not accept the user and password in .*proxy\.secret/);
    proxy.refuse = 403;
    await told(/does not let us reach localhost port \d+ \(status 403\); have it permit CONNECT/);
    proxy.refuse = 502;
    await told(/cannot reach localhost port \d+ \(status 502\)/);
    proxy.refuse = 0;
    writeFileSync(file, 'till:open sesame\n', { mode: 0o600 });
    await lane.drained();
    assert.ok(proxy.asked.includes(`localhost:${lane.line.port}`));
    assert.match((await lane.view()).line.text, /^connected to localhost port/);
    for (const secret of ['sesame', 'wrong words',
      Buffer.from('till:open sesame').toString('base64')])
      assert.ok(!lane.log().includes(secret), 'no secret in the log');
  });

// The simulated devices' common ground: every byte, both ways, at once.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Processes } from '../../packaging/stage/processes.mjs';
import { Device } from './devices/device.mjs';
import { bin, until } from './help.mjs';

const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

/** A host of another make: `cat` on the port, and a shell's redirection. The
 * port stays open from before it is raw: a device cooks it when it is closed. */
async function host(t, path) {
  const reader = spawn('sh', ['-c',
    'exec < "$0"; stty raw -echo; echo ready >&2; exec cat', path],
  { stdio: ['ignore', 'pipe', 'pipe'] });
  await new Promise((ready) => { reader.stderr.once('data', ready); });
  const writer = spawn('sh', ['-c', 'cat > "$0"', path], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const heard = [];
  reader.stdout.on('data', (chunk) => heard.push(chunk));
  const end = () => {
    reader.kill();
    writer.kill();
  };
  t.after(end);
  return {
    end,
    heard: () => Buffer.concat(heard),
    write: (bytes) => writer.stdin.write(bytes),
  };
}

function open(t) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-device-'));
  const processes = new Processes(join(folder, 'logs'));
  t.after(async () => {
    await processes.stopAll();
    rmSync(folder, { recursive: true });
  });
  return new Device(processes, join(bin, 'tessera'), join(folder, 'port'));
}

test('a device and its host exchange all byte values', async (t) => {
  const device = open(t);
  await device.plug();
  const there = await host(t, device.path);
  there.write(every);
  await device.hears('every byte', () => device.heard.equals(every));
  device.send(every);
  device.send([0x0d, 0x0a]);
  const all = Buffer.concat([every, Buffer.from('\r\n')]);
  await until('the host has every byte', () => there.heard().equals(all));
});

test('a device answers what it hears, and comes back', async (t) => {
  const device = open(t);
  device.on('bytes', (bytes) => device.send(bytes.map((byte) => byte ^ 0xff)));
  for (let round = 1; round <= 2; round++) {
    await device.plug();
    const there = await host(t, device.path);
    there.write(every);
    const answer = every.map((byte) => byte ^ 0xff);
    await until('every byte is answered', () => there.heard().equals(answer));
    await device.unplug();
    assert.equal(device.plugged, false);
    there.end();
  }
  assert.equal(device.heard.length, 2 * every.length);
});

test('what a host said before it was gone is heard', async (t) => {
  const device = open(t);
  await device.plug();
  execFileSync('sh', ['-c',
    'stty -F "$0" raw -echo; printf "last word" > "$0"', device.path]);
  await device.hears('the last word',
    () => device.heard.toString() === 'last word');
});

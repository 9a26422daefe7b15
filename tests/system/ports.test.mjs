// Finding a reader: `tessera ports` on a made-up machine, and `--try` on a
// port where somebody scans. It sends nothing and shows nothing of a code.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Processes } from '../../packaging/stage/processes.mjs';
import { Device } from './devices/device.mjs';
import { attached, bin, openLane, openStage, until } from './help.mjs';

const tessera = join(bin, 'tessera');

function folderOf(t) {
  const folder = mkdtempSync(join(tmpdir(), 'tessera-ports-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A machine of its own: /sys/class/tty, /dev and /dev/serial/by-id. */
class Machine {
  constructor(t) {
    this.root = folderOf(t);
    for (const path of ['sys/class/tty', 'sys/devices', 'dev/serial/by-id'])
      mkdirSync(join(this.root, path), { recursive: true });
  }

  plug(tty, { vendor, product, serial, name, byId }) {
    const usb = join(this.root, 'sys/devices', `usb-${tty}`);
    const entry = join(this.root, 'sys/class/tty', tty);
    mkdirSync(join(usb, 'if', tty), { recursive: true });
    mkdirSync(entry);
    symlinkSync(join(usb, 'if', tty), join(entry, 'device'));
    const files = { idVendor: vendor, idProduct: product, serial, product: name };
    for (const [file, text] of Object.entries(files))
      if (text) writeFileSync(join(usb, file), `${text}\n`);
    const device = join(this.root, 'dev', tty);
    writeFileSync(device, '');
    if (byId)
      symlinkSync(device, join(this.root, 'dev/serial/by-id', byId));
    return device;
  }

  list(...options) {
    return execFileSync(tessera, ['ports', '--root', this.root, ...options],
      { encoding: 'utf8' });
  }

  rows() {
    return this.list('--json').trim().split('\n').map((row) => JSON.parse(row));
  }
}

test('each port is listed with what it suggests and why', (t) => {
  const machine = new Machine(t);
  assert.match(machine.list(), /No serial port is plugged in/);
  machine.plug('ttyACM0', { vendor: '05e0', product: '1701', serial: 'S1',
    name: 'Bar Code Scanner', byId: 'usb-Symbol_S1-if00' });
  machine.plug('ttyACM1', { vendor: '1eab', product: '1d06', serial: 'N2' });
  machine.plug('ttyUSB0', { vendor: '1a86', product: '7523' });
  const rows = machine.rows();
  assert.deepEqual(rows.map(({ driver, profile, trust }) =>
    [driver, profile, trust]), [['line', 'zebra', 'known'],
    ['line', 'newland', 'known'], ['line', 'generic', 'bridge']]);
  assert.deepEqual(rows.map(({ port }) => port), [
    join(machine.root, 'dev/serial/by-id/usb-Symbol_S1-if00'),
    'usb:1eab:1d06:N2', 'usb:1a86:7523']);
  assert.ok(rows.every(({ access, holder }) => access && holder === ''));
  const text = machine.list();
  for (const words of [/05e0:1701 Bar Code Scanner, serial S1/,
    /driver "line", profile "zebra"/, /a generic bridge: .*--try/,
    /better\s+driver "ssi", profile "usb-cdc"/])
    assert.match(text, words);
});

test('who holds a port is named', (t) => {
  const machine = new Machine(t);
  const device = machine.plug('ttyACM0', { vendor: '05e0', product: '1701' });
  const fd = openSync(device, 'r');
  t.after(() => closeSync(fd));
  assert.match(machine.rows()[0].holder, new RegExp(`pid ${process.pid}\\)`));
  assert.match(machine.list(), /in use\s+by .*pid/);
});

test('a port that may not be opened says what to do', (t) => {
  const machine = new Machine(t);
  const device = machine.plug('ttyACM0', { vendor: '05e0', product: '1701' });
  chmodSync(machine.root, 0o755);
  chmodSync(device, 0);
  // Root may open anything unless it gives that up.
  const drop = process.getuid() === 0
    ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];
  const [program, ...call] = [...drop, tessera, 'ports', '--root', machine.root];
  const answer = spawnSync(program, call, { encoding: 'utf8' });
  assert.match(answer.stdout, /access\s+denied: .*group dialout/);
});

/** A reader on a pty, and `tessera ports --try` that listens to it. */
async function listen(t, options = [], link = 'reader') {
  const folder = folderOf(t);
  const processes = new Processes(join(folder, 'logs'));
  t.after(() => processes.stopAll());
  const device = new Device(processes, tessera, join(folder, link));
  await device.plug();
  const child = spawn(tessera, ['ports', '--try', ...options, device.path]);
  t.after(() => child.kill());
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => { said += chunk; });
  const ended = new Promise((done) => { child.once('close', done); });
  return { device, child, ended, said: () => said };
}

const digits = '2512345678909';

test('text lines are recognised, and the section for them is printed',
  async (t) => {
    const { device, ended, said } = await listen(t);
    device.send(Buffer.from(`]E0${digits}\r\n`));
    assert.equal(await ended, 0, said());
    assert.match(said(), /Nothing is sent/);
    assert.match(said(), /text lines, 1 message, .*ended by CR LF/);
    assert.match(said(), /reader "scanner" \{\n {2}port = ".*reader"\n {2}driver = "line"\n {2}profile = "aim"\n {2}baud = 9600\n\}/);
    assert.equal(said().includes(digits.slice(0, 4)), false, said());
    assert.equal(device.heard.length, 0);
  });

test('the section that is printed is one that the agent takes', async (t) => {
  const { device, ended, said } = await listen(t);
  device.send(Buffer.from('8001120765741\r'));
  await ended;
  const section = /reader "scanner" \{[^}]*\}/.exec(said())[0];
  const stage = await openStage(t);
  const lane = await stage.lane({ terminal: 'milano-01-lane-3',
    store: 'milano-01', extra: section.replace('scanner', 'second') });
  const answer = spawnSync(tessera, ['check-config', lane.config],
    { encoding: 'utf8' });
  assert.equal(answer.status, 0, answer.stdout + answer.stderr);
});

test('a payment card leaves no digit on the screen', async (t) => {
  const { device, ended, said } = await listen(t);
  device.send(Buffer.from(
    '%B4111111111111111^DOE/JOHN^30121011000?;4111111111111111=30121011000?\r'));
  assert.equal(await ended, 0, said());
  assert.match(said(), /magnetic stripe/);
  assert.match(said(), /driver = "msr"/);
  assert.doesNotMatch(said(), /4111|1111|DOE|3012/);
});

test('frames are told apart from text', async (t) => {
  const { device, ended, said } = await listen(t, ['--json']);
  device.send('07f30000014e52fe65');
  assert.equal(await ended, 0, said());
  const row = JSON.parse(said());
  assert.equal(row.driver, 'ssi');
  assert.equal(row.recognised, true);
  assert.equal(device.heard.length, 0);
});

test('a wrong line setting is told, and the next one is tried', async (t) => {
  const { device, ended, said } = await listen(t);
  device.send('b83030b1b1b230b73635b7b4b18d'); // 7E1 read as 8N1
  await until('it listens with 7E1', () => /now 9600 7E1/.test(said()));
  assert.match(said(), /even parity/);
  device.send('00fe00fe80fe00f8fe00e0fe00fe'); // another speed
  await until('it listens at another speed', () =>
    /now 115200 8N1/.test(said()));
  device.send(Buffer.from('8001120765741\r'));
  assert.equal(await ended, 0, said());
  assert.match(said(), /baud = 115200/);
  assert.equal(device.heard.length, 0);
});

test('a silent port is given up, with what to look at', async (t) => {
  const { ended, said } = await listen(t, ['--seconds', '1']);
  assert.equal(await ended, 1);
  assert.match(said(), /nothing recognised.*keyboard mode/);
});

test('a port that is unplugged or in use is told', async (t) => {
  const { device, ended, said } = await listen(t);
  await until('it listens', () => /Listening/.test(said()));
  const busy = spawnSync(tessera, ['ports', '--try', device.path],
    { encoding: 'utf8' });
  assert.equal(busy.status, 1);
  assert.match(busy.stderr, /in use by tessera \(pid/);
  await device.unplug();
  assert.equal(await ended, 1);
  assert.match(said(), /unplugged/);
});

test('a port that another program holds is taken once that one is gone',
  async (t) => {
    const stage = await openStage(t);
    await stage.theHub.start();
    const lane = await stage.lane({
      terminal: 'milano-01-lane-3', store: 'milano-01' });
    await lane.reader.plug();
    const other = spawn(tessera, ['ports', '--try', lane.reader.path]);
    t.after(() => other.kill());
    await new Promise((said) => { other.stdout.once('data', said); });
    await lane.start();
    const text = await until('the reader is shown as faulted', async () => {
      const [shown] = (await lane.view()).readers;
      return shown.state === 'faulted' && shown.text;
    });
    assert.match(text, /in use by tessera \(pid \d+\): stop that program/);
    other.kill();
    await attached(lane);
    const tries = lane.log().match(/in use by/g);
    assert.equal(tries.length, 1, 'the log tells it once');
    lane.reader.scan('8001120765741');
    await lane.reader.hears('a beep', () => lane.reader.beeps === 1);
  });

test('TESSERA_VIA=libserialport makes the agent use libserialport',
  async (t) => {
    const before = process.env.TESSERA_VIA;
    const stage = await openStage(t);
    await stage.theHub.start();
    for (const [via, name] of [['libserialport', 'libserialport'],
      ['', 'termios']]) {
      process.env.TESSERA_VIA = via;
      t.after(() => {
        if (before === undefined) delete process.env.TESSERA_VIA;
        else process.env.TESSERA_VIA = before;
      });
      const lane = await openLane(stage, {
        terminal: `milano-01-${name.slice(0, 7)}`, store: 'milano-01' });
      const [reader] = (await lane.view()).readers;
      assert.match(reader.text, new RegExp(`by ${name}$`));
      lane.reader.scan('8001120765741');
      await lane.reader.hears('a beep', () => lane.reader.beeps === 1);
      await lane.reader.unplug();
      await until('it is shown as detached', async () =>
        (await lane.view()).readers[0].state === 'detached');
      await lane.reader.plug(); // another pty: another number
      await attached(lane);
      lane.reader.scan('96385074');
      await lane.reader.hears('a beep', () => lane.reader.beeps === 2);
    }
  });

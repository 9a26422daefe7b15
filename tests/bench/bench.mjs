// The figures of docs/performance.md, measured on one stage in one run.
//   packaging/bench [latency|tone|journal|memory|peers|reconnect|lines|backlog|
//     take|online|codes|drivers|readers|wire|lanes ...]
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { Stage, bin } from '../../packaging/stage/stage.mjs';
import { Postgres } from '../../packaging/stage/postgres.mjs';
import { until } from '../../packaging/stage/processes.mjs';
import { ean13 } from '../../packaging/stage/goods.mjs';
import { lines } from './lines.mjs';
import { drivers, readers } from './readers.mjs';
import { lanes } from './lanes.mjs';
import { memory } from './memory.mjs';
import { peers, reconnect } from './peers.mjs';
import { wire } from './wire.mjs';

const scans = Number(process.env.TESSERA_BENCH_SCANS ?? 3000);
const backlog = Number(process.env.TESSERA_BENCH_BACKLOG ?? 100_000);

async function openStage() {
  const stage = new Stage();
  await stage.open();
  await stage.hub();
  await stage.theHub.start();
  return stage;
}

/** Scan to durable commit and to the page, beside the raw sync. */
async function latency(stage) {
  const lane = await stage.lane({
    terminal: 'bench-lane-1', store: 'bench-01',
  });
  const child = spawn(join(bin, 'bench_scan'), [
    '--link', lane.reader.path, '--port', String(lane.port),
    '--count', String(scans), '--file', join(lane.state, 'raw-sync'),
  ], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const said = lines[Symbol.asyncIterator]();
  await said.next(); // plugged
  await lane.start();
  await until('the reader is heard', async () =>
    (await lane.view()).readers[0]?.state === 'attached');
  child.stdin.write('go\n');
  const { value } = await said.next();
  const result = JSON.parse(value);
  child.kill();
  await lane.drained();
  await lane.stop();
  console.log('\n## Scan to durable commit and to the page, microseconds');
  for (const name of ['sync', 'commit', 'page'])
    console.log(`${name.padEnd(8)} p50 ${result[name].p50}  ` +
      `p99 ${result[name].p99}`);
  for (const name of ['commit', 'page'])
    console.log(`${name} beside the raw sync: p50 ` +
      `+${result[name].p50 - result.sync.p50}, p99 ` +
      `+${result[name].p99 - result.sync.p99}`);
}

/** Commit to the first byte of the signal at the reader. */
async function tone(stage) {
  const result = JSON.parse(execFileSync(join(bin, 'bench_tone'), [
    '--folder', stage.folder, '--count', String(scans),
  ], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  console.log('\n## Durable commit to the first byte of the signal, ' +
    'microseconds');
  console.log(`p50 ${result.p50}  p99 ${result.p99}  longest ${result.max}`);
}

/** What the wait for company before a sync costs and saves. */
async function journal(stage) {
  console.log('\n## Flash wear against latency');
  for (const rate of ['200', '20']) {
    console.log(`${rate} scans/s`);
    process.stdout.write(execFileSync(join(bin, 'bench_journal'),
      [stage.folder, '10', rate, '0', '5', '20', '100'],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  }
}

/** A backlog that grew with the line cut, drained to the last ack. */
async function drain(stage) {
  const lane = await stage.lane({
    terminal: 'bench-lane-2', store: 'bench-01',
  });
  await lane.reader.plug();
  await lane.start();
  await until('the reader is heard', async () =>
    (await lane.view()).readers[0]?.state === 'attached');
  await lane.drained();
  lane.line.cut();
  await until('the line is down', async () => !(await lane.view()).line.up);
  const began = performance.now();
  const events = await fill(lane);
  console.log('\n## Backlog');
  console.log(`recorded ${events} events durably, each before its beep: ` +
    `${rate(lane.reader.sent, performance.now() - began)} scans/s`);
  const bytes = lane.line.bytes.up;
  const start = performance.now();
  lane.line.restore();
  await lane.drained(600);
  const took = performance.now() - start;
  const sent = lane.line.bytes.up - bytes;
  console.log(`drained to the last ack in ${(took / 1000).toFixed(2)} s: ` +
    `${rate(events, took)} events/s`);
  console.log(`on the line, TLS and MQTT included: ` +
    `${(sent / events).toFixed(1)} bytes/event`);
  const archived = (await stage.theHub.get('/api/counts')).archived;
  console.log(`archived at the hub: ${archived}`);
  await lane.stop();
}

const rate = (count, ms) => Math.round((count * 1000) / ms);

async function fill(lane) {
  const basket = 50;
  let at = 0;
  while ((await lane.view()).line.unsent < backlog) {
    const codes = Array.from({ length: basket }, () =>
      ean13(`952${String(at++).padStart(9, '0')}`));
    const before = lane.reader.beeps;
    lane.reader.scan(...codes);
    await lane.reader.hears('the beeps',
      () => lane.reader.beeps >= before + basket);
    await lane.command('/api/visit/close', {
      receipt: `R-${at}`, total_minor: 100, currency: 'EUR',
    });
  }
  return (await lane.view()).line.unsent;
}

/** Online events a second through the Segment endpoint, durable at 200. */
async function online(stage) {
  const hub = stage.theHub;
  const batches = 200;
  const size = 100;
  let next = 0;
  const began = performance.now();
  const client = async () => {
    while (next < batches) {
      const turn = next++;
      const batch = Array.from({ length: size }, (_, at) => ({
        type: 'track', event: 'Product Viewed', anonymousId: `a-${at}`,
        messageId: `m-${turn}-${at}`, timestamp: new Date().toISOString(),
        properties: { sku: at, price: 9.9, currency: 'EUR' },
      }));
      const answer = await hub.post('/v1/batch', {
        batch, sentAt: new Date().toISOString(),
      });
      if (answer.status !== 200) throw new Error(`hub: ${answer.status}`);
    }
  };
  await Promise.all(Array.from({ length: 4 }, client));
  console.log('\n## Hub: online events, durable before the answer');
  console.log(`${rate(batches * size, performance.now() - began)} events/s ` +
    `(4 clients, batches of ${size})`);
}

/** Store events a second through take alone: one commit a batch of 500. */
async function take(stage) {
  const server = await Postgres.open(stage);
  const databases = {
    SQLite: `sqlite:${join(stage.folder, 'bench.db')}`,
    PostgreSQL: server.url(),
  };
  console.log('\n## Hub: store events, one commit a batch of 500');
  for (const [name, url] of Object.entries(databases)) {
    const result = JSON.parse(execFileSync(join(bin, 'bench_take'), [
      '--database', url, '--events', '50000', '--batch', '500',
    ], { encoding: 'utf8' }));
    console.log(`${name}: ${JSON.stringify(result)}`);
  }
}

/** Element strings and Digital Links a second, beside one look at each byte. */
async function codes() {
  const result = JSON.parse(
    execFileSync(join(bin, 'bench_codes'), { encoding: 'utf8' }));
  console.log('\n## Codes: checked in a second, one core');
  for (const [name, { per_second: ours, raw_per_second: raw }] of
    Object.entries(result))
    console.log(`${name}: ${ours} lines/s, raw pass ${raw} lines/s`);
}

const parts = {
  latency, tone, journal, memory, peers, reconnect, lines, backlog: drain, take, online,
  codes, drivers, readers, wire, lanes,
};
const wanted = process.argv.slice(2);
const stage = await openStage();
try {
  for (const name of wanted.length ? wanted : Object.keys(parts))
    await parts[name](stage);
} finally {
  await stage.close();
}

// What an event costs on the wire: a real agent, a real broker, counted by a
// proxy between them; payloads by a client that listens beside the hub.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bin } from '../../packaging/stage/stage.mjs';
import { until } from '../../packaging/stage/processes.mjs';
import { ean13, loyaltyCards } from '../../packaging/stage/goods.mjs';

const { connectAsync } = createRequire(
  new URL('../system/package.json', import.meta.url))('mqtt');

const store = 'vorena-07';
const days = Number(process.env.TESSERA_BENCH_WIRE ?? 20_000);
const baskets = 30;

/** Payload bytes and number of publishes of a terminal's events. */
async function listen(stage, terminal) {
  const pem = (name) => readFileSync(join(stage.certs, name));
  const client = await connectAsync({
    protocol: 'mqtts', host: 'localhost', port: stage.hubPort,
    clientId: 'hub-9', ca: pem('ca.crt'), cert: pem('hub-1.crt'),
    key: pem('hub-1.key'), clean: true,
  });
  const heard = { bytes: 0, publishes: 0, client };
  client.on('message', (_, payload) => {
    heard.bytes += payload.length;
    heard.publishes++;
  });
  await client.subscribeAsync(`tessera/1/+/${terminal}/events`, { qos: 0 });
  return heard;
}

function report(name, events, up, heard) {
  const each = (bytes) => (bytes / events).toFixed(1).padStart(7);
  console.log(`${name.padEnd(34)} ${String(events).padStart(6)} events, ` +
    `${String(heard.publishes).padStart(5)} publishes; bytes/event: ` +
    `payload${each(heard.bytes)}, all sent${each(up)}`);
}

/** The events of many days, recorded without a line, then sent. */
async function backlog(stage, name, hub) {
  const terminal = `${store}-lane-${name === 'zstd' ? 11 : 12}`;
  const lane = await stage.lane({ terminal, store, hub });
  const heard = await listen(stage, terminal);
  execFileSync(join(bin, 'bench_wire_fill'), [
    '--journal', join(lane.state, 'journal.db'), '--terminal', terminal,
    '--store', store, '--events', String(days),
  ]);
  await lane.start();
  await lane.drained(300);
  await until('the listener has heard all', async () => {
    const before = heard.publishes;
    await new Promise((done) => setTimeout(done, 200));
    return before > 0 && heard.publishes === before;
  });
  report(`backlog, ${name}, TLS handshake too`, days, lane.line.bytes.up,
    heard);
  await heard.client.endAsync();
  await lane.stop();
}

/** Few articles make most of the trade: the one of rank r in 1/r of it. */
function article() {
  const rank = Math.floor(2 ** (Math.random() * 13));
  return ean13(`952${String((rank * 7919) % 1e9).padStart(9, '0')}`);
}

function basket() {
  const items = 1 + Math.floor(-10 * Math.log(1 - Math.random()));
  const scans = Array.from({ length: Math.min(items, 60) }, article);
  if (Math.random() < 0.5)
    scans.splice(Math.floor(Math.random() * scans.length), 0,
      loyaltyCards[Math.floor(Math.random() * loyaltyCards.length)]);
  return scans;
}

/** Each scan sent and acknowledged before the next. */
async function lone(stage, name, hub) {
  const terminal = `${store}-lane-${name === 'zstd' ? 3 : 4}`;
  const lane = await stage.lane({ terminal, store, hub });
  await lane.reader.plug();
  await lane.start();
  await until('the reader is heard', async () =>
    (await lane.view()).readers[0]?.state === 'attached');
  await lane.drained();
  const heard = await listen(stage, terminal);
  const before = lane.line.bytes.up;
  const status = async () =>
    (await fetch(`${lane.url}/api/status`)).json();
  const first = (await status()).uplink.events_acked;
  for (let at = 0; at < baskets; at++) {
    for (const code of basket()) {
      const { beeps } = lane.reader;
      lane.reader.scan(code);
      await lane.reader.hears('the beep', () => lane.reader.beeps > beeps);
      await lane.drained();
    }
    await lane.command('/api/visit/close', {
      receipt: `0090-${String(at).padStart(5, '0')}`,
      total_minor: 100 + Math.floor(Math.random() * 9000), currency: 'EUR',
    });
    await lane.drained();
  }
  const events = (await status()).uplink.events_acked - first;
  report(`one scan at a time, ${name}`, events, lane.line.bytes.up - before,
    heard);
  await heard.client.endAsync();
  await lane.stop();
}

export async function wire(stage) {
  console.log('\n## Bytes on the wire, MQTT 5 and TLS 1.2 included');
  await lone(stage, 'plain', { compress: false });
  await lone(stage, 'zstd', {});
  await backlog(stage, 'plain', { compress: false });
  await backlog(stage, 'zstd', {});
}

// A backlog drained by the agent, by mosquitto's bridge and by Paho C, and what
// a reconnect costs beside libmosquitto's: same events, same broker, one run.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Proxy } from '../../packaging/stage/proxy.mjs';
import { freePort, listening, until } from '../../packaging/stage/processes.mjs';
import { bin } from '../../packaging/stage/stage.mjs';
import { cpu, inMegabytes, memory, rate } from './measure.mjs';

const backlog = Number(process.env.TESSERA_BENCH_BACKLOG ?? 100_000);
// Paho C searches all that waits for each message: more would take hours.
const fewer = Math.min(backlog,
  Number(process.env.TESSERA_BENCH_PAHO ?? 20_000));
const reconnects = Number(process.env.TESSERA_BENCH_RECONNECTS ?? 50);
const store = 'vorena-07';
const topicOf = (terminal) => `tessera/1/01/${terminal}/events`;

const certificate = (stage, name) => ({
  ca: join(stage.certs, 'ca.crt'), cert: join(stage.certs, `${name}.crt`),
  key: join(stage.certs, `${name}.key`),
});

const words = (options) => Object.entries(options)
  .flatMap(([name, value]) => [`--${name}`, String(value)]);

/** Starts a program; `next` answers its next line. */
function play(program, args) {
  const child = spawn(join(bin, program), args,
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines =
    createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  return { child, next };
}

/** From the first byte on the open line to `done`. */
async function timed(line, done, connect = () => {}) {
  const before = line.bytes.up;
  line.restore();
  connect();
  while (line.bytes.up === before)
    await new Promise((look) => setTimeout(look, 2));
  const began = performance.now();
  await done();
  return { took: performance.now() - began, bytes: line.bytes.up - before };
}

function report(name, count, { took, bytes, seconds, held }) {
  console.log(`${name}: ${count} events in ${(took / 1000).toFixed(2)} s, ` +
    `${rate(count, took)} events/s; CPU ` +
    `${(seconds * 1e6 / count).toFixed(1)} us an event; ` +
    `${(bytes / count).toFixed(1)} bytes an event on the line`);
  console.log(`  with the backlog: ${inMegabytes(held)}`);
  return { rate: count * 1000 / took, cpu: seconds / count };
}

async function ours(stage) {
  const terminal = `${store}-lane-21`;
  const lane = await stage.lane({ terminal, store });
  execFileSync(join(bin, 'bench_wire_fill'), words({
    journal: join(lane.state, 'journal.db'), terminal, store, events: backlog,
  }));
  lane.line.cut();
  await lane.start();
  const { pid } = stage.processes.get(terminal);
  const held = memory(pid);
  const before = cpu(pid);
  const hub = stage.processes.get('hub').pid;
  const hubBefore = cpu(hub);
  const drained = await timed(lane.line, () => lane.drained(600));
  const result = report('agent, to the last ack', backlog,
    { ...drained, held, seconds: cpu(pid) - before });
  console.log(`  the hub meanwhile: ${(cpu(hub) - hubBefore).toFixed(2)} s ` +
    'of CPU, take and derive');
  await lane.stop();
  return result;
}

/** A subscriber that only counts; ready when it has subscribed. */
async function listener(stage, terminal, count) {
  const peer = play('bench_peer', ['listen', ...words({
    port: stage.hubPort, topic: topicOf(terminal), count,
    ...certificate(stage, 'hub-1'),
  })]);
  await peer.next();
  return peer;
}

function bridgeConfig(stage, terminal, port, line) {
  const { ca, cert, key } = certificate(stage, terminal);
  return `user ${userInfo().username}
listener ${port} 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 1000000
connection up
address localhost:${line.port}
topic # out 1
remote_clientid ${terminal}
cleansession false
notifications false
try_private false
restart_timeout 1
bridge_cafile ${ca}
bridge_certfile ${cert}
bridge_keyfile ${key}
bridge_tls_version tlsv1.2
`;
}

async function bridge(stage) {
  const terminal = `${store}-lane-22`;
  const folder = join(stage.folder, 'bridge');
  const port = await freePort();
  const line = await Proxy.start(stage.terminalPort);
  stage.onClose(() => line.stop());
  stage.certificates('terminal', terminal);
  mkdirSync(folder);
  const config = join(folder, 'bridge.conf');
  writeFileSync(config, bridgeConfig(stage, terminal, port, line));
  line.cut();
  const { pid } = stage.processes.start('bridge', 'mosquitto', ['-c', config]);
  await listening('bridge', port);
  execFileSync(join(bin, 'bench_peer'), ['fill', ...words({
    port, topic: topicOf(terminal), count: backlog,
  })]);
  const held = memory(pid);
  const before = cpu(pid);
  const peer = await listener(stage, terminal, backlog);
  const drained = await timed(line, peer.next);
  const result = report("mosquitto's bridge, to the last message at a bare " +
    'subscriber', backlog, { ...drained, held, seconds: cpu(pid) - before });
  await stage.processes.stop('bridge');
  return result;
}

async function paho(stage) {
  if (!existsSync(join(bin, 'bench_paho'))) {
    console.log('Paho C: not there, install libpaho-mqtt-dev and build again');
    return undefined;
  }
  const terminal = `${store}-lane-23`;
  const folder = join(stage.folder, 'paho');
  const line = await Proxy.start(stage.terminalPort);
  stage.onClose(() => line.stop());
  stage.certificates('terminal', terminal);
  mkdirSync(folder);
  line.cut();
  const { child, next } = play('bench_paho', words({
    uri: `ssl://localhost:${line.port}`, id: terminal, count: fewer, folder,
    topic: topicOf(terminal), ...certificate(stage, terminal),
  }));
  await next();
  const held = memory(child.pid);
  const before = cpu(child.pid);
  const drained = await timed(line, next, () => child.stdin.write('\n'));
  const result = report('Paho C, file persistence, to the last PUBACK', fewer,
    { ...drained, held, seconds: cpu(child.pid) - before });
  child.kill();
  return result;
}

export async function peers(stage) {
  console.log(`\n## A backlog of ${backlog} events beside other clients`);
  const agent = await ours(stage);
  // It would refuse what the others send; their subscriber only counts.
  await stage.theHub.stop();
  const others = { bridge: await bridge(stage), 'Paho C': await paho(stage) };
  await stage.theHub.start();
  for (const [name, other] of Object.entries(others))
    if (other)
      console.log(`agent : ${name} = ` +
        `${(agent.rate / other.rate).toFixed(1)} : 1 in events/s, ` +
        `1 : ${(other.cpu / agent.cpu).toFixed(1)} in CPU`);
}

/** CPU and bytes of `count` sessions of a lane that `lose` ends. */
async function sessions(lane, pid, count, lose) {
  // By its log: a question at its page would cost CPU too.
  const connected = () => lane.log().split('uplink: connected').length;
  const bytes = { ...lane.line.bytes };
  const before = cpu(pid);
  for (let at = 0; at < count; at++) {
    const already = connected();
    await lose();
    await until('the line is up again', () => connected() > already);
  }
  const each = (value) => value / count;
  return {
    us: each((cpu(pid) - before) * 1e6), sent: each(lane.line.bytes.up -
      bytes.up), got: each(lane.line.bytes.down - bytes.down),
  };
}

/** libmosquitto's own sessions, through a proxy of their own. */
async function stock(stage, terminal) {
  const line = await Proxy.start(stage.terminalPort);
  const peer = play('bench_peer', ['reconnect', ...words({
    port: line.port, count: reconnects, ...certificate(stage, terminal),
  })]);
  const { cpu_us: us } = JSON.parse(await peer.next());
  const { up, down } = line.bytes;
  await line.stop();
  // One more than are timed.
  return { us, sent: up / (reconnects + 1), got: down / (reconnects + 1) };
}

export async function reconnect(stage) {
  const lane = await stage.lane({
    terminal: 'bench-reconnect', store: 'bench-01',
    hub: { backoff_min_ms: 100, backoff_max_ms: 200 },
  });
  await lane.start();
  await lane.drained();
  const { pid } = stage.processes.get(lane.terminal);
  const resumed = await sessions(lane, pid, reconnects, () => {
    lane.line.cut();
    lane.line.restore();
  });
  // A broker that starts has new keys for its tickets.
  const full = await sessions(lane, pid, Math.ceil(reconnects / 5),
    async () => {
      lane.line.cut();
      await stage.stopBroker();
      await stage.startBroker();
      lane.line.restore();
    });
  await lane.stop();
  const rows = {
    'agent, TLS resumed': resumed, 'agent, TLS in full': full,
    'libmosquitto with OpenSSL': await stock(stage, lane.terminal),
  };
  console.log('\n## A reconnect, a session each');
  for (const [name, { us, sent, got }] of Object.entries(rows))
    console.log(`${name}: ${us.toFixed(0)} us of CPU, ` +
      `${sent.toFixed(0)} bytes sent, ${got.toFixed(0)} received`);
}

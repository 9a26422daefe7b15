// A whole chain on one machine: what it costs the hub to have thousands of
// terminals, and what happens when a thousand of them come back at once.
import { readFileSync } from 'node:fs';
import { Stage } from '../../packaging/stage/stage.mjs';
import { Fleet } from '../../packaging/stage/fleet.mjs';
import { watchBroker } from '../system/broker_load.mjs';

const sizes = (process.env.TESSERA_BENCH_LANES ?? '1000,10000')
  .split(',').map(Number);
const returning = Number(process.env.TESSERA_BENCH_RETURN ?? 1000);
const each = Number(process.env.TESSERA_BENCH_EACH ?? 100);

/** User and system time of a process so far, in seconds. */
function cpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const members = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(members[11]) + Number(members[12])) / 100;
}

function megabytes(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  return Number(/^Pss: +(\d+) kB/m.exec(text)[1]) / 1024;
}

async function open(lanes) {
  const stage = new Stage({ plain: true });
  await stage.open();
  await stage.hub();
  await stage.theHub.start();
  const fleet = new Fleet(stage, { lanes });
  fleet.register();
  return { stage, fleet, load: await watchBroker(stage.plainPort) };
}

/** Plays a script; answers the report and what hub and broker used. */
async function measure(lanes, script, options) {
  const { stage, fleet, load } = await open(lanes);
  try {
    const pids = ['hub', 'broker'].map((name) =>
      stage.processes.get(name).pid);
    const before = pids.map(cpu);
    const began = performance.now();
    const { report, stderr } = await fleet.play(script, { options });
    const took = (performance.now() - began) / 1000;
    if (!report) throw new Error(stderr);
    const used = pids.map((pid, at) => cpu(pid) - before[at]);
    return {
      report, took, peak: load.peak,
      hub: { cpu: used[0], mb: megabytes(pids[0]) },
      broker: { cpu: used[1], mb: megabytes(pids[1]) },
    };
  } finally {
    await load.end();
    await stage.close();
  }
}

/** A promise that was not kept in time is a figure too. */
function told(report) {
  for (const text of report.broken) console.log(`  BROKEN: ${text}`);
  if (report.refused + report.batches_again > report.batches / 10)
    console.log(`  ${report.batches_again} of ${report.batches} batches sent ` +
      `again, ${report.refused} refused`);
}

const share = (seconds, took) => `${(100 * seconds / took).toFixed(0)} %`;

/** Many lanes at work: one event a lane every 10 s. */
async function atWork(lanes) {
  const seconds = 20 + Math.ceil(lanes / 200);
  const { report, took, hub, broker } = await measure(lanes,
    `at ${seconds}s stop\nuntil drained 120s\n`,
    ['--rate', 6, '--spread', Math.max(2000, lanes * 2)]);
  console.log(`${lanes} lanes: ${report.archive.archived} events archived in ` +
    `${took.toFixed(0)} s, all connected after ` +
    `${(report.all_connected_ms / 1000).toFixed(1)} s`);
  told(report);
  console.log(`  ack p50 ${report.ack_calm.p50_ms.toFixed(1)} ms, ` +
    `p99 ${report.ack_calm.p99_ms.toFixed(1)} ms`);
  console.log(`  hub ${share(hub.cpu, took)} of a core, ` +
    `${hub.mb.toFixed(0)} MB; broker ${share(broker.cpu, took)}, ` +
    `${broker.mb.toFixed(0)} MB; simulator ` +
    `${report.simulator_cpu_percent.toFixed(0)} %, ` +
    `${(report.bytes_a_lane / 1024).toFixed(0)} KiB a lane, ` +
    `late by ${report.late_ms} ms at most`);
}

/** All lines are cut, a backlog grows, all come back at the same instant. */
async function comeBack(lanes) {
  const { report, took, hub, broker, peak } = await measure(lanes, `
at 10s line cut
at 12s backlog ${each}
at 20s stop
at 25s line open
until drained 300s
`, ['--rate', 6]);
  const cut = report.faults.find(({ step }) => step === 'line cut');
  const rate = Math.round(cut.backlog * 1000 / (cut.recovered_ms ?? Infinity));
  console.log(`${lanes} lanes come back with ${cut.backlog} events: ` +
    `connected in ${(cut.connected_ms / 1000).toFixed(1)} s, drained in ` +
    `${(cut.recovered_ms / 1000).toFixed(1)} s, ${rate} events/s`);
  told(report);
  console.log(`  most connections in a second: ` +
    `${report.connects_peak_per_second}; batches sent again: ` +
    `${report.batches_again} of ${report.batches}; taken again: ` +
    `${report.hub.taken_again}; most messages in the broker: ` +
    `${peak.stored} (${(peak.storedBytes / 1048576).toFixed(1)} MB), ` +
    `dropped ${peak.dropped}`);
  console.log(`  hub ${hub.cpu.toFixed(1)} s of CPU, broker ` +
    `${broker.cpu.toFixed(1)} s, over ${took.toFixed(0)} s; ` +
    `${report.bytes_an_event.toFixed(0)} bytes an event`);
}

export async function lanes() {
  console.log('\n## Virtual lanes: plain MQTT on loopback, hub on SQLite');
  for (const count of sizes) await atWork(count);
  if (returning) await comeBack(returning);
}

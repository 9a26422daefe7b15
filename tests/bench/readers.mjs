// What readers cost: their bytes through the drivers, and an agent with four.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { bin } from '../../packaging/stage/stage.mjs';
import { until } from '../../packaging/stage/processes.mjs';
import { ean13 } from '../../packaging/stage/goods.mjs';
import { readerSection } from '../system/devices/device.mjs';
import { SsiScanner, types } from '../system/devices/ssi.mjs';

const seconds = Number(process.env.TESSERA_BENCH_SECONDS ?? 20);
const pause = () => new Promise((done) => setTimeout(done, seconds * 1000));

/** Bytes of barcode readers through their drivers, beside one look at each. */
export async function drivers() {
  const result = JSON.parse(
    execFileSync(join(bin, 'bench_drivers'), { encoding: 'utf8' }));
  console.log('\n## Drivers: 13-digit scans, one core');
  for (const [name, figures] of Object.entries(result))
    console.log(`${name}: ${figures.bytes_per_second} bytes/s, ` +
      `${figures.scans_per_second} scans/s, ` +
      `raw pass ${figures.raw_bytes_per_second} bytes/s`);
}

/** User and system time of a process so far, in seconds. */
function cpu(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const members = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(members[11]) + Number(members[12])) / 100;
}

async function fourScanners(stage) {
  const scanners = [1, 2, 3, 4].map((n) => new SsiScanner(stage.processes,
    join(bin, 'tessera'), join(stage.folder, `bench-ssi-${n}`)));
  const lane = await stage.lane({
    terminal: 'bench-lane-3', store: 'bench-01',
    extra: scanners.map((scanner, at) =>
      readerSection(`ssi-${at}`, scanner, 'ssi', 'usb-cdc')).join(''),
  });
  for (const scanner of scanners) await scanner.plug();
  await lane.start();
  await until('all are set up', () => scanners.every(({ commands, enabled }) =>
    enabled && commands.length > 8));
  return { lane, scanners };
}

/** The agent's share of one core with four scanners at ten codes a second. */
export async function readers(stage) {
  const { lane, scanners } = await fourScanners(stage);
  const { pid } = stage.processes.get(lane.terminal);
  const rested = cpu(pid);
  await pause();
  const before = cpu(pid);
  const began = performance.now();
  let at = 0;
  const timers = scanners.map((scanner) => setInterval(() =>
    scanner.scan(types.ean13, ean13(`952${String(at++).padStart(9, '0')}`)),
  100));
  await pause();
  timers.forEach(clearInterval);
  const took = (performance.now() - began) / 1000;
  const used = cpu(pid) - before;
  await until('all are answered', () => scanners.every(({ idle }) => idle));
  const answered = scanners.reduce((n, { delivered }) =>
    n + delivered.length, 0);
  console.log('\n## Agent: four SSI scanners, ten codes a second each');
  console.log(`${answered} of ${at} answered, ` +
    `${(at / took).toFixed(1)} codes/s, ` +
    `${((100 * used) / took).toFixed(1)} % of one core; ` +
    `at rest ${((100 * (before - rested)) / seconds).toFixed(2)} %`);
  await lane.stop();
}

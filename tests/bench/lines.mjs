// What a broken line costs the person at the scanner: the same scans, in one
// run, on an open line and under each fault.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { FaultLine } from '../../packaging/stage/fault_line.mjs';
import { until } from '../../packaging/stage/processes.mjs';
import { bin } from '../../packaging/stage/stage.mjs';

const faults = [
  'open', 'cut', 'half-open', 'portal', 'garbage', 'delay 600', 'loss 2',
  'rate 8000', 'open',
];

async function laneBehind(stage, line, at) {
  const lane = await stage.lane({
    terminal: `bench-line-${at}`, store: 'bench-01',
    hub: { port: line.port },
  });
  const child = spawn(join(bin, 'bench_scan'), [
    '--link', lane.reader.path, '--port', String(lane.port),
    '--count', String(process.env.TESSERA_BENCH_SCANS ?? 3000),
    '--file', join(lane.state, 'raw-sync'),
  ], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await said.next(); // plugged
  await lane.start();
  await until('reader and line are up', async () => {
    const { readers, line: { up } } = await lane.view();
    return up && readers[0]?.state === 'attached';
  });
  return { lane, child, said };
}

/** p50 and p99 in microseconds, and each beside the open line's. */
function print(words, result, open) {
  const beside = (name, at) =>
    `${at} ${result[name][at]} (${(result[name][at] / open[name][at]).toFixed(2)})`;
  const of = (name) => `${name} ${beside(name, 'p50')} ${beside(name, 'p99')}`;
  console.log(`${words.padEnd(10)} ${of('commit')}  ${of('page')}  ` +
    `sync p99 ${result.sync.p99}`);
}

export async function lines(stage) {
  console.log('\n## Scan to durable commit and to the page under a broken ' +
    'line, microseconds (beside the first open line)');
  let open;
  for (const [at, words] of faults.entries()) {
    const line = await FaultLine.start(stage, stage.terminalPort, `line-${at}`);
    const { lane, child, said } = await laneBehind(stage, line, at);
    await line.say(words);
    child.stdin.write('go\n');
    const result = JSON.parse((await said.next()).value);
    child.kill();
    open ??= result;
    print(words, result, open);
    await line.say('open');
    await lane.drained(600);
    await lane.stop();
  }
}

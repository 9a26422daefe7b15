// packaging/soak: kills for a long time and writes down what became of it.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { brokers } from '../../packaging/stage/brokers.mjs';
import { asTable, asText } from './report.mjs';
import { soak } from './run.mjs';

const usage = `usage: packaging/soak [--kills N] [--seed N] [--lanes N]
    [--broker ${Object.keys(brokers).join('|')}] [--out FOLDER]

Starts a hub, a broker and lanes, scans without a pause and kills them with
kill -9; then compares what beeped, the journals and the archive event by event.
Writes report.json, report.txt and report.md to FOLDER (build/soak).
Defaults: 1000 kills, 4 lanes, mosquitto, a seed of the clock.`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '1000' },
      seed: { type: 'string', default: String(Date.now() % 1e9) },
      lanes: { type: 'string', default: '4' },
      broker: { type: 'string', default: 'mosquitto' },
      out: { type: 'string', default: 'build/soak' },
    },
  });
  const [kills, seed, lanes] = [values.kills, values.seed, values.lanes]
    .map(Number);
  const good = Number.isInteger(kills) && kills > 0 &&
    Number.isInteger(seed) && lanes >= 1 && lanes <= 9 &&
    values.broker in brokers;
  if (!good) throw new Error('a value is out of range');
  return { kills, seed, lanes, broker: values.broker, out: values.out };
}

let options;
try {
  options = readArguments();
} catch (error) {
  console.error(`error: ${error.message}\n${usage}`);
  process.exit(2);
}
const { out, ...rest } = options;
console.log(`seed ${rest.seed}`);
const report = await soak({ ...rest, say: (text) => console.log(text) });
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
writeFileSync(join(out, 'report.txt'), `${asText(report)}\n`);
writeFileSync(join(out, 'report.md'), `${asTable(report)}\n`);
console.log(asText(report));
process.exitCode = report.faults.length ? 1 : 0;

// What the agent occupies with four readers, two pages and TLS up: at work, at
// rest, and after a backlog. The backlog's events are those of peers.mjs.
import { execFileSync } from 'node:child_process';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ean13 } from '../../packaging/stage/goods.mjs';
import { until } from '../../packaging/stage/processes.mjs';
import { Reader } from '../../packaging/stage/reader.mjs';
import { quoted } from '../../packaging/stage/settings.mjs';
import { bin } from '../../packaging/stage/stage.mjs';
import { inMegabytes, memory as memoryOf } from './measure.mjs';

const backlog = Number(process.env.TESSERA_BENCH_BACKLOG ?? 100_000);
const terminal = 'bench-memory';

async function openLane(stage) {
  const folder = join(stage.folder, terminal);
  const others = [1, 2, 3].map((n) => new Reader({
    stage, terminal: `${terminal}-${n}`, folder: join(folder, `reader-${n}`),
  }));
  for (const [at, reader] of others.entries())
    reader.path = join(folder, `reader-${at}`);
  const lane = await stage.lane({
    terminal, store: 'bench-01', extra: others.map(({ path }, at) => `
reader "more-${at}" {
  port = ${quoted(path)}
  driver = "line"
  profile = "bel"
}`).join('\n'),
  });
  const readers = [lane.reader, ...others];
  for (const reader of readers) await reader.plug();
  await lane.start();
  await until('all readers are heard', async () =>
    (await lane.view()).readers.every(({ state }) => state === 'attached'));
  return { lane, readers };
}

/** A page's event stream, read by nobody in particular. */
async function openPage(lane) {
  const controller = new AbortController();
  const { body } = await fetch(`${lane.url}/api/events`,
    { signal: controller.signal });
  (async () => { for await (const chunk of body) void chunk; })()
    .catch(() => {});
  return controller;
}

async function basket(lane, readers, size, at) {
  for (const reader of readers) {
    const before = reader.beeps;
    reader.scan(...Array.from({ length: size }, (_, n) =>
      ean13(`952${String(at * size + n).padStart(9, '0')}`)));
    await reader.hears('the beeps', () => reader.beeps >= before + size);
  }
  await lane.command('/api/visit/close',
    { receipt: `R-${at}`, total_minor: 100, currency: 'EUR' });
}

/** The least that it occupies within `seconds`: it gives back when it rests. */
async function atRest(pid, seconds = 20) {
  let least = memoryOf(pid);
  for (let at = 0; at < seconds * 2; at++) {
    await new Promise((done) => setTimeout(done, 500));
    const now = memoryOf(pid);
    if (now.rss < least.rss) least = now;
  }
  return least;
}

export async function memory(stage) {
  const { lane, readers } = await openLane(stage);
  const pages = [await openPage(lane), await openPage(lane)];
  const { pid } = stage.processes.get(terminal);
  const say = (when, what) => console.log(`${when}: ${inMegabytes(what)}`);
  console.log('\n## Agent: memory with four readers, two pages, TLS up');
  for (let at = 0; at < 20; at++) await basket(lane, readers, 10, at);
  await lane.drained();
  say('after 800 scans', memoryOf(pid));
  say('at rest', await atRest(pid));
  lane.line.cut();
  for (let at = 0; (await lane.view()).line.unsent < backlog; at++)
    await basket(lane, [lane.reader], 50, at);
  say(`with ${backlog} unsent events`, memoryOf(pid));
  lane.line.restore();
  await lane.drained(600);
  say('when they have drained', memoryOf(pid));
  say('at rest again', await atRest(pid));
  for (const page of pages) page.abort();
  await lane.stop();
  const stripped = join(stage.folder, 'stripped');
  copyFileSync(join(bin, 'tessera-agent'), stripped);
  execFileSync('strip', [stripped]);
  console.log(`program ${(statSync(stripped).size / 1024).toFixed(0)} kB ` +
    'stripped');
}

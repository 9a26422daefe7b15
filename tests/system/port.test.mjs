// A port that the agent's user may not open: the agent runs, says what to do,
// and takes the reader up once it may.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync, chownSync, copyFileSync, readFileSync, realpathSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attached, goods, openStage, until } from './help.mjs';

const idOf = (kind) =>
  Number(execFileSync('id', [kind, 'nobody'], { encoding: 'utf8' }));

/** Root may open every port: then the agent runs as nobody, who owns all that
 * the agent needs except the port. */
async function startAsNobody(stage, lane) {
  const program = join(lane.folder, 'tessera-agent');
  copyFileSync(stage.tool('tessera-agent'), program);
  chmodSync(program, 0o755);
  for (const path of [stage.folder, stage.certs, lane.folder])
    chmodSync(path, 0o711); // only to walk through
  for (const path of [lane.config, lane.state, join(lane.folder, 'run'),
    join(stage.certs, `${lane.terminal}.key`), stage.keyFile])
    chownSync(path, idOf('-u'), idOf('-g'));
  stage.processes.start(lane.terminal, 'setpriv', [
    `--reuid=${idOf('-u')}`, `--regid=${idOf('-g')}`, '--clear-groups',
    program, '--config', lane.config,
  ], { cwd: '/' });
  await until(`${lane.terminal} answers`, async () =>
    (await fetch(`${lane.url}/healthz`)).ok);
}

test('no permission for the port is told, and heals without a restart',
  async (t) => {
    const stage = await openStage(t);
    await stage.theHub.start();
    const lane = await stage.lane({
      terminal: 'milano-01-lane-3', store: 'milano-01',
    });
    const root = process.getuid() === 0;
    await lane.reader.plug();
    const port = realpathSync(lane.reader.path);
    chmodSync(port, root ? 0o600 : 0);
    if (root) await startAsNobody(stage, lane);
    else await lane.start();

    const reader = await until('the reader is shown as faulted', async () => {
      const [shown] = (await lane.view()).readers;
      return shown.state === 'faulted' && shown;
    });
    t.diagnostic(reader.text);
    for (const words of [/no permission/, /group dialout/])
      assert.match(reader.text, words);
    assert.ok(reader.text.includes(port), reader.text);
    await until('the log says it too', () =>
      /no permission for .*group dialout/.test(lane.log()));
    await until('the line is up nevertheless', async () =>
      (await lane.view()).line.up);
    const { pid } = stage.processes.get(lane.terminal);
    if (root)
      assert.match(readFileSync(`/proc/${pid}/status`, 'utf8'),
        new RegExp(`^Uid:\\t${idOf('-u')}\\t`, 'm'));

    chmodSync(port, root ? 0o666 : 0o600);
    await attached(lane);
    lane.reader.scan(goods[0]);
    await lane.reader.hears('a beep', () => lane.reader.beeps > 0);
    await lane.drained();
    assert.equal(stage.processes.get(lane.terminal).pid, pid);
    const types = (await stage.theHub.archive(lane.terminal))
      .map(({ type }) => type);
    for (const type of ['reader.faulted', 'reader.attached', 'item.scanned'])
      assert.ok(types.includes(type), `${type} in ${types}`);
  });

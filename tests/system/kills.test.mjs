// The promise against kill -9: agents, hub and broker die again and again while
// several tills scan; packaging/soak does the same for longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { asText } from '../soak/report.mjs';
import { soak } from '../soak/run.mjs';

const kills = Number(process.env.TESSERA_KILLS ?? 45);

test(`${kills} kills, and the archive holds what beeped`, async (t) => {
  const seed = Number(process.env.TESSERA_SEED ?? Date.now() % 1e9);
  t.diagnostic(`TESSERA_SEED=${seed}`);
  const report = await soak({ kills, seed, lanes: 3 });
  const text = asText(report);
  for (const line of text.split('\n')) t.diagnostic(line);
  assert.deepEqual(report.faults, [], text);
  assert.equal(report.kills.total, kills);
  for (const kind of ['agent', 'hub', 'broker'])
    assert.ok(report.kills[kind] >= Math.floor(kills / 3), kind);
  assert.ok(report.totals.beeped > kills, 'the tills scanned all the while');
});

// One soak from its stage to its verdict; tests/system/kills.test.mjs runs a
// short one, packaging/soak a long one.
import { Stage } from '../../packaging/stage/stage.mjs';
import { Killer } from './kills.mjs';
import { Till } from './till.mjs';
import { examine } from './verdict.mjs';

const stores = ['milano-01', 'roma-02'];
const perRound = 100;

async function openTills(stage, { lanes, seed }) {
  const tills = [];
  for (let n = 1; n <= lanes; n++) {
    const store = stores[n % stores.length];
    const lane = await stage.lane({ terminal: `${store}-lane-${n}`, store });
    await lane.reader.plug();
    tills.push(new Till(lane, n, { seed }));
  }
  return tills;
}

async function openAll(stage, tills) {
  if (stage.broker.kind !== 'mosquitto') await stage.startBroker();
  await stage.theHub.start();
  for (const { lane } of tills) {
    await lane.start();
    await lane.hears();
  }
}

/** Everything that beeped is taken, by the terminals' own word. */
async function allTaken(tills) {
  const began = Date.now();
  for (const { lane } of tills) await lane.drained(600);
  return Date.now() - began;
}

async function killInRounds(tills, killer, { kills, say }) {
  let catchUpMs = 0;
  while (killer.total < kills) {
    for (const till of tills) till.start();
    await killer.round(Math.min(perRound, kills - killer.total));
    for (const till of tills) await till.end();
    const tookMs = await allTaken(tills);
    catchUpMs = Math.max(catchUpMs, tookMs);
    say(`${killer.total} kills, ` +
      `${tills.reduce((sum, { beeped }) => sum + beeped.length, 0)} scans ` +
      `recorded; all taken ${(tookMs / 1000).toFixed(1)} s after the last`);
  }
  return catchUpMs;
}

/** Kills so often; answers the whole report. At most nine lanes. */
export async function soak({
  kills, seed, lanes = 4, broker = 'mosquitto', pauseMs, say = () => {},
}) {
  const stage = new Stage({ broker });
  const began = Date.now();
  try {
    await stage.open();
    await stage.hub();
    const tills = await openTills(stage, { lanes, seed });
    await openAll(stage, tills);
    const killer = new Killer(stage, tills, { seed, pauseMs });
    const catchUpMs = await killInRounds(tills, killer, { kills, say });
    const verdict = await examine(stage, tills);
    stage.keep ||= verdict.faults.length > 0;
    return {
      seed, broker: stage.broker.description(), lanes,
      kills: { ...killer.kills, total: killer.total },
      killedWhileStarting: killer.whileStarting,
      recoveryMs: killer.longestMs, catchUpMs,
      seconds: Math.round((Date.now() - began) / 1000),
      folder: stage.keep ? stage.folder : undefined, ...verdict,
    };
  } catch (error) {
    stage.keep = true;
    error.message += ` (logs: ${stage.folder})`;
    throw error;
  } finally {
    await stage.close();
  }
}

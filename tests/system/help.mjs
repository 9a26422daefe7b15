// What the system tests share: a stage that ends with its test, a clock-free
// way to wait, and the shop's token of a card.
import { createHmac } from 'node:crypto';
import { Stage } from '../../packaging/stage/stage.mjs';

export { freePort, listening, until } from '../../packaging/stage/processes.mjs';
export { Proxy } from '../../packaging/stage/proxy.mjs';
export { ean13, goods, loyaltyCards } from '../../packaging/stage/goods.mjs';
export { bin, root } from '../../packaging/stage/stage.mjs';

/** A stage for one test; its folder stays when the test fails. */
export async function openStage(t, { sources, hub = {} } = {}) {
  const stage = new Stage();
  t.after(async () => {
    if (process.env.TESSERA_KEEP) console.error(`stage: ${stage.folder}`);
    await stage.close();
  });
  await stage.open();
  await stage.hub({ sources, ...hub });
  return stage;
}

/** A lane that is started and hears its reader. */
export async function openLane(stage, options) {
  const lane = await stage.lane(options);
  await lane.reader.plug();
  await lane.start();
  await attached(lane);
  return lane;
}

export const attached = (lane) => lane.hears();

export function cardToken(stage, number, programme = 'main') {
  const mac = createHmac('sha256', Buffer.from(stage.cardKey, 'hex'))
    .update(`${programme}:${number}`).digest('base64url');
  return `c1.${mac}`;
}

/** Small numbers that a seed repeats: mulberry32. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// kill -9 for agents, hub and broker, each on its own, while tills go on
// scanning: deaths meet each other and each other's starts. All by a seed.
import { random, until } from '../system/help.mjs';

const patience = 300; // seconds: much may die again while one comes back

const later = (ms) => new Promise((done) => setTimeout(done, ms));

const hubReady = (hub) => until('the hub works again', async () =>
  (await fetch(`${hub.url}/readyz`)).status === 200, patience);

function agentVictim(till) {
  const { lane } = till;
  return {
    kind: 'agent',
    /** Between a scan and its beep there are but milliseconds. */
    async aim(pick) {
      await till.nextScan();
      const ms = pick(3);
      if (ms) await later(ms);
    },
    kill: () => till.kill(),
    launch: () => lane.launch(),
    async back() {
      await lane.hears(patience);
      const { length } = till.beeped;
      till.reopen();
      await until(`${lane.terminal} records again`, () => {
        if (till.failed) throw till.failed;
        return till.beeped.length > length;
      }, patience);
    },
  };
}

const hubVictim = (hub) => ({
  kind: 'hub',
  kill: () => hub.stop('SIGKILL'),
  launch: () => hub.launch(),
  back: () => hubReady(hub),
});

/** Of several servers one at a time. */
function brokerVictim({ broker, theHub }) {
  let node;
  return {
    kind: 'broker',
    kill(pick) {
      node = broker.nodes[pick(broker.nodes.length)];
      return broker.stop('SIGKILL', node);
    },
    launch: () => broker.launch(node),
    async back() {
      await broker.answers(node);
      await hubReady(theHub);
    },
  };
}

export class Killer {
  kills = { agent: 0, hub: 0, broker: 0 };
  whileStarting = 0;
  longestMs = { agent: 0, hub: 0, broker: 0 };

  constructor(stage, tills, { seed, pauseMs = 1500 }) {
    Object.assign(this, { stage, tills, pauseMs });
    this.pick = random(seed);
  }

  get total() {
    return Object.values(this.kills).reduce((sum, n) => sum + n, 0);
  }

  /** So many kills, a third for each kind; answers when all are back. */
  async round(kills) {
    const { stage, tills, pauseMs } = this;
    const third = Math.floor(kills / 3);
    const agents = kills - 2 * third;
    const strikes = [
      this.#strike(hubVictim(stage.theHub), third, pauseMs),
      this.#strike(brokerVictim(stage), third, pauseMs),
      ...tills.map((till, at) => {
        const share = Math.floor(agents / tills.length) +
          (at < agents % tills.length ? 1 : 0);
        return this.#strike(agentVictim(till), share, pauseMs * tills.length);
      }),
    ];
    await Promise.all(strikes);
  }

  async #strike(victim, kills, pauseMs) {
    const pick = random(this.pick(2 ** 31));
    for (let left = kills; left > 0; ) {
      await later(pick(pauseMs));
      if (pick(2)) await victim.aim?.(pick);
      const began = Date.now();
      left -= await this.#kill(victim, pick);
      // Some die again while they start.
      while (left > 0 && pick(4) === 0) {
        await later(pick(200));
        left -= await this.#kill(victim, pick);
        this.whileStarting++;
      }
      await victim.back();
      this.longestMs[victim.kind] = Math.max(this.longestMs[victim.kind],
        Date.now() - began);
    }
  }

  async #kill(victim, pick) {
    const end = await victim.kill(pick);
    if (end?.signal !== 'SIGKILL')
      throw new Error(`the ${victim.kind} had ended by itself: ` +
        JSON.stringify(end ?? 'no process'));
    this.kills[victim.kind]++;
    await later(pick(300));
    victim.launch();
    return 1;
  }
}

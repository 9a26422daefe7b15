// A whole Tessera on this machine: authority, broker, hub, lanes and their
// simulated readers, each a real program on loopback in one private folder.
// The demo and the system tests stand on it.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brokers } from './brokers.mjs';
import { Hub } from './hub.mjs';
import { Lane } from './lane.mjs';
import { Processes } from './processes.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
export const bin = resolve(process.env.TESSERA_BIN ?? join(root, 'build/bin'));

export class Stage {
  /** `plain`: the broker has a listener without TLS too, `plainPort`, for
   * virtual lanes by the thousand. */
  constructor({
    folder, keep = false, plain = false, broker = 'mosquitto',
  } = {}) {
    this.plain = plain;
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'tessera-'));
    this.keep = keep || process.env.TESSERA_KEEP === '1';
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.certs = join(this.folder, 'certs');
    this.processes = new Processes(join(this.folder, 'logs'));
    this.broker = new brokers[broker](this);
    this.lanes = [];
    this.closers = [];
  }

  /** A file of the project. */
  source(path) {
    return join(root, path);
  }

  /** Runs a command of the project and answers its output. */
  run(command, args, options = {}) {
    return execFileSync(command, args, {
      encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options,
    });
  }

  tool(name) {
    return join(bin, name);
  }

  /** LD_PRELOAD for libraries of the build: a sanitizer that is a shared
   * library must come first. */
  preload(...libraries) {
    const linked = this.run('ldd', [this.tool('tessera-agent')]);
    const sanitizer = /\S*\/lib(clang_rt\.)?asan\S*\.so\S*/.exec(linked)?.[0];
    return [sanitizer, ...libraries.map((name) => this.tool(name))]
      .filter(Boolean).join(' ');
  }

  certificates(kind, ...names) {
    this.run(join(root, 'packaging/certs'), [kind, this.certs, ...names]);
  }

  /** Authority, card key, broker; one that must know its terminals is started
   * when they are there. */
  async open() {
    this.certificates('init');
    this.certificates('broker', 'localhost');
    this.certificates('hub', 'hub-1');
    this.keyFile = join(this.folder, 'card.keys');
    this.cardKey = randomBytes(32).toString('hex');
    writeFileSync(this.keyFile, `1 ${this.cardKey}\n`, { mode: 0o600 });
    await this.broker.prepare();
    const [{ terminalPort, hubPort }] = this.broker.nodes;
    Object.assign(this, { terminalPort, hubPort });
    if (this.broker.kind === 'mosquitto') await this.startBroker();
  }

  startBroker() {
    return this.broker.start();
  }

  stopBroker(signal) {
    return this.broker.stop(signal);
  }

  /** A hub on a database of its own; see hub.mjs for the options. */
  async hub(options = {}) {
    this.theHub = new Hub(this, options);
    await this.theHub.prepare();
    return this.theHub;
  }

  /** A lane or kiosk, registered with the hub; see lane.mjs. */
  async lane(options) {
    const lane = new Lane(this, options);
    await lane.prepare();
    this.lanes.push(lane);
    return lane;
  }

  onClose(closer) {
    this.closers.push(closer);
  }

  async close() {
    try {
      await this.processes.stopAll();
    } finally {
      // What stays open would keep the test running after its failure.
      for (const closer of this.closers.reverse()) await closer();
    }
    if (!this.keep) rmSync(this.folder, { recursive: true, force: true });
  }
}

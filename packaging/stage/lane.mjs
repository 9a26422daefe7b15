// A lane or kiosk of a stage: its agent, its reader on a pty, the line between
// it and the broker, and the person who scans.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Proxy } from './proxy.mjs';
import { freePort, until } from './processes.mjs';
import { Reader } from './reader.mjs';
import { brokerAt, members, quoted } from './settings.mjs';

export class Lane {
  constructor(stage, {
    terminal, store, kind = 'checkout', language = 'it', profile = 'bel',
    register = true, certificate = true, hub = {}, extra = '', env = {},
    program = [stage.tool('tessera-agent')],
  }) {
    Object.assign(this, {
      stage, terminal, store, kind, language, profile, register, certificate,
      hub, extra, env, program,
    });
    this.folder = join(stage.folder, terminal);
    this.state = join(this.folder, 'state');
    this.config = join(this.folder, 'agent.conf');
    this.reader = new Reader(this);
  }

  async prepare() {
    const { stage } = this;
    mkdirSync(this.state, { recursive: true, mode: 0o700 });
    mkdirSync(join(this.folder, 'run'), { mode: 0o700 });
    this.port = await freePort();
    this.lines = []; // one to each server of the broker
    for (const { terminalPort } of stage.broker.nodes)
      this.lines.push(await Proxy.start(terminalPort));
    [this.line] = this.lines;
    for (const line of this.lines) stage.onClose(() => line.stop());
    if (this.certificate) stage.certificates('terminal', this.terminal);
    stage.broker.admit(this.terminal);
    if (this.register)
      stage.theHub.command('terminal', 'add', this.terminal, this.store);
    this.writeConfig();
  }

  writeConfig() {
    const { certs } = this.stage;
    const hub = {
      ...brokerAt(this.lines.map(({ port }) => port)),
      ca_file: join(certs, 'ca.crt'),
      cert_file: join(certs, `${this.terminal}.crt`),
      key_file: join(certs, `${this.terminal}.key`),
      backoff_min_ms: 100, backoff_max_ms: 1000, spread_ms: 0, ...this.hub,
    };
    writeFileSync(this.config, `terminal = ${quoted(this.terminal)}
store = ${quoted(this.store)}
kind = ${quoted(this.kind)}
language = ${quoted(this.language)}
state_dir = ${quoted(this.state)}
runtime_dir = ${quoted(join(this.folder, 'run'))}
key_file = ${quoted(this.stage.keyFile)}
screen {
  port = ${this.port}
}
hub {
${members(hub)}
}
reader "scanner" {
  port = ${quoted(this.reader.path)}
  driver = "line"
  profile = ${quoted(this.profile)}
}
card "main" {
  prefix = "25"
  length = 13
  mod10 = true
}
${this.extra}
`, { mode: 0o600 });
  }

  /** TESSERA_VIA=libserialport: the agent takes its pty for a serial port. */
  environment() {
    if (process.env.TESSERA_VIA !== 'libserialport') return this.env;
    const { stage, env } = this;
    return { ...env, LD_PRELOAD: env?.LD_PRELOAD
      ? `${env.LD_PRELOAD} ${stage.tool('pty_serial.so')}`
      : stage.preload('pty_serial.so') };
  }

  /** Starts it without waiting for anything: `program`, or what starts that. */
  launch() {
    const [program, ...first] = this.program;
    return this.stage.processes.start(this.terminal, program,
      [...first, '--config', this.config], { env: this.environment() });
  }

  async start() {
    this.launch();
    await until(`${this.terminal} answers`, async () =>
      (await fetch(`${this.url}/healthz`)).ok);
  }

  /** Its reader is there, or the page says what is wrong. */
  async hears(seconds) {
    await until(`${this.terminal} hears its reader`, async () => {
      const [{ state, text }] = (await this.view()).readers;
      if (state !== 'attached') throw new Error(`${state}: ${text}`);
      return true;
    }, seconds);
  }

  stop(signal) {
    return this.stage.processes.stop(this.terminal, signal);
  }

  log() {
    return this.stage.processes.log(this.terminal);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async view() {
    return (await fetch(`${this.url}/api/view`)).json();
  }

  async command(path, body = {}) {
    const answer = await fetch(this.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok)
      throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`);
  }

  /** The journal is empty of unsent rows, by the agent's own word. */
  async drained(seconds = 120) {
    await until(`${this.terminal} has nothing unsent`, async () =>
      (await this.view()).line.unsent === 0, seconds);
  }
}

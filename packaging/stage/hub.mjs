// The hub of a stage: its settings, its token, its start and end, its API.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, until } from './processes.mjs';
import { brokerAt, members, quoted } from './settings.mjs';

export class Hub {
  constructor(stage, {
    database, sources, extra = '', broker = {}, name = 'hub-1',
  } = {}) {
    this.stage = stage;
    this.name = name;
    this.process = name === 'hub-1' ? 'hub' : name;
    this.folder = join(stage.folder, this.process);
    this.database = database ?? `sqlite:${join(this.folder, 'hub.db')}`;
    this.sources = sources ?? [
      { name: 'web', key: 'web-write-key', kind: 'server', channel: 'web' },
    ];
    this.extra = extra;
    this.broker = broker;
    this.config = join(this.folder, 'hub.conf');
  }

  async prepare() {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    this.port = await freePort();
    this.writeConfig();
    this.token = this.command('token', 'add', 'stage').trim().split(/\s+/).pop();
  }

  writeConfig() {
    const { stage, folder } = this;
    const sources = this.sources.map((source) => `
source ${quoted(source.name)} {
  write_key = ${quoted(source.key)}
  kind = ${quoted(source.kind)}
  channel = ${quoted(source.channel)}
}`);
    const broker = {
      ...brokerAt(stage.broker.nodes.map(({ hubPort }) => hubPort)),
      ca_file: join(stage.certs, 'ca.crt'),
      cert_file: join(stage.certs, `${this.name}.crt`),
      key_file: join(stage.certs, `${this.name}.key`), ...this.broker,
    };
    writeFileSync(this.config, `name = ${quoted(this.name)}
database = ${quoted(this.database)}
key_file = ${quoted(stage.keyFile)}
token_file = ${quoted(join(folder, 'tokens'))}
runtime_dir = ${quoted(join(folder, 'run'))}
broker {
${members(broker)}
}
http {
  port = ${this.port}
}
${sources.join('\n')}
${this.extra}
`, { mode: 0o600 });
  }

  command(...args) {
    return this.stage.run(this.stage.tool('tessera-hub'), [
      '--config', this.config, ...args,
    ]);
  }

  /** Starts it without waiting for anything. */
  launch() {
    this.stage.processes.start(this.process, this.stage.tool('tessera-hub'), [
      '--config', this.config,
    ]);
  }

  async start() {
    this.launch();
    await this.ready();
  }

  /** Ready: the database is there and the broker is reached. */
  async ready() {
    await until('the hub is ready', async () =>
      (await fetch(`${this.url}/readyz`)).status === 200);
  }

  stop(signal) {
    return this.stage.processes.stop(this.process, signal);
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  async get(path) {
    const answer = await fetch(this.url + path, {
      headers: { authorization: `Bearer ${this.token}` },
    });
    if (!answer.ok)
      throw new Error(`GET ${path.split('?')[0]}: ${answer.status}`);
    return answer.json();
  }

  lookup(type, value) {
    return this.get(
      `/api/people/lookup?type=${type}&value=${encodeURIComponent(value)}`);
  }

  /** Everything archived of a terminal, in the archive's order. */
  async archive(terminal) {
    const events = [];
    let after = '';
    for (;;) {
      const page = await this.get(`/api/archive?terminal=${terminal}` +
        `&limit=1000${after ? `&after=${encodeURIComponent(after)}` : ''}`);
      events.push(...page.events);
      if (!page.next) return events;
      after = page.next;
    }
  }

  /** Posts a Segment body as a stock SDK does. */
  post(path, body, key = this.sources[0].key) {
    return fetch(this.url + path, {
      method: 'POST',
      headers: {
        authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
  }
}

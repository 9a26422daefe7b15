// The broker of a stage: configured by packaging/broker-config, one real server
// or several, each ended by its own process. `nodes` are its servers; what is
// asked of the whole may be asked of one of them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, listening, until } from './processes.mjs';

const version = (command, ...args) => /\d+\.\d+\.\d+/.exec(
  spawnSync(command, args, { encoding: 'utf8' }).stdout)[0];

class Broker {
  terminals = [];

  constructor(stage) {
    this.stage = stage;
    this.folder = join(stage.folder, 'broker');
  }

  /** Who may connect, where the broker itself must know: before its start. */
  admit(terminal) {
    this.terminals.push(terminal);
  }

  writeTerminals() {
    mkdirSync(this.folder, { recursive: true });
    const file = join(this.folder, 'terminals');
    writeFileSync(file, this.terminals.map((name) => `${name}\n`).join(''));
    return file;
  }

  config(folder, ...options) {
    this.stage.run(this.stage.source('packaging/broker-config'), [
      '--kind', this.kind, '--dir', folder, '--certs', this.stage.certs,
      ...options.map(String),
    ]);
  }

  /** Starts it without waiting for anything. */
  launch(node) {
    for (const one of node ? [node] : this.nodes) this.launchNode(one);
  }

  async start(node) {
    if (!node) this.configure();
    this.launch(node);
    await this.answers(node);
  }

  async answers(node) {
    for (const one of node ? [node] : this.nodes)
      for (const port of new Set([one.terminalPort, one.hubPort]))
        await listening(one.name, port, this.patience);
  }

  /** How the last of them ended. */
  async stop(signal, node) {
    let end;
    for (const one of node ? [node] : this.nodes)
      end = await this.stage.processes.stop(one.name, signal);
    return end;
  }
}

export class Mosquitto extends Broker {
  kind = 'mosquitto';

  description() {
    return `mosquitto ${version('mosquitto', '-h')}, MQTT 5, no persistence`;
  }

  async prepare() {
    this.nodes = [{
      name: 'broker', terminalPort: await freePort(), hubPort: await freePort(),
    }];
    if (this.stage.plain) this.stage.plainPort = await freePort();
  }

  configure() {
    const [node] = this.nodes;
    this.config(this.folder, '--terminal-port', node.terminalPort,
      '--hub-port', node.hubPort);
    if (this.stage.plain) this.addPlainListener();
  }

  addPlainListener() {
    const file = join(this.folder, 'tessera.conf');
    const settings = readFileSync(file, 'utf8')
      .replace('allow_anonymous false', 'allow_anonymous true')
      .replace(/^acl_file .*$/m, '');
    writeFileSync(file, `${settings}
sys_interval 1
listener ${this.stage.plainPort} 127.0.0.1
`);
  }

  launchNode(node) {
    this.stage.processes.start(node.name, 'mosquitto', [
      '-c', join(this.folder, 'tessera.conf'),
    ]);
  }
}

/** Three servers of NATS with JetStream; MQTT 3.1.1. */
export class Nats extends Broker {
  kind = 'nats';
  patience = 300;

  description() {
    return `NATS ${version('nats-server', '--version')}, three nodes, ` +
      'MQTT 3.1.1';
  }

  async prepare() {
    this.stage.certificates('node', 'node', 'localhost');
    this.nodes = [];
    for (const n of [1, 2, 3]) {
      const port = await freePort();
      this.nodes.push({
        name: `nats-${n}`, folder: join(this.folder, `node-${n}`),
        terminalPort: port, hubPort: port,
        clientPort: await freePort(), clusterPort: await freePort(),
      });
    }
  }

  configure() {
    const terminals = this.writeTerminals();
    for (const node of this.nodes)
      this.config(node.folder, '--broker', 'node', '--node', node.name,
        '--terminals', terminals, '--terminal-port', node.terminalPort,
        '--client-port', node.clientPort, '--cluster-port', node.clusterPort,
        '--secret', join(this.folder, 'secret'), '--routes', this.nodes
          .filter((other) => other !== node)
          .map((other) => `localhost:${other.clusterPort}`).join(','));
  }

  launchNode(node) {
    this.stage.processes.start(node.name, 'nats-server', [
      '-c', join(node.folder, 'tessera.conf'),
    ]);
  }

  /** Lets more terminals in while it runs. */
  reload() {
    this.configure();
    for (const { name } of this.nodes)
      this.stage.processes.get(name)?.kill('SIGHUP');
  }
}

/** One RabbitMQ with its MQTT plugin; MQTT 3.1.1. */
export class RabbitMq extends Broker {
  kind = 'rabbitmq';
  patience = 300;

  description() {
    return `RabbitMQ ${version('ls', '/usr/lib/rabbitmq/lib')}, ` +
      `MQTT 3.1.1`;
  }

  async prepare() {
    const port = await freePort();
    this.nodes = [{ name: 'rabbitmq', terminalPort: port, hubPort: port }];
    // Erlang's directory of nodes: one of this stage's own.
    this.directoryPort = await freePort();
    this.distributionPort = await freePort();
  }

  configure() {
    this.config(this.folder, '--terminals', this.writeTerminals(),
      '--terminal-port', this.nodes[0].terminalPort);
    this.stage.processes.start('epmd', 'epmd', [
      '-port', String(this.directoryPort), '-address', '127.0.0.1',
    ]);
  }

  launchNode(node) {
    const path = (name) => join(this.folder, name);
    this.stage.processes.start(node.name,
      '/usr/lib/rabbitmq/bin/rabbitmq-server', [], {
        env: {
          HOME: this.folder,
          ERL_EPMD_PORT: String(this.directoryPort),
          ERL_EPMD_ADDRESS: '127.0.0.1',
          RABBITMQ_NODENAME: 'tessera@localhost',
          RABBITMQ_DIST_PORT: String(this.distributionPort),
          RABBITMQ_CONFIG_FILE: path('rabbitmq.conf'),
          RABBITMQ_CONF_ENV_FILE: path('none.conf'),
          RABBITMQ_ENABLED_PLUGINS_FILE: path('enabled_plugins'),
          RABBITMQ_MNESIA_BASE: path('mnesia'),
          RABBITMQ_LOG_BASE: path('logs'),
          RABBITMQ_LOGS: '-',
          RABBITMQ_SERVER_START_ARGS: '-noinput -start_epmd false',
          RABBITMQ_ALLOW_INPUT: '1', // the server in place of its script
        },
      });
  }
}

export const brokers = {
  mosquitto: Mosquitto, nats: Nats, rabbitmq: RabbitMq,
};

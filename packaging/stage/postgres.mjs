// A PostgreSQL of a stage's own: a fresh cluster in the stage's folder, on a
// free loopback port, with a password; it ends with the stage.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { freePort, until } from './processes.mjs';

const programs = process.env.TESSERA_POSTGRES ?? '/usr/lib/postgresql/15/bin';

/** PostgreSQL refuses to run as root: then it runs as user postgres. */
function asServer(program, args) {
  const path = join(programs, program);
  return process.getuid() === 0
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups',
      path, ...args]]
    : [path, args];
}

const idOf = (kind) =>
  Number(execFileSync('id', [kind, 'postgres'], { encoding: 'utf8' }));

export class Postgres {
  constructor(stage) {
    this.stage = stage;
    this.folder = join(stage.folder, 'postgres');
    this.data = join(this.folder, 'data');
    this.password = randomBytes(12).toString('hex');
  }

  /** A running server with the empty database `tessera`. */
  static async open(stage) {
    const server = new Postgres(stage);
    await server.prepare();
    await server.start();
    server.query('CREATE DATABASE tessera', 'postgres');
    return server;
  }

  async prepare() {
    mkdirSync(this.folder, { mode: 0o700 });
    const secret = join(this.folder, 'password');
    writeFileSync(secret, this.password, { mode: 0o600 });
    if (process.getuid() === 0) {
      chmodSync(this.stage.folder, 0o711); // only to walk through
      for (const path of [this.folder, secret])
        chownSync(path, idOf('-u'), idOf('-g'));
    }
    this.port = await freePort();
    this.stage.run(...asServer('initdb', [
      '-D', this.data, '-U', 'tessera', '--auth=scram-sha-256',
      `--pwfile=${secret}`, '--encoding=UTF8', '--locale=C.UTF-8', '--no-sync',
    ]), { cwd: '/' });
  }

  async start() {
    const [command, args] = asServer('postgres', [
      '-D', this.data, '-p', String(this.port), '-k', this.folder,
      '-c', 'listen_addresses=127.0.0.1',
    ]);
    this.stage.processes.start('postgres', command, args, {
      cwd: '/', endSignal: 'SIGINT', // "fast": does not wait for clients
    });
    await until('PostgreSQL answers', () =>
      this.query('SELECT 1', 'postgres') === '1');
  }

  stop(signal) {
    return this.stage.processes.stop('postgres', signal);
  }

  /** Keeps everybody else from writing to a table; the answer ends that. */
  async lock(table) {
    const { processes } = this.stage;
    const session = processes.start('psql', join(programs, 'psql'), [
      '-h', '127.0.0.1', '-p', String(this.port), '-U', 'tessera', '-Xq',
    ], { cwd: '/', stdin: 'pipe', env: { PGPASSWORD: this.password } });
    session.stdin.write(`BEGIN; LOCK TABLE ${table} IN EXCLUSIVE MODE;\n`);
    await until(`${table} is locked`, () => this.query(
      `SELECT count(*) FROM pg_locks WHERE relation = '${table}'::regclass
       AND mode = 'ExclusiveLock' AND granted`) === '1');
    return () => processes.stop('psql');
  }

  /** Stops every process of the server; the answer lets them go on. */
  hang() {
    const { pid } = this.stage.processes.get('postgres');
    const all = [pid, ...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim().split(/\s+/).map(Number)];
    for (const one of all) process.kill(one, 'SIGSTOP');
    return () => {
      for (const one of all) process.kill(one, 'SIGCONT');
    };
  }

  /** Runs SQL and answers its rows as text, columns parted by '|'. */
  query(sql, database = 'tessera') {
    return execFileSync(join(programs, 'psql'), [
      '-h', '127.0.0.1', '-p', String(this.port), '-U', 'tessera',
      '-d', database, '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', sql,
    ], {
      cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, PGPASSWORD: this.password, PGCONNECT_TIMEOUT: '5' },
    }).trim();
  }

  /** The hub's `database` setting; `port` when it goes through a proxy. */
  url(port = this.port) {
    return `postgresql://tessera:${this.password}@127.0.0.1:${port}/tessera`;
  }
}

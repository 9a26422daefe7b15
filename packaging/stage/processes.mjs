// Starts the programs of a stage and ends them by pid; nothing outlives it.
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

const given = new Set();
const alive = new Set(); // of all stages of this process

// Nothing outlives a run that is broken off: an agent left over would try its
// reader's port again, and that may be another's by then.
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});
for (const [signal, code] of [
  ['SIGHUP', 129], ['SIGINT', 130], ['SIGTERM', 143],
]) process.once(signal, () => {
  if (process.listenerCount(signal) === 0) process.exit(code);
});

function canListen(port) {
  const server = createServer();
  return new Promise((done) => {
    server.once('error', () => done(false));
    server.listen(port, '127.0.0.1', () => server.close(() => done(true)));
  });
}

/**
 * A free TCP port on loopback, never given twice. Below the kernel's range of
 * outgoing ports: a program that is killed finds it free at its next start.
 */
export async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (given.has(port) || !(await canListen(port))) continue;
    given.add(port);
    return port;
  }
}

/** Waits until something listens on a loopback port. */
export function listening(what, port, seconds) {
  return until(`${what} listens`, () => new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  }), seconds);
}

/** Waits until `condition` answers something true; fails by name otherwise. */
export async function until(what, condition, seconds = 60) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline)
      throw new Error(`waited ${seconds} s for: ${what}` +
        (last ? `; last seen: ${last.message}` : ''), { cause: last });
    await new Promise((poll) => setTimeout(poll, 20));
  }
}

export class Processes {
  #running = new Map();
  #names = new Set();

  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** Starts a program; its output goes to <folder>/<name>.log. */
  start(name, command, args,
    { env = {}, cwd, stdin = 'ignore', endSignal = 'SIGTERM' } = {}) {
    const log = createWriteStream(this.logFile(name), { flags: 'a' });
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: [stdin, 'pipe', 'pipe'],
    });
    child.endSignal = endSignal;
    alive.add(child);
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.exited = new Promise((done) => {
      child.once('error', (error) => {
        log.end(`cannot start ${command}: ${error.message}\n`,
          () => done({ code: 127 }));
      });
      child.once('close', (code, signal) => {
        // What it said last is in the log before anybody learns of its end.
        log.end(() => done({ code, signal }));
      });
    });
    child.exited.then(() => {
      alive.delete(child);
      if (this.#running.get(name) === child) this.#running.delete(name);
    });
    this.#running.set(name, child);
    this.#names.add(name);
    return child;
  }

  get(name) {
    return this.#running.get(name);
  }

  logFile(name) {
    return join(this.folder, `${name}.log`);
  }

  log(name) {
    try {
      return readFileSync(this.logFile(name), 'utf8');
    } catch {
      return '';
    }
  }

  /** Ends one program and waits for its end. */
  async stop(name, signal, seconds = 20) {
    const child = this.#running.get(name);
    if (!child) return undefined;
    child.kill(signal ?? child.endSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    const end = await child.exited;
    clearTimeout(timer);
    return end;
  }

  async stopAll() {
    for (const name of [...this.#running.keys()].reverse())
      await this.stop(name);
    for (const name of this.#names)
      if (/(Address|Leak)Sanitizer|runtime error:/.test(this.log(name)))
        throw new Error(`${name}: ${this.log(name).slice(-4000)}`);
  }
}

// A TCP proxy between two programs: the line that a test or the demo cuts.
import { connect, createServer } from 'node:net';

export class Proxy {
  #server;
  #pairs = new Set();
  bytes = { up: 0, down: 0 };
  isCut = false;

  /** Listens on a free loopback port and forwards to 127.0.0.1:`target`. */
  static async start(target) {
    const proxy = new Proxy();
    proxy.#server = createServer((near) => proxy.#accept(near, target));
    await new Promise((done) =>
      proxy.#server.listen(0, '127.0.0.1', done));
    proxy.port = proxy.#server.address().port;
    return proxy;
  }

  /** How many connections go through it now. */
  get open() {
    return this.#pairs.size;
  }

  #accept(near, target) {
    if (this.isCut) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    const pair = [near, far];
    this.#pairs.add(pair);
    near.setNoDelay(true);
    far.setNoDelay(true);
    near.on('data', (chunk) => (this.bytes.up += chunk.length));
    far.on('data', (chunk) => (this.bytes.down += chunk.length));
    const end = () => {
      this.#pairs.delete(pair);
      near.destroy();
      far.destroy();
    };
    for (const socket of pair) {
      socket.on('error', end);
      socket.on('close', end);
    }
    near.pipe(far);
    far.pipe(near);
  }

  /** Drops every connection, and every new one until `restore`. */
  cut() {
    this.isCut = true;
    for (const pair of this.#pairs)
      for (const socket of pair) socket.resetAndDestroy();
  }

  restore() {
    this.isCut = false;
  }

  /** Keeps back what the near side says until the connection ends; the far
   * side is still heard. */
  mute() {
    for (const [near] of this.#pairs) near.pause();
  }

  async stop() {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }
}

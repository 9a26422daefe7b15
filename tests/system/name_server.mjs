// A DNS server (RFC 1035) that tells the truth, lies, or says nothing.
import { createSocket } from 'node:dgram';

const [A, IN] = [1, 1];

/** The end of the question's name, type and class. */
function questionEnd(query) {
  let at = 12;
  while (query[at]) at += query[at] + 1;
  return at + 5;
}

export class NameServer {
  asked = 0; // questions for an IPv4 address, those asked again included
  says = '127.0.0.1'; // an address, 'nothing', or 'no such name'
  #socket = createSocket('udp4');

  static async start() {
    const server = new NameServer();
    server.#socket.on('message', (query, from) => server.#answer(query, from));
    await new Promise((done) => server.#socket.bind(0, '127.0.0.1', done));
    return server;
  }

  get address() {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  #answer(query, from) {
    const end = questionEnd(query);
    const isA = query.readUInt16BE(end - 4) === A;
    if (isA) this.asked++;
    if (this.says === 'nothing') return;
    const unknown = this.says === 'no such name';
    const header = Buffer.from(query.subarray(0, 12));
    header.writeUInt16BE(unknown ? 0x8183 : 0x8180, 2); // NXDOMAIN, no error
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(isA && !unknown ? 1 : 0, 6);
    header.fill(0, 8);
    const parts = [header, query.subarray(12, end)];
    if (isA && !unknown)
      parts.push(Buffer.from([0xc0, 12, 0, A, 0, IN, 0, 0, 0, 0, 0, 4,
        ...this.says.split('.').map(Number)]));
    this.#socket.send(Buffer.concat(parts), from.port, from.address);
  }

  stop() {
    return new Promise((done) => this.#socket.close(done));
  }
}

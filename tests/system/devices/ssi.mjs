// A scanner with Zebra's Simple Serial Interface, as its manuals tell it: text
// until packets are switched on, one message at a time that waits for its ACK,
// two repeats after a time-out, then the four low beeps of a transmit error.
//
// What the host was told is kept apart: `delivered` (acknowledged), `refused`
// (NAK), `failed` (nobody answered), `forgotten` (power went).
import { Device } from './device.mjs';

export const types = {
  code39: 0x01, code128: 0x03, ean8: 0x0a, ean13: 0x0b, qr: 0x1c,
};

const ops = {
  replyRevision: 0xa4, requestRevision: 0xa3, paramSend: 0xc6,
  paramDefaults: 0xc8, ack: 0xd0, nak: 0xd1, flush: 0xd2, start: 0xe4,
  stop: 0xe5, beep: 0xe6, ledOn: 0xe7, ledOff: 0xe8, enable: 0xe9,
  disable: 0xea, decode: 0xf3, event: 0xf6, imager: 0xf7,
};
const cause = { resend: 1, badContext: 2, denied: 6 };
const again = 0x01;
const more = 0x02;
const fromHost = 0x04;
const tries = 3;
const dataMax = 251; // of a packet of 255 bytes

function packet(opcode, data = [], status = 0) {
  const body = [4 + data.length, opcode, 0x00, status, ...data];
  const sum = body.reduce((all, byte) => all + byte, 0);
  const check = (0x10000 - (sum & 0xffff)) & 0xffff;
  return Buffer.from([...body, check >> 8, check & 0xff]);
}

/** The packet at the head of `bytes`: undefined while it is incomplete. */
function head(bytes) {
  if (bytes.length < 2 || bytes.length < bytes[0] + 2) return undefined;
  const whole = bytes.subarray(0, bytes[0] + 2);
  const sum = whole.subarray(0, -2).reduce((all, byte) => all + byte, 0);
  const good = ((sum + whole.readUInt16BE(bytes[0])) & 0xffff) === 0;
  return {
    size: whole.length, good, opcode: whole[1], source: whole[2],
    status: whole[3], data: whole.subarray(4, -2),
  };
}

/** A parameter's number and value, as they stand one behind the other. */
function* params(data) {
  for (let at = 0; at + 1 < data.length;) {
    let number = data[at++];
    if (number >= 0xf0 && number <= 0xf2)
      number = 256 * (number - 0xef) + data[at++];
    yield [number, data[at++]];
  }
}

const factory = () => new Map([
  [0xee, 0], // packets
  [0x9f, 1], // ACK and NAK
  [0xec, 1], // parameter bar codes
  [0x5e, 0], // "NR"
]);

export class SsiScanner extends Device {
  delivered = [];
  refused = [];
  failed = [];
  forgotten = [];
  raw = []; // texts that went out without packets: nobody knows their fate
  commands = []; // [opcode, ...data] of all that the host wanted
  beeps = []; // codes of BEEP
  lights = []; // masks of LED_ON, 0 for LED_OFF
  strayAcks = 0; // answers that nothing waited for
  enabled = true;
  deafTo = 0; // so many answers of the host are lost on their way
  declines = new Map(); // opcode or parameter => cause, or cause[] in turn
  #params = factory();
  #queue = [];
  #bytes = Buffer.alloc(0);
  #message;
  #timer;

  constructor(processes, tessera, path, { timeoutMs = 2000 } = {}) {
    super(processes, tessera, path);
    this.timeoutMs = timeoutMs;
    this.on('bytes', (bytes) => this.#hear(bytes));
    this.on('unplug', () => this.#powerOff());
  }

  get packets() {
    return this.#params.get(0xee) === 1;
  }

  param(number) {
    return this.#params.get(number);
  }

  /** Nothing waits for the host any more. */
  get idle() {
    return !this.#message && this.#queue.length === 0;
  }

  /** A code in front of the scanner; false: it is switched off. */
  scan(type, text) {
    if (!this.enabled) return false;
    this.#queue.push({ type, text });
    this.#next();
    return true;
  }

  /** The power fails and returns: everything is as from the factory. */
  restart({ event = true } = {}) {
    this.#powerOff();
    if (event) this.send(packet(ops.event, [0x03]));
  }

  /** The first `count` bytes of what would be sent: the cable is pulled. */
  half(type, text, count) {
    this.send(packet(ops.decode, [type, ...Buffer.from(text)])
      .subarray(0, count));
  }

  /** The first packet of two; the other one never comes. */
  begin(type, text) {
    this.send(packet(ops.decode, [type, ...Buffer.from(text)], more));
  }

  #powerOff() {
    clearTimeout(this.#timer);
    if (this.#message) this.#queue.unshift(this.#message);
    this.forgotten.push(...this.#queue.map(({ text }) => text));
    this.#message = undefined;
    this.#queue = [];
    this.#bytes = Buffer.alloc(0);
    this.#params = factory();
    this.enabled = true;
  }

  #next() {
    if (this.#message || this.#queue.length === 0) return;
    const { type, text } = this.#queue.shift();
    const data = Buffer.from(text);
    if (!this.packets) {
      this.raw.push(text);
      this.send(Buffer.concat([data, Buffer.from('\r')]));
      this.#next();
      return;
    }
    const parts = [];
    for (let at = 0; at === 0 || at < data.length; at += dataMax - 1)
      parts.push(data.subarray(at, at + dataMax - 1));
    this.#message = { type, text, parts, at: 0, sends: 0 };
    this.#send();
  }

  #send() {
    const { type, parts, at, sends } = this.#message;
    const status = (sends ? again : 0) | (at + 1 < parts.length ? more : 0);
    this.#message.sends++;
    const bytes = packet(ops.decode, [type, ...parts[at]], status);
    this.emit('sent', bytes, this.#message);
    this.send(this.garble?.(bytes) ?? bytes);
    if (this.param(0x9f) !== 1) {
      this.#answered(true);
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#unanswered(), this.timeoutMs);
  }

  #unanswered() {
    if (this.#message.sends < tries) this.#send();
    else this.#finish(this.failed); // LO LO LO LO
  }

  #answered(taken) {
    if (!this.#message) {
      this.strayAcks++;
      return;
    }
    if (taken && this.#message.at + 1 < this.#message.parts.length) {
      this.#message.at++;
      this.#message.sends = 0;
      this.#send();
      return;
    }
    this.#finish(taken ? this.delivered : this.refused);
  }

  #finish(where) {
    clearTimeout(this.#timer);
    where.push(this.#message.text);
    this.#message = undefined;
    this.emit('done');
    this.#next();
  }

  #hear(bytes) {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    for (;;) {
      // The wake-up byte is no packet.
      while (this.#bytes[0] === 0) this.#bytes = this.#bytes.subarray(1);
      const found = head(this.#bytes);
      if (!found) return;
      this.#bytes = this.#bytes.subarray(found.size);
      if (!found.good || found.source !== fromHost)
        this.send(packet(ops.nak, [cause.resend]));
      else this.#take(found);
    }
  }

  #take({ opcode, data }) {
    if (opcode === ops.ack || opcode === ops.nak) {
      if (this.deafTo > 0) this.deafTo--;
      else if (opcode === ops.nak && data[0] === cause.resend && this.#message)
        this.#unanswered();
      else this.#answered(opcode === ops.ack);
      return;
    }
    this.commands.push([opcode, ...data]);
    const declined = this.#declined(opcode, data);
    if (declined) {
      this.send(packet(ops.nak, [declined]));
      return;
    }
    if (this.mute) return;
    if (opcode === ops.requestRevision) {
      this.send(packet(ops.replyRevision, Buffer.from('SIM00-001-R0 4 0')));
      return;
    }
    this.send(packet(ops.ack));
    this.#obey(opcode, data);
  }

  #declined(opcode, data) {
    const key = opcode === ops.paramSend
      ? [...params(data.subarray(1))][0]?.[0] : opcode;
    const answer = this.declines.get(key);
    return Array.isArray(answer) ? answer.shift() : answer;
  }

  #obey(opcode, data) {
    if (opcode === ops.enable) this.enabled = true;
    if (opcode === ops.disable) this.enabled = false;
    if (opcode === ops.beep) this.beeps.push(data[0]);
    if (opcode === ops.ledOn) this.lights.push(data[0]);
    if (opcode === ops.ledOff) this.lights.push(0);
    if (opcode === ops.paramDefaults) this.#params = factory();
    if (opcode === ops.flush) {
      this.forgotten.push(...this.#queue.map(({ text }) => text));
      this.#queue = [];
    }
    if (opcode === ops.paramSend)
      for (const [number, value] of params(data.subarray(1)))
        this.#params.set(number, value);
    this.emit('obeyed', opcode);
  }
}

// An NXP PN532 on its high-speed UART: it sleeps until it is woken, takes one
// command at a time, waits for a card as long as it was told, and forgets
// everything when its power fails. Cards lie in its field or not.
import { Device } from './device.mjs';

const ACK = Buffer.from('0000ff00ff00', 'hex');
const NACK = Buffer.from('0000ffff0000', 'hex');
const ERROR = Buffer.from('0000ff01ff7f8100', 'hex');
const THINKING_MS = 2;
const LOOK_MS = 10; // one look into the field

const sum = (bytes) => bytes.reduce((all, byte) => (all + byte) & 255, 0);

/** The frame of an answer: code and data behind D5. */
export function frame(body) {
  const data = Buffer.from([0xd5, ...body]);
  return Buffer.from([0, 0, 0xff, data.length, -data.length & 255, ...data,
    -sum(data) & 255, 0]);
}

/** A tag of pages, with records in its memory. */
export function ntag(uid, ...records) {
  const message = Buffer.concat(records.map(({ type, payload }, at) =>
    Buffer.concat([
      Buffer.from([0x11 | (at === 0 ? 0x80 : 0) |
        (at === records.length - 1 ? 0x40 : 0), 1, payload.length]),
      Buffer.from(type), payload,
    ])));
  const pages = Buffer.alloc(45 * 4);
  Buffer.from([0xe1, 0x10, 0x12, 0]).copy(pages, 12);
  Buffer.from([3, message.length, ...message, 0xfe]).copy(pages, 16);
  return { uid, sak: 0x00, atqa: 0x0044, pages };
}

export const textRecord = (text, language = 'it') => ({
  type: 'T',
  payload: Buffer.concat([
    Buffer.from([language.length]), Buffer.from(language + text)]),
});
export const linkRecord = (rest) =>
  ({ type: 'U', payload: Buffer.concat([Buffer.from([4]), Buffer.from(rest)]) });
export const classic = (uid) => ({ uid, sak: 0x08, atqa: 0x0004 });
/** A bank card, a passport, a phone. */
export const isoDep = (uid) =>
  ({ uid, sak: 0x20, atqa: 0x0004, ats: [0x05, 0x75, 0x77, 0x81, 0x02, 0x80] });

export class Pn532 extends Device {
  waits = false; // for a card, whatever it was told
  commands = []; // { code, data, card } in order
  aborts = 0;
  // Faults: how many of the next ones.
  lostAcks = 0;
  nacks = 0;
  brokenAnswers = 0;
  cutAnswers = []; // of the next answer only so many bytes
  #card; // in the field
  #listed; // the one that the chip speaks with
  #input = Buffer.alloc(0);
  #awake = false;
  #configured = false;
  #retries = 0xff;
  #pending; // the timer of what is under way
  #waiting = false; // in InListPassiveTarget
  #lastAnswer = Buffer.alloc(0);

  constructor(...rest) {
    super(...rest);
    this.on('bytes', (bytes) => this.#take(bytes));
    this.on('plug', () => this.#powerOn());
    this.on('unplug', () => this.#powerOn());
  }

  lay(card) {
    this.#card = card;
    this.#listed = undefined;
    if (this.#waiting) this.#later(() => this.#answerTarget());
  }

  take() {
    this.#card = undefined;
    this.#listed = undefined;
  }

  /** The power fails for a moment: noise on the line, and all is forgotten. */
  brownOut() {
    this.#powerOn();
    this.send([0x00, 0xff, 0x00]);
  }

  codes() {
    return this.commands.map(({ code }) => code);
  }

  #powerOn() {
    this.#stop();
    this.#input = Buffer.alloc(0);
    this.#awake = this.#configured = false;
    this.#retries = 0xff;
    this.#listed = undefined;
  }

  #stop() {
    clearTimeout(this.#pending);
    this.#pending = undefined;
    this.#waiting = false;
  }

  #later(answer, ms = THINKING_MS) {
    this.#stop();
    this.#pending = setTimeout(answer, ms);
  }

  #take(bytes) {
    this.#input = Buffer.concat([this.#input, bytes]);
    if (!this.#awake) {
      const call = this.#input.indexOf(0x55);
      if (call < 0) {
        this.#input = Buffer.alloc(0);
        return;
      }
      this.#awake = true;
      this.#input = this.#input.subarray(call);
    }
    while (this.#frame());
  }

  /** Takes one frame off the input; false: none is whole. */
  #frame() {
    const input = this.#input;
    const start = input.indexOf(Buffer.from([0x00, 0xff]));
    if (start < 0 || input.length < start + 4) return false;
    const [length, check] = input.subarray(start + 2);
    if (length === 0x00 && check === 0xff) {
      this.#input = input.subarray(start + 4);
      this.aborts++;
      this.#stop();
      return true;
    }
    if (length === 0xff && check === 0x00) {
      this.#input = input.subarray(start + 4);
      this.send(this.#lastAnswer);
      return true;
    }
    if ((length + check) & 255) {
      this.#input = input.subarray(start + 2);
      return true;
    }
    if (input.length < start + 5 + length) return false;
    const data = input.subarray(start + 4, start + 4 + length);
    const good = ((sum(data) + input[start + 4 + length]) & 255) === 0;
    this.#input = input.subarray(start + 5 + length);
    if (!good || data[0] !== 0xd4) this.send(ERROR);
    else this.#command(data[1], [...data.subarray(2)]);
    return true;
  }

  #command(code, data) {
    this.#stop();
    if (!this.#configured && code !== 0x14) return;
    if (this.nacks > 0) {
      this.nacks--;
      this.send(NACK);
      return;
    }
    this.commands.push({ code, data, card: this.#listed });
    if (this.lostAcks > 0) this.lostAcks--;
    else this.send(ACK);
    const answers = {
      0x14: () => { this.#configured = true; return [0x15]; },
      0x02: () => [0x03, 0x32, 0x01, 0x06, 0x07],
      0x32: () => { if (data[0] === 5) this.#retries = data[3]; return [0x33]; },
      0x40: () => [0x41, ...this.#exchange(data)],
      0x52: () => { this.#listed = undefined; return [0x53, 0x00]; },
    };
    if (code === 0x4a) this.#look();
    else if (answers[code]) this.#later(() => this.#answer(answers[code]()));
    else this.send(ERROR);
  }

  #look() {
    if (this.#card) {
      this.#later(() => this.#answerTarget());
      return;
    }
    if (!this.waits && this.#retries !== 0xff)
      this.#later(() => this.#answerTarget(), LOOK_MS * (this.#retries + 1));
    this.#waiting = true;
  }

  #answerTarget() {
    this.#waiting = false;
    this.#listed = this.#card;
    if (!this.#card) {
      this.#answer([0x4b, 0]);
      return;
    }
    const { uid, sak, atqa, ats = [] } = this.#card;
    const id = Buffer.from(uid, 'hex');
    this.#answer([0x4b, 1, 1, atqa >> 8, atqa & 255, sak, id.length, ...id,
      ...ats]);
  }

  #exchange([, command, page]) {
    if (!this.#listed || this.#listed !== this.#card) return [0x01];
    if (command !== 0x30 || !this.#card.pages) return [0x13];
    if (this.#card.locked) return [0x14];
    const { pages } = this.#card;
    const turn = Buffer.concat([pages, pages]).subarray(page * 4);
    return [0x00, ...turn.subarray(0, 16)];
  }

  #answer(body) {
    this.#pending = undefined;
    const answer = frame(body);
    this.#lastAnswer = answer;
    if (this.brokenAnswers > 0) {
      this.brokenAnswers--;
      const broken = Buffer.from(answer);
      broken[broken.length - 2] ^= 0x10;
      this.send(broken);
    } else if (this.cutAnswers.length) {
      this.send(answer.subarray(0, this.cutAnswers.shift()));
    } else {
      this.send(answer);
    }
  }
}

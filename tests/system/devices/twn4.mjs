// An ELATEC TWN4. With the simple protocol it does what lines of hex ask it to,
// one after the other; with the standard app it says each tag once.
import { Device } from './device.mjs';

const hex = (bytes) => Buffer.from(bytes).toString('hex').toUpperCase();
const SEARCH_MS = 20;

export class Twn4 extends Device {
  beeps = []; // { hertz, ms } in order
  searches = 0;
  types = { low: 0xffffffff, high: 0xffffffff };
  lights = 0;
  mute = false; // hears, and says nothing
  cutReplies = []; // of the next reply only so many characters
  #tag; // { type, bits, uid }
  #input = '';
  #turn = Promise.resolve();
  #life = 0;

  constructor(...rest) {
    super(...rest);
    this.on('bytes', (bytes) => this.#take(bytes.toString('latin1')));
    this.on('plug', () => this.#powerOn());
  }

  lay(tag) {
    this.#tag = tag;
  }

  take() {
    this.#tag = undefined;
  }

  /** Standard app: a tag comes near. */
  says(uid) {
    this.send(Buffer.from(`${uid}\r`));
  }

  brownOut() {
    this.#powerOn();
    this.send([0xff, 0x00]);
  }

  #powerOn() {
    this.#life++;
    this.#input = '';
    this.types = { low: 0xffffffff, high: 0xffffffff };
    this.lights = 0;
  }

  #take(text) {
    const lines = (this.#input + text).split('\r');
    this.#input = lines.pop();
    for (const line of lines) {
      const life = this.#life;
      this.#turn = this.#turn.then(async () => {
        if (life !== this.#life) return;
        const reply = await this.#do(Buffer.from(line, 'hex'));
        if (life === this.#life && !this.mute) this.#say(`${hex(reply)}\r`);
      });
    }
  }

  #say(text) {
    const part = this.cutReplies.length
      ? text.slice(0, this.cutReplies.shift()) : text;
    this.send(Buffer.from(part));
  }

  async #do(command) {
    const pause = (ms) => new Promise((done) => setTimeout(done, ms));
    switch (command.subarray(0, 2).toString('hex')) {
      case '0500':
        this.searches++;
        await pause(SEARCH_MS);
        return this.#search(command[2]);
      case '0502':
        this.types = { low: command.readUInt32LE(2),
          high: command.readUInt32LE(6) };
        return [0];
      case '0400':
        return [0];
      case '0402':
        this.lights |= command[2];
        return [0];
      case '0403':
        this.lights &= ~command[2];
        return [0];
      case '0407': {
        const ms = command.readUInt16LE(5);
        this.beeps.push({ hertz: command.readUInt16LE(3), ms,
          lights: this.lights });
        await pause(ms + command.readUInt16LE(7));
        return [0];
      }
      default:
        return [1];
    }
  }

  #search(most) {
    const tag = this.#tag;
    if (!tag) return [0, 0];
    const asked = tag.type >= 0x80 ? this.types.high >>> (tag.type - 0x80)
      : this.types.low >>> (tag.type - 0x40);
    const id = Buffer.from(tag.uid, 'hex');
    if (!(asked & 1) || id.length > most) return [0, 0];
    return [0, 1, tag.type, tag.bits ?? 8 * id.length, id.length, ...id];
  }
}

export const mifare = (uid) => ({ type: 0x80, uid });
export const em4102 = (uid) => ({ type: 0x40, uid });
export const typeB = (uid) => ({ type: 0x81, uid });

// A 125 kHz tag module: it says the tag's frame again and again as long as the
// tag is near.
import { Device } from './device.mjs';

const REPEAT_MS = 50;

/** The frame of a tag of ten hex digits; ID-12 adds CR LF. */
export function tagFrame(uid, { id12 = false } = {}) {
  const sum = uid.match(/../g).reduce((all, byte) => all ^ parseInt(byte, 16), 0);
  const hex = uid + sum.toString(16).toUpperCase().padStart(2, '0');
  return Buffer.from(`\x02${hex}${id12 ? '\r\n' : ''}\x03`, 'latin1');
}

export class TagReader extends Device {
  frames = 0; // sent while a tag was held there
  longestGap = 0; // between two of them, in ms
  #last = 0;
  #timer;

  /** Holds a tag to the reader until `take`. */
  hold(uid) {
    this.take();
    this.#last = performance.now();
    const say = () => {
      const now = performance.now();
      this.longestGap = Math.max(this.longestGap, now - this.#last);
      this.#last = now;
      this.send(tagFrame(uid));
      this.frames++;
    };
    say();
    this.#timer = setInterval(say, REPEAT_MS);
  }

  take() {
    clearInterval(this.#timer);
  }

  async unplug() {
    this.take();
    await super.unplug();
  }
}

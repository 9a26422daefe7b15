// A magnetic stripe reader that sends a swipe as text: each track between its
// sentinels, and what MagTek and ID TECH can put around them.
import { Device } from './device.mjs';

const starts = ['%', ';', '+'];

/** The check character: exclusive or of the characters' own bits. */
function lrc(track, text) {
  const low = track === 0 ? 0x20 : 0x30;
  const onCard = (track === 2 ? ';' : starts[track]) + text + '?';
  const bits = [...onCard].reduce((sum, c) => sum ^ (c.charCodeAt(0) - low), 0);
  return String.fromCharCode((bits & (track === 0 ? 0x3f : 0x0f)) + low);
}

export class StripeReader extends Device {
  /** `framed`: STX, ESC, the sensor's digit and ETX; `check`: with LRC. */
  constructor(processes, tessera, path, { framed = false, check = false } = {}) {
    super(processes, tessera, path);
    Object.assign(this, { framed, check });
  }

  /** One swipe as it goes over the line; null: nothing recorded there. */
  swipeText(...tracks) {
    const text = tracks.map((data, at) => (data === null ? ''
      : `${starts[at]}${data}?${this.check ? lrc(at, data) : ''}`)).join('');
    return this.framed ? `\x02\x1b${text}0\r\x03` : `${text}\r`;
  }

  swipe(...tracks) {
    this.send(Buffer.from(this.swipeText(...tracks), 'latin1'));
  }

  /** The first `count` bytes of a swipe: the card is held back, or the plug
   * is pulled. */
  halfSwipe(count, ...tracks) {
    this.send(Buffer.from(this.swipeText(...tracks), 'latin1').subarray(0, count));
  }
}

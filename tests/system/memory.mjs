// What a running process holds: every readable region of its own memory, and
// the digits in it, in each form in which a program may hold them.
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const PIECE = 4 << 20;
const WINDOW = 8; // digits of a number that may not stand together
const PACKED = 10; // four packed bytes are too often something else

/** The readable regions; what the kernel maps in is no memory of its own. */
export function regions(pid) {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n')
    .map((line) => {
      const [, from, to, mode, name] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line);
      return {
        from: BigInt(`0x${from}`), to: BigInt(`0x${to}`), mode, name,
        size: Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)),
      };
    })
    .filter(({ mode, name }) => mode[0] === 'r' && !/^\[v/.test(name));
}

/** The regions and their bytes. A process that runs may give one back. */
export function* memory(pid, wanted = () => true) {
  const fd = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const region of regions(pid).filter(wanted)) {
      const bytes = Buffer.alloc(region.size);
      let done = 0;
      try {
        while (done < region.size) {
          const got = readSync(fd, bytes, done,
            Math.min(PIECE, region.size - done), region.from + BigInt(done));
          if (got <= 0) break;
          done += got;
        }
      } catch (error) {
        if (error.code !== 'EIO') throw error;
      }
      yield { ...region, bytes: bytes.subarray(0, done) };
    }
  } finally {
    closeSync(fd);
  }
}

const utf16 = (text) => Buffer.from(text, 'utf16le');
const values = (digits) => Buffer.from([...digits].map(Number));
const packed = (digits) => Buffer.from(digits, 'hex');

function* windows(digits, length) {
  for (let at = 0; at + length <= digits.length; at++)
    yield digits.slice(at, at + length);
}

/** Pieces of the number as it was sent that hold enough digits. */
function* written(sent) {
  for (let from = 0; from < sent.length; from++) {
    let to = from;
    for (let digits = 0; digits < WINDOW && to < sent.length; to++)
      digits += /\d/.test(sent[to]);
    const piece = sent.slice(from, to);
    if (/^\d/.test(piece) && piece.replace(/\D/g, '').length === WINDOW)
      yield piece;
  }
}

/** The byte patterns that would betray a number: [what, bytes]. */
export function patternsOf(sent) {
  const digits = sent.replace(/\D/g, '');
  const patterns = new Map();
  const add = (form, text, bytes) =>
    patterns.set(`${form} ${text}`, { form, text, bytes });

  for (const piece of [...written(sent), ...windows(digits, WINDOW)]) {
    add('text', piece, Buffer.from(piece, 'latin1'));
    add('UTF-16', piece, utf16(piece));
  }
  for (const piece of windows(digits, WINDOW))
    add('one digit a byte', piece, values(piece));
  for (const piece of windows(digits, PACKED))
    add('packed', piece, packed(piece));
  return [...patterns.values()];
}

/** Where any of the patterns stands: "[heap] +1f0: text 41111111". */
export function* find(patterns, { name, bytes }) {
  for (const { form, text, bytes: pattern } of patterns) {
    const at = bytes.indexOf(pattern);
    if (at >= 0)
      yield `${name || 'anonymous'} +${at.toString(16)}: ${form} ${text}`;
  }
}

// What the bench reads of a running process.
import { readdirSync, readFileSync } from 'node:fs';

/** CPU time of a process so far in seconds, to the nanosecond. */
export function cpu(pid) {
  return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => sum + Number(
    readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8')
      .split(' ')[0]) / 1e9, 0);
}

// Every program of the machine shares these.
const everybodys = /\/(libc|libm|ld-linux[^/]*|libpthread|libdl)\.so/;

/**
 * Memory in kB. `pss` and `rss` are the kernel's; `alone` counts each page as
 * the process's own, but those of the C library, which count as in `pss`.
 */
export function memory(pid) {
  const sum = { pss: 0, rss: 0, alone: 0, dirty: 0 };
  let shared = false;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line)) shared = everybodys.test(line);
    const [, name, text] = /^(Rss|Pss|Private_Dirty): +(\d+) kB/.exec(line) ??
      [];
    const kb = Number(text);
    if (name === 'Rss') sum.rss += kb;
    if (name === 'Pss') sum.pss += kb;
    if (name === (shared ? 'Pss' : 'Rss')) sum.alone += kb;
    if (name === 'Private_Dirty') sum.dirty += kb;
  }
  return sum;
}

export const inMegabytes = ({ pss, rss, alone }) => {
  const mb = (kb) => `${(kb / 1024).toFixed(1)} MB`;
  return `PSS ${mb(pss)}, PSS if nothing shared its libraries ${mb(alone)}, ` +
    `RSS ${mb(rss)}`;
};

export const rate = (count, ms) => Math.round((count * 1000) / ms);

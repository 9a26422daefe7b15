// What the agent occupies: with four readers, pages and TLS up, after scans,
// and again after a backlog has drained.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Reader } from '../../packaging/stage/reader.mjs';
import { bin } from '../../packaging/stage/stage.mjs';

/** The mappings of a process, of one file each, in kB. */
function mappings(pid) {
  const all = new Map();
  let file;
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const head = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$/.exec(line);
    if (head) {
      file = all.get(head[1]) ?? { Rss: 0, Pss: 0, Private_Dirty: 0 };
      all.set(head[1], file);
      continue;
    }
    const [, name, value] = /^(\w+): +(\d+) kB/.exec(line) ?? [];
    if (name in file) file[name] += Number(value);
  }
  return all;
}
export { mappings };

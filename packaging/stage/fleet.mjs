// Virtual lanes of a stage: registered with the hub in one go, played by
// `tessera simulate lanes`.
import { spawn, execFileSync } from 'node:child_process';

export class Fleet {
  /** `tls`: with a certificate for each lane, else on the plain listener. */
  constructor(stage, {
    lanes, storesOf = 8, prefix = 'sim', tls = false, seed = 1,
  }) {
    Object.assign(this, { stage, lanes, storesOf, prefix, tls, seed });
  }

  arguments() {
    return ['simulate', 'lanes', '--lanes', this.lanes, '--stores-of',
      this.storesOf, '--prefix', this.prefix, '--seed', this.seed].map(String);
  }

  /** Lets all lanes in; answers their names. */
  register() {
    const { stage } = this;
    const list = stage.run(stage.tool('tessera'),
      [...this.arguments(), '--list'], { maxBuffer: 1 << 26 });
    const names = list.trim().split('\n').map((line) => line.split(' ')[0]);
    if (this.tls) stage.certificates('terminal', ...names);
    execFileSync(stage.tool('tessera-hub'),
      ['--config', stage.theHub.config, 'terminal', 'load', '-'],
      { input: list, stdio: ['pipe', 'ignore', 'inherit'] });
    return names;
  }

  /** Plays a script; answers exit code, report and what was told. */
  async play(script, { archive = this.stage.theHub.database, options = [] } = {}) {
    const { stage } = this;
    const broker = this.tls
      ? ['--broker', `localhost:${stage.terminalPort}`, '--certs', stage.certs]
      : ['--broker', `127.0.0.1:${stage.plainPort}`];
    const child = spawn(stage.tool('tessera'), [
      ...this.arguments(), ...broker, '--script', '-', '--json',
      ...(archive ? ['--archive', archive] : []), ...options.map(String),
    ], { stdio: ['pipe', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'])
      child[name].setEncoding('utf8').on('data', (text) => {
        said[name] += text;
      });
    this.child = child;
    stage.onClose(() => child.kill());
    child.stdin.end(script);
    const code = await new Promise((done) => child.once('close', done));
    let report;
    try {
      report = JSON.parse(said.stdout);
    } catch {
      report = undefined;
    }
    return { code, report, ...said };
  }
}

// A line with faults between a lane and its broker: `tessera simulate line`.
import { createInterface } from 'node:readline';

export class FaultLine {
  #answers;
  #turn = Promise.resolve();

  /** Listens on loopback and joins who connects to 127.0.0.1:`target`. */
  static async start(stage, target, name = 'line') {
    const line = new FaultLine();
    line.child = stage.processes.start(name, stage.tool('tessera'), [
      'simulate', 'line', '--listen', '127.0.0.1:0',
      '--to', `127.0.0.1:${target}`, '--from-stdin',
    ], { stdin: 'pipe' });
    line.#answers = createInterface({ input: line.child.stdout })[
      Symbol.asyncIterator]();
    line.port = (await line.#next()).port;
    return line;
  }

  async #next() {
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the line has ended');
    return JSON.parse(value);
  }

  /** Tells it the words of tessera-simulate(1); answers its counts. */
  say(words) {
    this.#turn = this.#turn.then(async () => {
      this.child.stdin.write(`${words}\n`);
      const answer = await this.#next();
      if (answer.error) throw new Error(`${words}: ${answer.error}`);
      return answer;
    });
    return this.#turn;
  }

  counts() {
    return this.say('');
  }
}

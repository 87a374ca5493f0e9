import { once } from 'node:events';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { PodwireError } from '@podwire/base';
import type { ExecOptions, ExecSession, LogOptions, PodStreams } from '@podwire/kube';

/**
 * Pods that run nothing: `cat` repeats its input and exits with 7, anything else prints its command and exits with 0;
 * ports, also of nodes, lead to the same port on the machine's loopback.
 */
export class FakePods implements PodStreams {
  readonly logLines: string[] = ['one', 'two', 'three'];
  readonly sizes: string[] = [];
  #followers: PassThrough[] = [];

  logs(_pod: unknown, options: LogOptions): Promise<Readable> {
    const lines = options.tailLines === undefined ? this.logLines : this.logLines.slice(-options.tailLines);
    if (!options.follow) return Promise.resolve(Readable.from(lines.map((line) => `${line}\n`)));
    const stream = new PassThrough();
    stream.write(lines.map((line) => `${line}\n`).join(''));
    this.#followers.push(stream);
    return Promise.resolve(stream);
  }

  get followers(): number {
    return this.#followers.length;
  }

  /** A new line, for those who follow; then the container ends. */
  endLog(line: string): void {
    for (const stream of this.#followers) stream.end(`${line}\n`);
    this.#followers = [];
  }

  exec(_pod: unknown, { command, stdin }: ExecOptions): Promise<ExecSession> {
    if (command[0] === 'missing') {
      throw new PodwireError('TEST_EXEC', 'exec: "missing": executable file not found in $PATH');
    }
    const input = new PassThrough();
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    const repeats = command[0] === 'cat' && stdin;
    if (repeats) input.pipe(stdout);
    else stdout.end(`ran ${command.join(' ')}\n`);
    stderr.end(repeats ? 'careful\n' : '');
    const exit = once(stdout, 'end').then(() => (repeats ? 7 : 0));
    const resize = (width: number, height: number): void => void this.sizes.push(`${width}x${height}`);
    return Promise.resolve({ stdin: input, stdout, stderr, exit, resize, kill: () => stdout.end() });
  }

  attach(pod: unknown, options: Omit<ExecOptions, 'command'>): Promise<ExecSession> {
    return this.exec(pod, { ...options, command: ['attached'] });
  }

  async connectNode(_node: string, port: number): ReturnType<PodStreams['portForward']> {
    return this.portForward(undefined, port);
  }

  async portForward(_pod: unknown, port: number): ReturnType<PodStreams['portForward']> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  }
}

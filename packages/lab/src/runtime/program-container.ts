import type { ChildProcess } from 'node:child_process';
import { type Readable, Writable } from 'node:stream';
import type { ExecSession } from '@podwire/kube';
import { BuiltinContainer, exitWith } from './builtin-container.ts';
import type { ContainerSpec } from './container-engine.ts';
import { exitOf, signalGroup, startInPod, startOnTerminal } from './pod-command.ts';
import type { Terminal } from './terminal.ts';

/** Reading pauses for the rest of a slice when this much came in it: a chatty program must not starve the other pods. */
const SLICE = 100;
const SLICE_BYTES = 1 << 20;

/** A program of the host, running in the pod's namespaces. */
export class ProgramContainer extends BuiltinContainer {
  readonly #argv: readonly string[];
  #child: ChildProcess | undefined;
  #terminal: Terminal | undefined;

  constructor(spec: ContainerSpec, argv: readonly string[]) {
    super(spec);
    this.#argv = argv;
  }

  async start(): Promise<void> {
    const child = this.spec.tty ? this.#startOnTerminal() : this.#startOnPipes();
    this.#child = child;
    exitOf(child).then(
      async (code) => {
        signalGroup(child, 'SIGKILL'); // what the main program left behind in its group
        await this.#terminal?.drained();
        this.ended(exitWith(code));
      },
      (error: Error) => {
        this.#terminal?.close();
        this.ended({ code: 128, reason: 'StartError', message: error.message });
      },
    );
  }

  async stop(grace: number): Promise<void> {
    const child = this.#child;
    if (!child) this.ended(exitWith(137));
    // A group whose leader has been waited for may be somebody else's by now.
    else if (child.exitCode === null && child.signalCode === null)
      signalGroup(child, grace > 0 ? 'SIGTERM' : 'SIGKILL');
    const timer = setTimeout(() => child && child.exitCode === null && signalGroup(child, 'SIGKILL'), grace);
    await this.exited;
    clearTimeout(timer);
  }

  protected override input(): ExecSession['stdin'] {
    if (!this.spec.stdin) return super.input();
    if (!this.#terminal) return this.#child?.stdin ?? super.input();
    // Whoever leaves does not take the terminal along.
    const { input } = this.#terminal;
    return new Writable({ write: (chunk, _encoding, done) => void input.write(chunk, done) }).on('error', () => {});
  }

  protected override resize(columns: number, rows: number): void {
    this.#terminal?.resize(columns, rows);
  }

  #startOnPipes(): ChildProcess {
    const child = startInPod(this.spec, this.#argv);
    child.stdin?.on('error', () => {});
    // A shell that reads its commands from a closed stdin ends at once, as in a container without stdin.
    if (!this.spec.stdin) child.stdin?.end();
    this.#capture(child.stdout, 'stdout');
    this.#capture(child.stderr, 'stderr');
    return child;
  }

  #startOnTerminal(): ChildProcess {
    const { child, terminal } = startOnTerminal(this.spec, this.#argv);
    this.#terminal = terminal;
    this.#capture(terminal.output, 'stdout');
    return child;
  }

  #capture(source: Readable | null, stream: 'stdout' | 'stderr'): void {
    if (!source) return;
    let [since, bytes] = [0, 0];
    source.on('data', (chunk: Buffer) => {
      this.output(stream, chunk);
      const now = performance.now();
      if (now - since > SLICE) [since, bytes] = [now, 0];
      bytes += chunk.length;
      if (bytes < SLICE_BYTES) return;
      source.pause();
      setTimeout(() => source.resume(), SLICE);
    });
  }
}

import { PodwireError } from '@podwire/base';
import type { ConnectRequest } from '../players/container-plan.ts';
import { BuiltinContainer, exitWith } from './builtin-container.ts';
import type { ContainerSpec } from './container-engine.ts';

/** Nothing runs; it waits to be stopped. */
export class PlaceholderContainer extends BuiltinContainer {
  readonly #note: string;

  constructor(spec: ContainerSpec, note: string) {
    super(spec);
    this.#note = note;
  }

  override get notes(): readonly string[] {
    return [this.#note];
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    this.ended(exitWith(0));
  }
}

/** agnhost connect as the container's program. */
export class ConnectContainer extends BuiltinContainer {
  readonly #request: ConnectRequest;

  constructor(spec: ContainerSpec, request: ConnectRequest) {
    super(spec);
    this.#request = request;
  }

  async start(): Promise<void> {
    this.connect(this.#request).then(
      ({ code, stderr }) => this.#finish(code, stderr),
      (error: Error) => this.#finish(1, `${error.message}\n`),
    );
  }

  async stop(): Promise<void> {
    this.ended(exitWith(137));
  }

  #finish(code: number, stderr: string): void {
    if (stderr) this.output('stderr', stderr);
    this.ended(exitWith(code));
  }
}

/** A program that says why it does not like its command line, and ends. */
export class RefusingContainer extends BuiltinContainer {
  readonly #code: number;
  readonly #message: string;

  constructor(spec: ContainerSpec, code: number, message: string) {
    super(spec);
    this.#code = code;
    this.#message = message;
  }

  async start(): Promise<void> {
    this.output('stderr', `${this.#message}\n`);
    this.ended(exitWith(this.#code));
  }

  async stop(): Promise<void> {
    this.ended(exitWith(this.#code));
  }
}

/** A container that cannot be started at all. */
export class UnstartableContainer extends BuiltinContainer {
  readonly #message: string;

  constructor(spec: ContainerSpec, message: string) {
    super(spec);
    this.#message = message;
  }

  async start(): Promise<void> {
    this.ended({ code: 128, reason: 'StartError', message: this.#message });
    throw new PodwireError('LAB_CONTAINER_START', this.#message);
  }

  async stop(): Promise<void> {
    this.ended({ code: 128, reason: 'StartError', message: this.#message });
  }
}

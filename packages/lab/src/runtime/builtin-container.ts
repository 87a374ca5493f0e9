import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { PassThrough } from 'node:stream';
import type { ExecSession } from '@podwire/kube';
import { planAgnhost } from '../players/agnhost.ts';
import { runConnect } from '../players/connect-client.ts';
import type { ConnectRequest } from '../players/container-plan.ts';
import { imageName } from '../players/image.ts';
import type { ContainerExit, ContainerSpec, EngineContainer, ExecRequest } from './container-engine.ts';
import { discardInput, emptyStream, execInPod, finishedSession } from './exec-session.ts';
import { LogFile, READER_BYTES, type ReadOptions } from './log-file.ts';
import type { LogStream } from './log-lines.ts';
import { lookUpInPod } from './pod-lookup.ts';

/** What all containers of the built-in engine have in common: identity, log, exec, attach. */
export abstract class BuiltinContainer implements EngineContainer {
  readonly id: string;
  readonly imageId: string;
  readonly exited: Promise<ContainerExit>;
  protected readonly spec: ContainerSpec;
  readonly #log: LogFile;
  readonly #end = Promise.withResolvers<ContainerExit>();
  readonly #watchers = new Set<PassThrough>();
  readonly #sessions = new Set<ExecSession>();

  constructor(spec: ContainerSpec) {
    this.spec = spec;
    this.id = `podwire://${randomBytes(32).toString('hex')}`;
    this.imageId = `podwire://${spec.image}`;
    this.#log = new LogFile({ path: spec.logPath, onDropped: spec.logDropped });
    this.exited = this.#end.promise;
  }

  get notes(): readonly string[] {
    return [];
  }

  abstract start(): Promise<void>;
  abstract stop(grace: number): Promise<void>;

  async exec(request: ExecRequest): Promise<ExecSession> {
    const played = this.#playedCommand(request.command);
    const session = played ? finishedSession(this.connect(played)) : execInPod(this.spec, request);
    this.#sessions.add(session);
    const forget = (): void => void this.#sessions.delete(session);
    session.exit.then(forget, forget);
    return session;
  }

  attach(): ExecSession {
    const stdout = new PassThrough();
    this.#watchers.add(stdout);
    const detach = (): void => {
      this.#watchers.delete(stdout);
      stdout.end();
    };
    stdout.once('close', detach);
    const exit = this.exited.then(({ code }) => {
      detach();
      return code;
    });
    return {
      stdin: this.input(),
      stdout,
      stderr: emptyStream(),
      exit,
      resize: (...size) => this.resize(...size),
      kill: detach,
    };
  }

  logs(options: ReadOptions): Readable {
    return this.#log.read(options);
  }

  remove(): void {
    this.#log.remove();
  }

  /** The end of a stream that an attached client writes to. */
  protected input(): ExecSession['stdin'] {
    return discardInput();
  }

  /** A client of its terminal, if it has one, has that size. */
  protected resize(_columns: number, _rows: number): void {}

  protected output(stream: LogStream, chunk: Buffer | string): void {
    this.#log.write(stream, chunk);
    for (const watcher of this.#watchers) {
      watcher.write(chunk);
      if (watcher.writableLength <= READER_BYTES) continue;
      this.#watchers.delete(watcher);
      watcher.end();
    }
  }

  protected ended(exit: ContainerExit): void {
    for (const session of this.#sessions) session.kill();
    this.#log.close();
    this.spec.mounts.close();
    this.#end.resolve(exit);
  }

  protected connect(request: ConnectRequest): Promise<{ code: number; stderr: string }> {
    return runConnect(request, this.spec.sandbox.netns, (name) => lookUpInPod(this.spec, name));
  }

  /** agnhost's own program is not on the host, but its connect is what tests run by exec. */
  #playedCommand([program = '', ...args]: readonly string[]): ConnectRequest | undefined {
    if (imageName(this.spec.image) !== 'agnhost' || !/^\/?agnhost$/.test(program)) return undefined;
    const plan = planAgnhost(args, this.spec.env);
    return plan.kind === 'connect' ? plan.request : undefined;
  }
}

/** `Completed` or `Error`, as container runtimes say. */
export function exitWith(code: number): ContainerExit {
  return { code, reason: code === 0 ? 'Completed' : 'Error' };
}

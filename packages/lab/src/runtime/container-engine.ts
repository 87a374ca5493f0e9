import type { Readable } from 'node:stream';
import type { ExecSession } from '@podwire/kube';
import type { DeclaredPort } from '../players/container-plan.ts';
import type { PlayIdentity } from '../players/play.ts';
import type { ContainerMounts } from './container-mounts.ts';
import type { ContainerUser } from './container-user.ts';
import type { ReadOptions } from './log-file.ts';
import type { Sandbox } from './sandbox.ts';

/** Everything an engine needs to know of one run of a container. */
export interface ContainerSpec {
  readonly sandbox: Sandbox;
  readonly mounts: ContainerMounts;
  readonly identity: PlayIdentity;
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string | undefined;
  readonly user: ContainerUser;
  readonly ports: readonly DeclaredPort[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly logPath: string;
  /** What it writes cannot be stored (for now). */
  logDropped(error: Error): void;
}

export interface ContainerExit {
  readonly code: number;
  /** Completed, Error, StartError. */
  readonly reason: string;
  readonly message?: string;
}

export interface ExecRequest {
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** One run of a container; a restart is another one. */
export interface EngineContainer {
  /** `runtime://id`, as in the API. */
  readonly id: string;
  readonly imageId: string;
  /** For people: how the image is played, what of the command line has no effect. One event each. */
  readonly notes: readonly string[];
  /** Resolves when it runs; rejects with LAB_CONTAINER_START. */
  start(): Promise<void>;
  /** Settles once, when nothing of it runs any more; never rejects. */
  readonly exited: Promise<ContainerExit>;
  /** Asks it to end and ends it after `grace` ms. Resolves when it has exited. */
  stop(grace: number): Promise<void>;
  /** Runs another command beside it. Rejects with LAB_CONTAINER_START. */
  exec(request: ExecRequest): Promise<ExecSession>;
  /** Its output from now on and, if the container has an open stdin, its input. */
  attach(): ExecSession;
  logs(options: ReadOptions): Readable;
  /** Removes its logs and files. */
  remove(): void;
}

/** Whoever runs containers in sandboxes: the built-in one, or later containerd. */
export interface ContainerEngine {
  /** `name://version` as in a Node's containerRuntimeVersion. */
  readonly version: string;
  create(spec: ContainerSpec): Promise<EngineContainer>;
}

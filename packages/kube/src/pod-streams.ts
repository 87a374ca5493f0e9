import type { Duplex, Readable, Writable } from 'node:stream';

/** A pod incarnation; the uid keeps a stream from reaching a successor of the same name. */
export interface PodReference {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface LogOptions {
  readonly container: string;
  readonly follow: boolean;
  readonly tailLines?: number;
  readonly sinceSeconds?: number;
  /** RFC 3339; lines written before it are left out. */
  readonly sinceTime?: string;
  /** The container's previous run. */
  readonly previous?: boolean;
  /** Each line starts with its RFC 3339 time. */
  readonly timestamps?: boolean;
  readonly limitBytes?: number;
}

export interface ExecOptions {
  readonly container: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
}

/** The container's main process is the one attached to. */
export type AttachOptions = Omit<ExecOptions, 'command'>;

/** A running command. With a tty all output is on stdout. */
export interface ExecSession {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The exit code; 128 + n after signal n. */
  readonly exit: Promise<number>;
  resize(width: number, height: number): void;
  kill(): void;
}

/**
 * What the API server needs from whoever runs the pods, for kubectl logs, exec, attach and port-forward. Failures are
 * PodwireErrors whose message is shown to the user.
 */
export interface PodStreams {
  logs(pod: PodReference, options: LogOptions): Promise<Readable>;
  exec(pod: PodReference, options: ExecOptions): Promise<ExecSession>;
  attach(pod: PodReference, options: AttachOptions): Promise<ExecSession>;
  /** A connection to the port inside the pod's network namespace, on its localhost. */
  portForward(pod: PodReference, port: number): Promise<Duplex>;
  /** A connection to a port at the address of a node, from inside it; absent: nodes are not reached. */
  connectNode?(node: string, port: number): Promise<Duplex>;
}

import type { PlayListener } from './play.ts';

export interface DeclaredPort {
  readonly containerPort: number;
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
}

/** A container as its pod declares it, with variables already expanded. */
export interface ContainerRequest {
  readonly image: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: readonly DeclaredPort[];
}

/** What becomes of a container without an image store. */
export type ContainerPlan =
  /** Built-in servers answer for it. `notes` are for an event each. */
  | {
      readonly kind: 'play';
      readonly player: string;
      readonly listeners: readonly PlayListener[];
      readonly banner: readonly string[];
      readonly notes: readonly string[];
      readonly stopDelay: number;
    }
  /** A process of the host's own programs, in the pod's namespaces. */
  | { readonly kind: 'process'; readonly argv: readonly string[] }
  /** agnhost connect: one connection, then the exit code. */
  | { readonly kind: 'connect'; readonly request: ConnectRequest }
  /** The program would refuse its command line. */
  | { readonly kind: 'exit'; readonly code: number; readonly message: string }
  /** Nothing runs; the pod's namespace exists and waits. */
  | { readonly kind: 'placeholder'; readonly note: string }
  /** The container cannot be started, in the words of a container runtime. */
  | { readonly kind: 'unstartable'; readonly message: string };

export interface ConnectRequest {
  /** host:port, as given. */
  readonly target: string;
  readonly protocol: 'tcp' | 'udp';
  /** In milliseconds; 0: as long as the kernel tries. */
  readonly timeout: number;
  readonly udpData: string;
}

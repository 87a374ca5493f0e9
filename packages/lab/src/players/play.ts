/** Who a played container is; what its answers say. */
export interface PlayIdentity {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly node: string;
  /** Empty for a pod without address. */
  readonly address: string;
  readonly hostname: string;
  readonly image: string;
}

/** How a TCP connection or a UDP datagram is answered. */
export type App =
  /** agnhost netexec; `override` is answered instead of the path asked for. */
  | { readonly app: 'netexec'; readonly override?: string }
  /** The hostname: as HTTP, or raw (TCP: sent on connect, then closed; UDP: to every datagram). */
  | { readonly app: 'hostname'; readonly raw?: boolean; readonly close?: boolean }
  /** A fixed body to every request or datagram. */
  | {
      readonly app: 'text';
      readonly body: string;
      readonly status: number;
      readonly type: string;
      readonly style: 'http-echo' | 'porter';
      readonly json?: boolean;
    }
  /** A web server's first page; 404 for every other path. */
  | { readonly app: 'welcome'; readonly server: 'nginx' | 'httpd' }
  /** Names the pod to HTTP/1 and HTTP/2 clients, sends back everything else. */
  | { readonly app: 'echo' };

export interface PlayListener {
  readonly protocol: 'TCP' | 'UDP';
  readonly port: number;
  readonly app: App;
  /** False: the container runs on when the port is taken. */
  readonly required: boolean;
}

/** One container as the players' thread sees it: plain data, so that a new thread can take it over. */
export interface PlaySpec {
  readonly id: string;
  /** Path of the network namespace its sockets belong to. */
  readonly netns: string;
  readonly identity: PlayIdentity;
  readonly listeners: readonly PlayListener[];
  /** Written to the container's log when it has started. */
  readonly banner: readonly string[];
}

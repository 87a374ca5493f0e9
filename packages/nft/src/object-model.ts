/** A named object of a table: rules refer to it by `objref`, so that several rules share its state. */
export type NamedObject = { readonly name: string; readonly comment?: string } & (
  | { readonly kind: 'counter'; readonly packets?: number; readonly bytes?: number }
  | { readonly kind: 'quota'; readonly bytes: number; readonly used?: number; readonly over?: boolean }
  | ({ readonly kind: 'limit' } & Rate)
  | {
      readonly kind: 'ct helper';
      /** The kernel's name of it: ftp, sip, tftp, ... */
      readonly helper: string;
      readonly protocol: 'tcp' | 'udp';
      readonly l3proto?: 'ip' | 'ip6' | 'inet';
    }
  | {
      readonly kind: 'ct timeout';
      readonly protocol: 'tcp' | 'udp';
      readonly l3proto?: 'ip' | 'ip6' | 'inet';
      /** Seconds by state: established, close_wait, ... of tcp; unreplied, replied of udp. */
      readonly policy: Readonly<Record<string, number>>;
    }
  | {
      readonly kind: 'ct expectation';
      readonly protocol: 'tcp' | 'udp' | 'sctp' | 'dccp' | 'udplite';
      readonly l3proto?: 'ip' | 'ip6' | 'inet';
      readonly dport: number;
      /** Seconds. */
      readonly timeout: number;
      /** How many expectations a connection may have. */
      readonly size: number;
    }
  | ({ readonly kind: 'synproxy' } & SynproxyOptions)
  | { readonly kind: 'secmark'; readonly context: string }
);

/** `10/second burst 5 packets`, `10 mbytes/second`. */
export interface Rate {
  /** Packets or bytes per `per`. */
  readonly rate: number;
  readonly per: 'second' | 'minute' | 'hour' | 'day' | 'week';
  readonly unit?: 'packets' | 'bytes';
  /** How far the rate may be exceeded for a while; default 5 packets, no bytes. */
  readonly burst?: number;
  /** Matches what is above the rate, not what is below. */
  readonly over?: boolean;
}

/** What the SYN cookie answer announces to clients. */
export interface SynproxyOptions {
  readonly mss?: number;
  readonly wscale?: number;
  readonly timestamp?: boolean;
  readonly sackPerm?: boolean;
}

/** Connections that rules put here (`flow add @f`) bypass the rules: packets go from device to device at ingress. */
export interface Flowtable {
  readonly name: string;
  /** Priority of its ingress hook. */
  readonly priority: number;
  readonly devices: readonly string[];
  /** The network card does it. */
  readonly offload?: boolean;
  readonly counter?: boolean;
}

import type { IpAddress } from '@podwire/base';

/** A DNS message (RFC 1035 section 4) as data. Names are text as in name.ts, in the case they have on the wire. */
export interface Message {
  /** 0 to 65535. */
  readonly id: number;
  /** QR. */
  readonly response: boolean;
  /** 0 is a standard query. */
  readonly opcode: number;
  /** AA. */
  readonly authoritative: boolean;
  /** TC. */
  readonly truncated: boolean;
  /** RD. */
  readonly recursionDesired: boolean;
  /** RA. */
  readonly recursionAvailable: boolean;
  /** AD. */
  readonly authenticData: boolean;
  /** CD. */
  readonly checkingDisabled: boolean;
  /** 0 to 15, up to 4095 with EDNS. */
  readonly rcode: number;
  readonly questions: readonly Question[];
  readonly answers: readonly ResourceRecord[];
  readonly authorities: readonly ResourceRecord[];
  /** Without the OPT record, which is `edns`. */
  readonly additionals: readonly ResourceRecord[];
  readonly edns?: Edns;
}

export interface Question {
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface ResourceRecord {
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: RecordData;
}

/** What a record says; which kind goes with which type is fixed by DATA_KINDS, any other type is opaque. */
export type RecordData =
  | { readonly kind: 'address'; readonly address: IpAddress }
  | { readonly kind: 'name'; readonly name: string }
  | Soa
  | { readonly kind: 'mx'; readonly preference: number; readonly exchange: string }
  | Srv
  /** One to many strings of up to 255 bytes, one character a byte. */
  | { readonly kind: 'text'; readonly strings: readonly string[] }
  | { readonly kind: 'opaque'; readonly bytes: Uint8Array };

export interface Soa {
  readonly kind: 'soa';
  readonly primary: string;
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** How long a negative answer may be kept (RFC 2308). */
  readonly minimum: number;
}

export interface Srv {
  readonly kind: 'srv';
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly target: string;
}

/** The OPT pseudo record (RFC 6891); its upper rcode bits are in Message.rcode. */
export interface Edns {
  readonly udpSize: number;
  readonly version: number;
  /** DO: the client wants DNSSEC records. */
  readonly dnssecOk: boolean;
  readonly options: readonly { readonly code: number; readonly bytes: Uint8Array }[];
}

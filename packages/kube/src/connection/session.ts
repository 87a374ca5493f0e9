import type { Readable } from 'node:stream';

/** One request to the API server. */
export interface Exchange {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly contentType?: string;
  readonly body?: string;
  /** Default application/json. */
  readonly accept?: string;
}

export type Headers = Readonly<Record<string, string | string[]>>;

/** What has begun to come back. */
export interface Reply {
  readonly status: number;
  /** Lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Readable;
}

/** Requests to one server over one HTTP/2 connection, or over HTTP/1.1 connections where it knows nothing newer. */
export interface Session {
  readonly protocol: 'h2' | 'http/1.1';
  /** Whether new requests may go through it. */
  readonly usable: boolean;
  /** Resolves with the head of the answer, whose body is then the caller's; the signal ends what has no head yet. Rejects with whatever went wrong. */
  send(exchange: Exchange, headers: Headers, signal: AbortSignal | undefined): Promise<Reply>;
  /** Ends at once; what is under way fails. */
  destroy(): void;
}

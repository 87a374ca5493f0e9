import { isIPv6 } from 'node:net';
import type { Destination } from './service-destination.ts';

/** As the network layer of Kubernetes words what keeps a call from being answered. */
export function connectionFailure(
  error: NodeJS.ErrnoException,
  { host, port }: Destination,
  signal: AbortSignal,
): string {
  if (signal.aborted) return 'context deadline exceeded';
  const { code = '', message } = error;
  const dial = `dial tcp ${isIPv6(host) ? `[${host}]` : host}:${port}: connect:`;
  const lost = CONNECT[code];
  if (lost) return `${dial} ${lost}`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${host}: no such host`;
  if (code === 'ECONNRESET') return 'EOF';
  const untrusted = UNTRUSTED[code];
  return untrusted ? `tls: failed to verify certificate: x509: ${untrusted}` : message;
}

const CONNECT: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network is unreachable',
  ETIMEDOUT: 'connection timed out',
};

const NOT_KNOWN = 'certificate signed by unknown authority';
const UNTRUSTED: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: NOT_KNOWN,
  SELF_SIGNED_CERT_IN_CHAIN: NOT_KNOWN,
  UNABLE_TO_GET_ISSUER_CERT: NOT_KNOWN,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: NOT_KNOWN,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: NOT_KNOWN,
  CERT_SIGNATURE_FAILURE: NOT_KNOWN,
  CERT_HAS_EXPIRED: 'certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'certificate has expired or is not yet valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is not valid for the name it was asked by',
};

/** An answer that is none, as clients of Kubernetes word it. */
export function answerFailure(status: number, text: string): string {
  const said = messageIn(text);
  if (said !== undefined) return said;
  if (status >= 500 && status !== 503 && status !== 504) {
    return `an error on the server (${JSON.stringify(text.trim().slice(0, 1024) || 'unknown')}) has prevented the request from succeeding`;
  }
  return ANSWERS[status] ?? `the server responded with the status code ${status} but did not return more information`;
}

const ANSWERS: Readonly<Record<number, string>> = {
  400: 'the server rejected our request for an unknown reason',
  401: 'the server has asked for the client to provide credentials',
  403: 'unknown',
  404: 'the server could not find the requested resource',
  405: 'the server does not allow this method on the requested resource',
  503: 'the server is currently unable to handle the request',
  504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
};

/** Of a Status. */
function messageIn(text: string): string | undefined {
  try {
    const { kind, message } = JSON.parse(text) as { kind?: unknown; message?: unknown };
    return kind === 'Status' && typeof message === 'string' ? message : undefined;
  } catch {
    return undefined;
  }
}

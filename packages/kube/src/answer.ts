import { messageOf, PodwireError } from '@podwire/base';
import type { Status } from 'kubernetes-types/meta/v1.js';
import type { Answer } from './connection/connection.ts';
import { statusError } from './errors.ts';

const SHOWN = 200;

/** The JSON of a good answer. Throws KUBE_API for what is none: a proxy or a login page may have answered. */
export function jsonOf({ status, headers, body }: Answer): unknown {
  const text = body.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = isHtml(headers['content-type'], text) ? 'a web page, not JSON' : 'a body that is not JSON';
    const why = `the API server answered ${status} with ${what}: ${messageOf(cause)}; check the server's URL and the proxies on the way to it`;
    throw new PodwireError('KUBE_API', why, { cause, details: { status, text: text.slice(0, SHOWN) } });
  }
}

/** The error that an answer stands for, in the server's words where it sent a Status. */
export function failureOf({ status, headers, body }: Answer): PodwireError {
  const text = body.toString('utf8');
  const retryAfter = secondsOf(headers['retry-after']);
  try {
    const sent = JSON.parse(text) as Status;
    if (sent?.kind === 'Status') return statusError(sent, { retryAfter });
  } catch {
    // Not from the API server itself.
  }
  const said = isHtml(headers['content-type'], text) ? 'a web page' : text.slice(0, SHOWN).trim();
  const message = `the server answered ${status}${said ? `: ${said}` : ''}`;
  return statusError({ kind: 'Status', status: 'Failure', code: status, message }, { retryAfter });
}

function isHtml(type: string | string[] | undefined, text: string): boolean {
  return String(type ?? '').includes('html') || /^\s*<(!doctype|html)/i.test(text);
}

/** Retry-After in seconds; dates (RFC 9110, section 10.2.3) are not used by API servers. */
function secondsOf(value: string | string[] | undefined): number | undefined {
  const seconds = Number(value);
  return value !== undefined && Number.isFinite(seconds) && seconds >= 0 ? seconds : undefined;
}

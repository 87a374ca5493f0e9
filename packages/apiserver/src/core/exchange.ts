import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Status } from 'kubernetes-types/meta/v1.js';
import type { Authorizer } from '../authorization/authorizer.ts';
import type { AuditLog } from '../identity/audit-log.ts';
import { actingUser } from '../identity/impersonation.ts';
import type { RequestMetrics } from '../metrics/request-metrics.ts';
import type { ApiResponse, Aside, Streams, User } from '../seam.ts';
import { statusText } from './connection-error.ts';
import { failed, send } from './http-answer.ts';
import { apiRequest, askedFor, dropRest, type Request, type Response, sourceOf, urlOf } from './http-request.ts';
import { type BodySource, RequestBodies } from './request-body.ts';
import { RequestQueue } from './request-queue.ts';
import type { RestApi } from './rest.ts';
import { badRequest, noSuchResource } from './status.ts';

/** Who a request comes from; throws 401. */
export type Identify = (request: Request, path: string) => User;

export interface ExchangeParts {
  readonly api: RestApi;
  readonly authorizer: Authorizer;
  readonly metrics: RequestMetrics;
  /** Gets a line for every request. */
  readonly audit?: AuditLog | undefined;
  readonly streams: Streams | undefined;
}

/** Requests and their answers, whatever connection they come by. */
export class Exchanges {
  readonly #parts: ExchangeParts;
  readonly #bodies = new RequestBodies();
  readonly #queue = new RequestQueue();

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  async answer(request: Request, response: Response, identify: Identify): Promise<void> {
    const gone = new AbortController();
    // Of an answer that is complete nobody needs to hear, and an abort is not cheap.
    response.on('close', () => !response.writableEnded && gone.abort());
    response.on('error', () => gone.abort());
    let answer: ApiResponse;
    const identity = this.#follow(request, response);
    try {
      const url = urlOf(request);
      const user = this.#userOf(request, { identify, path: url.pathname, identity });
      // A body that arrives slowly must not keep others waiting.
      const body = await this.#bodies.read(request as BodySource);
      const annotate = (key: string, value: string) => void identity.annotations.set(key, value);
      const seat = await this.#queue.enter(user);
      const aside: Aside = (wait) => seat.aside(wait);
      const known = { url, user, signal: gone.signal, body, annotate, aside };
      try {
        answer = await this.#parts.api.respond(apiRequest(request, known));
      } finally {
        seat.leave();
      }
    } catch (error) {
      answer = failed(error);
      dropRest(request, response);
    }
    await send(response, answer, request.headers['accept-encoding'] as string | undefined);
  }

  async upgrade(request: IncomingMessage, { socket, head }: Upgraded, identify: Identify): Promise<void> {
    socket.on('error', () => socket.destroy());
    const answer = { statusCode: 101, once: socket.once.bind(socket) };
    const identity = this.#follow(request, answer);
    try {
      const url = urlOf(request);
      const user = this.#userOf(request, { identify, path: url.pathname, identity });
      const { streams, api } = this.#parts;
      const path = api.pathOf(url.pathname);
      api.authorize({ method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, user }, path);
      const { subresource } = path ?? {};
      const annotate = (key: string, value: string) => void identity.annotations.set(key, value);
      const asked = { user, query: url.searchParams, annotate };
      if (path?.rest !== undefined) {
        await api.connect(path, asked);
        answer.statusCode = await api.proxy.upgrade({ url, request, socket, head }, path);
        return;
      }
      if (!streams || path?.kind.id !== 'Pod') throw noSuchResource();
      if (subresource !== 'exec' && subresource !== 'attach' && subresource !== 'portforward')
        throw badRequest('nothing to upgrade to');
      const pod = api.podOf(path);
      await api.connect(path, asked);
      streams.upgrade({ pod, subresource, query: url.searchParams }, request, socket, head);
    } catch (error) {
      const { status, body } = failed(error);
      answer.statusCode = status;
      socket.end(statusText(body as Status));
    }
  }

  /** Whom the request acts as. Throws 401 and 403. */
  #userOf(request: Request, { identify, path, identity }: { identify: Identify; path: string; identity: Identity }) {
    identity.user = identify(request, path);
    const acting = actingUser(identity.user, request.rawHeaders, this.#parts.authorizer);
    if (acting !== identity.user) identity.impersonator = identity.user;
    identity.user = acting;
    return acting;
  }

  /** Counts the request, and writes its line when its answer has ended. */
  #follow(request: Request, answer: Ending): Identity {
    const { audit, api, metrics } = this.#parts;
    const identity: Identity = { user: undefined, impersonator: undefined, annotations: new Map() };
    const started = new Date();
    const from = performance.now();
    const source = sourceOf(request);
    const asked = askedFor(request, (path) => api.pathOf(path));
    const ended = metrics.begin(asked);
    answer.once('close', () => {
      const duration = performance.now() - from;
      const { statusCode: status } = answer;
      ended(status, duration / 1000);
      audit?.write({ ...identity, asked: asked.attributes, source, status, started, duration });
    });
    return identity;
  }
}

/** Who a request turned out to be from. */
interface Identity {
  user: User | undefined;
  impersonator: User | undefined;
  /** What admission has to say to the audit file. */
  readonly annotations: Map<string, string>;
}

interface Upgraded {
  readonly socket: Duplex;
  readonly head: Buffer;
}

/** An answer that tells when it is over. */
interface Ending {
  readonly statusCode: number;
  once(event: 'close', listener: () => void): unknown;
}

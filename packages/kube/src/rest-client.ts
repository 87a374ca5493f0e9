import { hasCode, PodwireError } from '@podwire/base';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { failureOf, jsonOf } from './answer.ts';
import type { DeleteOptions, ListOptions, ObjectKey, PageOptions, WatchEvent, WatchOptions } from './client.ts';
import { type Clock, systemClock } from './clock.ts';
import type { Answer, Connection } from './connection/connection.ts';
import type { Exchange } from './connection/session.ts';
import { retryAfterOf, statusError } from './errors.ts';
import { LineSplitter } from './line-splitter.ts';
import { type Query, queryOf, type Resource, resourcePath } from './resource.ts';

const PATCH_TYPES = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

/** How often a request is made at most when the server says when to come again. */
const TRIES = 10;
/** The longest that a server's Retry-After is waited for, in seconds. */
const LONGEST_WAIT = 60;

/** What any write may say beside its object. */
export interface WriteQuery {
  readonly fieldManager?: string | undefined;
  /** Checks and answers, but changes nothing. */
  readonly dryRun?: boolean | undefined;
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore' | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PatchQuery extends WriteQuery {
  readonly type: keyof typeof PATCH_TYPES;
  /** Takes fields over from other managers; of an apply only. */
  readonly force?: boolean | undefined;
}

/** One object, or a part of it. */
export interface Target {
  readonly resource: Resource;
  readonly key: ObjectKey;
  /** `status`, `scale`, `binding`, `token` ... */
  readonly subresource?: string | undefined;
}

interface ListBody {
  readonly items?: unknown[] | null;
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string };
}

/** The verbs of the API on any resource, as plain JSON. A request that the server puts off (429, Retry-After) is repeated. */
export class RestClient {
  readonly #connection: Connection;
  readonly #clock: Clock;
  readonly #closed = new AbortController();

  constructor(connection: Connection, clock: Clock = systemClock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Any path of the server; undefined where there is nothing. */
  async read(
    path: string,
    options: { readonly signal?: AbortSignal; readonly accept?: string } = {},
  ): Promise<unknown> {
    try {
      return await this.#call(
        { method: 'GET', path, ...(options.accept && { accept: options.accept }) },
        options.signal,
      );
    } catch (error) {
      if (hasCode(error, 'KUBE_NOT_FOUND')) return undefined;
      throw error;
    }
  }

  get({ resource, key, subresource }: Target, signal?: AbortSignal): Promise<unknown> {
    return this.read(resourcePath(resource, key, subresource), signal ? { signal } : {});
  }

  async list(resource: Resource, options: PageOptions) {
    const { limit, continue: from, signal } = options;
    const path = listPath(resource, options) + queryOf({ ...selection(options), limit, continue: from });
    const { items, metadata } = (await this.#call({ method: 'GET', path }, signal)) as ListBody;
    const { apiVersion, kind } = resource;
    return {
      // Servers leave the type out of list items.
      items: (items ?? []).map((item) =>
        (item as { kind?: string }).kind ? item : { apiVersion, kind, ...(item as object) },
      ),
      resourceVersion: metadata?.resourceVersion ?? '',
      ...(metadata?.continue && { continue: metadata.continue }),
    };
  }

  create(target: Target, object: unknown, options: WriteQuery = {}): Promise<unknown> {
    const { resource, key, subresource } = target;
    const path = subresource ? resourcePath(resource, key, subresource) : listPath(resource, key);
    return this.#write({ method: 'POST', path: path + writeQuery(options), ...json(object) }, options.signal);
  }

  update({ resource, key, subresource }: Target, object: unknown, options: WriteQuery = {}): Promise<unknown> {
    const path = resourcePath(resource, key, subresource) + writeQuery(options);
    return this.#write({ method: 'PUT', path, ...json(object) }, options.signal);
  }

  patch({ resource, key, subresource }: Target, patch: unknown, options: PatchQuery): Promise<unknown> {
    const query = writeQuery(options, { force: options.force || undefined });
    const path = resourcePath(resource, key, subresource) + query;
    const contentType = PATCH_TYPES[options.type];
    return this.#write({ method: 'PATCH', path, contentType, body: JSON.stringify(patch) }, options.signal);
  }

  /** False when there was no such object. */
  async delete({ resource, key }: Target, { uid, signal, ...rest }: DeleteOptions = {}): Promise<boolean> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...rest,
      ...(uid ? { preconditions: { uid } } : {}),
    };
    try {
      await this.#write({ method: 'DELETE', path: resourcePath(resource, key), ...json(body) }, signal);
      return true;
    } catch (error) {
      if (hasCode(error, 'KUBE_NOT_FOUND')) return false;
      throw error;
    }
  }

  /** Events in order until the server ends the watch or the signal is aborted; throws what else ended it. */
  async watch(resource: Resource, options: WatchOptions, onEvent: (event: WatchEvent<unknown>) => void): Promise<void> {
    const { sendInitialEvents, resourceVersion, opened } = options;
    const query = {
      ...selection(options),
      watch: 1,
      allowWatchBookmarks: true,
      timeoutSeconds: 300 + Math.floor(Math.random() * 300),
      ...(sendInitialEvents ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : { resourceVersion }),
    };
    const lines = new LineSplitter((line) => {
      const event = eventOf(line);
      if (event.type === 'ERROR') throw statusError(event.object);
      onEvent(event);
    });
    const signal = options.signal ? AbortSignal.any([options.signal, this.#closed.signal]) : this.#closed.signal;
    const exchange = { method: 'GET', path: listPath(resource, options) + queryOf(query) };
    const answer = await this.#connection.stream(exchange, { opened, onChunk: (chunk) => lines.push(chunk), signal });
    if (answer.status !== 200 && !signal.aborted) throw failureOf(answer);
  }

  close(): void {
    this.#closed.abort();
    this.#connection.close();
  }

  #write(exchange: Exchange, signal: AbortSignal | undefined): Promise<unknown> {
    return this.#call(exchange, signal);
  }

  async #call(exchange: Exchange, signal: AbortSignal | undefined): Promise<unknown> {
    for (let tries = 1; ; tries++) {
      const answer = await this.#answer(exchange, signal);
      if (answer.status < 400) return jsonOf(answer);
      const error = failureOf(answer);
      const seconds = retryAfterOf(error);
      if (seconds === undefined || tries === TRIES || (answer.status !== 429 && answer.status < 500)) throw error;
      await this.#clock.sleep(Math.min(seconds, LONGEST_WAIT) * 1000, signal);
      signal?.throwIfAborted();
    }
  }

  /** Reading twice does no harm: a connection that was lost meanwhile is made again once. */
  async #answer(exchange: Exchange, signal: AbortSignal | undefined): Promise<Answer> {
    try {
      return await this.#connection.request(exchange, signal);
    } catch (error) {
      const again = exchange.method === 'GET' && hasCode(error, 'KUBE_UNAVAILABLE') && !this.#closed.signal.aborted;
      if (!again || signal?.aborted) throw error;
      return this.#connection.request(exchange, signal);
    }
  }
}

type ServerEvent = WatchEvent<unknown> | { readonly type: 'ERROR'; readonly object: Status };

function eventOf(line: string): ServerEvent {
  try {
    return JSON.parse(line) as ServerEvent;
  } catch (cause) {
    const why = 'a line of a watch is not JSON: it was cut off or is not from an API server; the watch begins anew';
    throw new PodwireError('KUBE_API', why, { cause, details: { text: line.slice(0, 200) } });
  }
}

function listPath(resource: Resource, { namespace }: { readonly namespace?: string }): string {
  // What is created without a namespace is in `default`, which the path says.
  return resourcePath(resource, { name: '', ...(namespace !== undefined && { namespace }) });
}

function selection({ labelSelector, fieldSelector }: ListOptions): Query {
  return { labelSelector, fieldSelector };
}

function writeQuery({ fieldManager, dryRun, fieldValidation }: WriteQuery, more: Query = {}): string {
  return queryOf({ fieldManager, dryRun: dryRun ? 'All' : undefined, fieldValidation, ...more });
}

function json(object: unknown): { readonly contentType: string; readonly body: string } {
  return { contentType: 'application/json', body: JSON.stringify(object) };
}

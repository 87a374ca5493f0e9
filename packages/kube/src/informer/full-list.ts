import { hasCode } from '@podwire/base';
import type { KubeClient, ListOptions, Page } from '../client.ts';
import type { KindName, ObjectOf } from '../kinds.ts';

/** How often a page is asked for again before the whole list is given up. */
const TRIES = 4;

export interface FullListOptions<T> {
  readonly selection: ListOptions;
  /** What is kept of an object; called page by page, so that the rest of a page can go. */
  readonly keep: (object: T) => T;
  readonly pageSize: number;
  readonly signal: AbortSignal;
  /** Waits before a page is asked for again; throws what must not be tried again. */
  readonly failed: (error: unknown) => Promise<void>;
}

/** All objects at one revision, page by page; when that revision has expired on the way, anew and at once. */
export async function fullList<K extends KindName>(
  client: KubeClient,
  kind: K,
  options: FullListOptions<ObjectOf<K>>,
): Promise<Page<ObjectOf<K>>> {
  const { selection, pageSize, signal, keep } = options;
  let page: Page<ObjectOf<K>> = await client.list(kind, { ...selection, limit: pageSize, signal });
  let items = page.items.map(keep);
  while (page.continue !== undefined) {
    const next: Page<ObjectOf<K>> | undefined = await pageAfter(client, kind, { ...options, continue: page.continue });
    page = next ?? (await client.list(kind, { ...selection, signal }));
    const kept = page.items.map(keep);
    items = next ? items.concat(kept) : kept;
  }
  return { items, resourceVersion: page.resourceVersion };
}

/** Undefined when the revision of the pages has expired. */
async function pageAfter<K extends KindName>(
  client: KubeClient,
  kind: K,
  options: FullListOptions<ObjectOf<K>> & { readonly continue: string },
): Promise<Page<ObjectOf<K>> | undefined> {
  const { selection, pageSize: limit, signal, failed, continue: after } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await client.list(kind, { ...selection, limit, continue: after, signal });
    } catch (error) {
      if (hasCode(error, 'KUBE_GONE')) return undefined;
      if (signal.aborted || tries === TRIES) throw error;
      await failed(error);
    }
  }
}

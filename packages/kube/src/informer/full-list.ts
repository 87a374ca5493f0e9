import { hasCode } from '@podwire/base';
import type { ListOptions, Page } from '../client.ts';
import type { ObjectSource } from './object-source.ts';

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
export async function fullList<T>(source: ObjectSource<T>, options: FullListOptions<T>): Promise<Page<T>> {
  const { selection, pageSize, signal, keep } = options;
  let page: Page<T> = await source.list({ ...selection, limit: pageSize, signal });
  let items = page.items.map(keep);
  while (page.continue !== undefined) {
    const next: Page<T> | undefined = await pageAfter(source, { ...options, continue: page.continue });
    page = next ?? (await source.list({ ...selection, signal }));
    const kept = page.items.map(keep);
    items = next ? items.concat(kept) : kept;
  }
  return { items, resourceVersion: page.resourceVersion };
}

/** Undefined when the revision of the pages has expired. */
async function pageAfter<T>(
  source: ObjectSource<T>,
  options: FullListOptions<T> & { readonly continue: string },
): Promise<Page<T> | undefined> {
  const { selection, pageSize: limit, signal, failed, continue: after } = options;
  for (let tries = 1; ; tries++) {
    try {
      return await source.list({ ...selection, limit, continue: after, signal });
    } catch (error) {
      if (hasCode(error, 'KUBE_GONE')) return undefined;
      if (signal.aborted || tries === TRIES) throw error;
      await failed(error);
    }
  }
}

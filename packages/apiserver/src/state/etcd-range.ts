import type { EtcdKeys } from './etcd-keys.ts';

export interface EtcdEntry {
  /** Base64, as the value. */
  readonly key: string;
  readonly value: string;
  readonly mod_revision: string;
}

export interface RangeAnswer {
  readonly header: { readonly revision: string };
  readonly kvs?: readonly EtcdEntry[];
  readonly more?: boolean;
}

const PAGE = 500;

export const toBase64 = (text: string): string => Buffer.from(text).toString('base64');
export const toText = (base64 = ''): string => Buffer.from(base64, 'base64').toString('utf8');

/** All entries with the prefix, as they were at one revision. */
export async function readEntries(
  range: (request: object) => Promise<RangeAnswer>,
  { prefix, end }: EtcdKeys,
): Promise<readonly EtcdEntry[]> {
  const entries: EtcdEntry[] = [];
  let from = toBase64(prefix);
  let revision: string | undefined;
  for (;;) {
    const at = revision === undefined ? {} : { revision };
    const { header, kvs = [], more } = await range({ key: from, range_end: toBase64(end), limit: PAGE, ...at });
    revision ??= header.revision;
    for (const entry of kvs) entries.push(entry);
    if (!more) return entries;
    // The key after the last one: one more byte, zero.
    from = Buffer.concat([Buffer.from(kvs.at(-1)?.key ?? '', 'base64'), Buffer.of(0)]).toString('base64');
  }
}

import { createHash } from 'node:crypto';

/** Ten characters, safe in names. Equal templates have equal hashes. */
export function templateHash(template: unknown): string {
  return createHash('sha256').update(canonical(template)).digest('hex').slice(0, 10);
}

/** JSON with sorted keys, without nulls and empty objects, which clients in Go add as they like. */
function canonical(value: unknown): string {
  return JSON.stringify(ordered(value) ?? {});
}

function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => ordered(item) ?? {});
  if (value === null || typeof value !== 'object') return value ?? undefined;
  const entries = Object.entries(value).map(([key, part]) => [key, ordered(part)] as const);
  const kept = entries.filter(([, part]) => part !== undefined).sort(([a], [b]) => (a < b ? -1 : 1));
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}

import { createHash } from 'node:crypto';

/** Consonants and digits that spell no words, as in the names Kubernetes makes up. */
const ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
const LENGTH = 10;

/** Ten characters, safe in names. Equal templates have equal hashes. */
export function templateHash(template: unknown): string {
  const digest = createHash('sha256').update(canonical(template)).digest().subarray(0, LENGTH);
  return Array.from(digest, (byte) => ALPHABET[byte % ALPHABET.length]).join('');
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

/** FNV-1a, of UTF-16 code units, before any folding; as a signed number. `seed`: another hash of the same text. */
export function fnv1a(text: string, seed = 0x811c9dc5): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

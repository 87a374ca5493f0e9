const KEYWORDS = new Set(
  `true false null in as break const continue else for function if import let loop package namespace return var void
  while`.split(/\s+/),
);
const SYMBOLS: readonly (readonly [string, string])[] = [
  ['__', '__underscores__'],
  ['.', '__dot__'],
  ['-', '__dash__'],
  ['/', '__slash__'],
];

/** How an expression names a property; undefined when it cannot. */
export function celName(property: string): string | undefined {
  if (KEYWORDS.has(property)) return `__${property}__`;
  const escaped = SYMBOLS.reduce((text, [symbol, name]) => text.replaceAll(symbol, name), property);
  return /^[A-Za-z_]\w*$/.test(escaped) ? escaped : undefined;
}

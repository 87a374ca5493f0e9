const COLON = 58;

/** The 16 bytes of an IPv6 address, or undefined if the text is none; RFC 4291 section 2.2, without zone. */
export function parseIpv6(text: string): Uint8Array | undefined {
  const groups = text.includes('.') ? withoutDots(text) : text;
  if (groups === undefined) return undefined;
  const bytes = new Uint8Array(16);
  let [at, gap, group, digits] = [0, -1, 0, 0];
  for (let i = 0; i <= groups.length; i++) {
    const code = i < groups.length ? groups.charCodeAt(i) : COLON;
    const digit = hexDigit(code);
    if (digit >= 0) {
      if (++digits > 4) return undefined;
      group = group * 16 + digit;
      continue;
    }
    if (code !== COLON) return undefined;
    const isEnd = i === groups.length;
    if (digits > 0) {
      if (at === 16) return undefined;
      bytes[at++] = group >> 8;
      bytes[at++] = group & 255;
      [group, digits] = [0, 0];
      if (isEnd) break;
      if (i + 1 === groups.length) return undefined; // a colon at the end
    } else if (isEnd) {
      if (gap !== at) return undefined;
      break;
    } else if (i > 0 || groups.charCodeAt(1) !== COLON) return undefined;
    if (groups.charCodeAt(i + 1) !== COLON) continue;
    if (gap >= 0) return undefined;
    gap = at;
    i++;
  }
  return filled(bytes, at, gap);
}

/** Moves what stands behind `::` to the end; it stands for one group at least. */
function filled(bytes: Uint8Array, at: number, gap: number): Uint8Array | undefined {
  if (gap < 0) return at === 16 ? bytes : undefined;
  if (at > 14) return undefined;
  for (let from = at - 1, to = 15; from >= gap; from--, to--) {
    bytes[to] = bytes[from] as number;
    bytes[from] = 0;
  }
  return bytes;
}

function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** `::ffff:10.1.2.3` as `::ffff:a01:203`. */
function withoutDots(text: string): string | undefined {
  const parts = /^(.*:)(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/s.exec(text);
  const numbers = parts?.slice(2).map(Number) ?? [];
  const canonical = parts?.slice(2).every((part, i) => part === String(numbers[i]) && Number(part) <= 255);
  const [a = 0, b = 0, c = 0, d = 0] = numbers;
  return canonical ? `${parts?.[1]}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}` : undefined;
}

/** Canonical text of 16 bytes (RFC 5952): the first of the longest runs of zero groups is `::`. */
export function formatIpv6(bytes: Uint8Array): string {
  const group = (i: number): number => ((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number);
  let [start, length, run] = [8, 1, 0];
  for (let i = 0; i < 8; i++) {
    run = group(i) === 0 ? run + 1 : 0;
    if (run > length) [start, length] = [i + 1 - run, run];
  }
  let text = '';
  for (let i = 0; i < 8; i++) {
    if (i === start) {
      text += '::';
      i += length - 1;
    } else text += (i === 0 || i === start + length ? '' : ':') + group(i).toString(16);
  }
  return text;
}

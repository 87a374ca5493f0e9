import { nftError } from './errors.ts';
import { KEYWORDS, OBJECT_KEYWORDS } from './keyword.ts';
import type { ObjectKind } from './model.ts';

const IDENTIFIER = /^[A-Za-z][A-Za-z0-9_./-]{0,127}$/;
/** The kernel keeps 256 bytes of user data, nft prints comments up to 127 bytes. */
const COMMENT_BYTES = 127;

/** The name itself when nft's scanner reads it as an identifier (nft(8), LEXICAL CONVENTIONS); throws NFT_BAD_NAME. */
export function checkName(name: string): string {
  if (!IDENTIFIER.test(name)) {
    throw nftError(
      'NFT_BAD_NAME',
      `"${name}" is not an nft identifier; use a letter, then letters, digits and _ . / -`,
    );
  }
  return checkWords(name, KEYWORDS);
}

function checkWords(name: string, words: ReadonlySet<string> | undefined): string {
  if (words?.has(name)) throw nftError('NFT_BAD_NAME', `"${name}" is a word of nft's own grammar; use another name`);
  return name;
}

/** The name of an object of that kind; throws NFT_BAD_NAME. */
export function checkObjectName(kind: ObjectKind, name: string): string {
  return checkWords(checkName(name), OBJECT_KEYWORDS[kind]);
}

/** Name of an interface; throws NFT_BAD_NAME. */
export function checkIfname(name: string): string {
  if (!/^[^\s\p{Cc}"/*:]{1,15}$/u.test(name) || Buffer.byteLength(name) > 15)
    throw nftError(
      'NFT_BAD_NAME',
      `${JSON.stringify(name)} is not an interface name: 1 to 15 bytes without space, control characters and / : " *`,
    );
  return name;
}

/** A word that stands between quotes: name of a conntrack helper, context of a security mark; throws NFT_BAD_NAME. */
export function checkWord(word: string): string {
  if (!/^[\w.:,-]{1,255}$/.test(word))
    throw nftError('NFT_BAD_NAME', `${JSON.stringify(word)} is not a word of letters, digits and _ . : , -`);
  return word;
}

/** nft strings have no escape: quotes and control characters are replaced, and the text is cut to 127 bytes of UTF-8. */
export function cleanComment(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  const printable = text.replaceAll('"', "'").replace(/[\u0000-\u001f\u007f]+/g, ' ');
  const bytes = Buffer.from(printable);
  if (bytes.length <= COMMENT_BYTES) return printable;
  let end = COMMENT_BYTES;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end).toString();
}

/** A comment as it is kept, or undefined: one without text is none. */
export const commentOf = (comment: string | undefined): string | undefined =>
  comment === undefined ? undefined : cleanComment(comment) || undefined;

/** `comment "..."`, or nothing. */
export function formatComment(comment: string | undefined): readonly string[] {
  const text = commentOf(comment);
  return text === undefined ? [] : [`comment "${text}"`];
}

/** As a comment, without `$`, which nft takes for a variable in the prefix of a log statement. */
export const cleanPrefix = (text: string): string => cleanComment(text.replaceAll('$', '_'));

export function quote(text: string): string {
  return `"${cleanComment(text)}"`;
}

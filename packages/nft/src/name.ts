import { nftError } from './errors.ts';

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
  return name;
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

export function quote(text: string): string {
  return `"${cleanComment(text)}"`;
}

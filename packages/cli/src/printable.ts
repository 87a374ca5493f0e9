// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal would obey
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Text with names of others in it, made harmless for terminals: control characters but tab and newline are spelled out. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The same of what has to stay one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', '\\n');
}

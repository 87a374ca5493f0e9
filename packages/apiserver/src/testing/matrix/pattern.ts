const PLACEHOLDERS: Readonly<Record<string, string>> = {
  age: '(?:\\d+[smhd])+',
  ip: '\\d+\\.\\d+\\.\\d+\\.\\d+',
  port: '3\\d{4}',
  time: '20\\d\\d-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ',
  uid: '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
  id: '[a-z0-9]+',
  number: '\\d+',
  any: '.*',
  lines: '[\\s\\S]*',
};

/**
 * An expected output as a regular expression: text stands for itself, two or more spaces for two or more or tabs, since
 * kubectl makes columns as wide as the widest value, and trailing spaces do not count. `{age}`, `{ip}`, `{port}` of a node,
 * `{time}`, `{uid}`, `{id}`, `{number}` stand for a value, `{any}` for the rest of a line, `{lines}` for any text.
 * The newline at the end may be left out.
 */
export function patternOf(expected: string): RegExp {
  const text = expected.replace(/\n$/, '');
  const source = text
    .split(/(\{[a-z]+\}| {2,}|\n)/)
    .map((part) => {
      if (part === '\n') return ' *\\n';
      if (part.startsWith('  ')) return '(?: {2,}|\\t+ *)';
      const name = /^\{([a-z]+)\}$/.exec(part)?.[1] ?? '';
      return PLACEHOLDERS[name] ?? part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${source}\\s*$`);
}

/** The words of a command line; single quotes keep spaces. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|[^\s'])+/g)].map(([word]) => word.replaceAll("'", ''));
}

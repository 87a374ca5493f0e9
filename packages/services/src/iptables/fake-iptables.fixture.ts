import assert from 'node:assert/strict';
import type { ChainId } from './layout.ts';

/** What iptables-restore --noflush does to chains and iptables-save prints of them, as far as the room uses it. */
export class FakeIptables {
  readonly #chains = new Map<string, Map<string, string[]>>([
    ['nat', builtIn('PREROUTING', 'OUTPUT', 'POSTROUTING')],
    ['filter', builtIn('INPUT', 'FORWARD', 'OUTPUT')],
  ]);

  restore(text: string): void {
    let table = new Map<string, string[]>();
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('*')) table = this.#chains.get(line.slice(1)) ?? assert.fail(line);
      else if (line.startsWith(':')) table.set(/^:(\S+) - \[0:0\]$/.exec(line)?.[1] ?? assert.fail(line), []);
      else if (line !== 'COMMIT') command(table, line);
    }
    assert.match(text, /\nCOMMIT\n$/);
  }

  save(): string {
    const tables = [...this.#chains].map(([table, chains]) => {
      const names = [...chains.keys()].map((name) => `:${name} - [0:0]`);
      const rules = [...chains].flatMap(([name, lines]) => lines.map((line) => `-A ${name}${line && ` ${line}`}`));
      return [`*${table}`, ...names, ...rules, 'COMMIT', ''].join('\n');
    });
    return tables.join('');
  }

  /** The arguments the program would see, of chains that have rules. */
  tokens(): Map<ChainId, string[][]> {
    const all = new Map<ChainId, string[][]>();
    for (const [table, chains] of this.#chains)
      for (const [name, lines] of chains)
        if (lines.length) all.set(`${table === 'nat' ? 'nat' : 'filter'} ${name}`, lines.map(split));
    return all;
  }
}

function builtIn(...names: string[]): Map<string, string[]> {
  return new Map(names.map((name) => [name, []]));
}

function command(table: Map<string, string[]>, line: string): void {
  const [, verb = '', name = '', rest = ''] = /^-([AIDX]) (\S+) ?(.*)$/.exec(line) ?? assert.fail(`syntax: ${line}`);
  const rules = table.get(name) ?? assert.fail(`no chain ${name}: ${line}`);
  if (verb === 'X') {
    assert.deepEqual(rules, [], `${name} is not empty`);
    for (const [other, lines] of table)
      assert.ok(!lines.some((one) => one.endsWith(`-j ${name}`)), `${other} leads to ${name}`);
    table.delete(name);
    return;
  }
  if (verb === 'D') {
    assert.ok(rules.includes(rest), `no such rule: ${line}`);
    rules.splice(rules.indexOf(rest), 1);
    return;
  }
  const [, position = `${rules.length + 1}`, rule = ''] =
    verb === 'I' ? (/^(\d+) (.*)$/.exec(rest) ?? assert.fail(line)) : ['', undefined, rest];
  assert.ok(Number(position) <= rules.length + 1, line);
  rules.splice(Number(position) - 1, 0, rule);
  const target = /-j ((?:KUBE|PODWIRE)-\S+)$/.exec(rule)?.[1];
  if (target) assert.ok(table.has(target), `no chain ${target}: ${line}`);
}

/** As add_param_to_argv of iptables splits a line. */
function split(line: string): string[] {
  const args: string[] = [];
  let [word, quoted, escaped, open] = ['', false, false, false];
  for (const char of line) {
    if (escaped) [word, escaped] = [word + char, false];
    else if (quoted && char === '\\') escaped = true;
    else if (char === '"') [quoted, open] = [!quoted, true];
    else if (!quoted && char === ' ') {
      if (open) args.push(word);
      [word, open] = ['', false];
    } else [word, open] = [word + char, true];
  }
  assert.ok(!quoted, `a quote stays open: ${line}`);
  return open ? [...args, word] : args;
}

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import { withNetns } from '@podwire/kernel/testing';
import { interpret } from './interpret.ts';
import { openNft } from './nft.ts';

/** Runs the README's example: expressions are what it says they are. */
test('the example of the README does what it says', () =>
  withNetns(1, (netns) => {
    const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
    const code = /```ts\nimport [^\n]*\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    assert.match(code, /apply\(table/);
    const script = code
      .replace('(...blocked: string[]): Table =>', '(...blocked) =>')
      .replace('openNft()', 'openNft(netns)')
      .replace(/^(nft\..*?|interpret\([\s\S]*?\n\));( \/\/.*)?$/gm, 'results.push($1);');
    const results: unknown[] = [];
    new Function('openNft', 'netns', 'interpret', 'results', script)(openNft, netns, interpret, results);
    const [first, second, drift, verdict] = results as [object, object, string[], ReturnType<typeof interpret>];
    assert.deepEqual([first, second], [{ commands: 5 }, { commands: 1 }]);
    assert.deepEqual(drift, ['delete element ip example blocked { 192.0.2.2 }']);
    assert.equal(verdict.verdict, 'drop');
    assert.ok(verdict.decidedBy && 'rule' in verdict.decidedBy && verdict.decidedBy.rule.comment === 'blocked hosts');
  }));

import assert from 'node:assert/strict';
import test from 'node:test';
import { formatFeatures } from './features.ts';

const rows = [
  { group: 'link', feature: 'veth', use: "pods' wires", outcome: 'yes' },
  { group: 'link', feature: 'gre', use: 'gre backend', outcome: 'no', reason: 'Unknown device type' },
  { group: 'host', feature: 'tun', use: 'udp backend', outcome: 'unknown', reason: 'EPERM' },
] as const;

test('features are a table with a count of the three outcomes; wide adds the reasons', () => {
  assert.match(
    formatFeatures(rows, false),
    /^GROUP {3}FEATURE {3}KERNEL {11}FOR\nlink {4}veth {6}yes {14}pods' wires\n.*\n\n1 yes, 1 no, 1 could not tell; reasons: /s,
  );
  const wide = formatFeatures(rows, true);
  assert.match(wide, /gre backend +Unknown device type\n/);
  assert.ok(wide.endsWith('1 yes, 1 no, 1 could not tell'));
});

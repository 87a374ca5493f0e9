import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { errnoName, errnoOf } from './errno.ts';
import { isErrno, KERNEL_ERRORS, KernelError } from './errors.ts';

test('a kernel error says what, why and the name of the errno', () => {
  const error = new KernelError({ op: 'create veth x', errno: errnoOf('EEXIST'), extack: 'name is taken' });
  assert.equal(error.code, 'KERNEL_CALL');
  assert.match(error.message, /^create veth x: .*\(EEXIST\): name is taken$/);
  assert.ok(isErrno(error, 'ENOENT', 'EEXIST'));
  assert.ok(!isErrno(error, 'ENOENT'));
  assert.ok(!isErrno(new Error('EEXIST'), 'EEXIST'));
});

test('a permission error names the capability that is missing', () => {
  const advice = (op: string) => new KernelError({ op, errno: errnoOf('EPERM') });
  assert.equal(advice('create veth x').code, 'KERNEL_PERMISSION');
  assert.match(advice('create veth x').message, /CAP_NET_ADMIN/);
  assert.match(advice('unshare a network namespace').message, /CAP_SYS_ADMIN/);
  assert.match(advice('packet socket on lo').message, /CAP_NET_RAW/);
  assert.match(advice('bind 10.0.0.1:80').message, /CAP_NET_BIND_SERVICE/);
  assert.match(advice('bind a socket to link eth0').message, /CAP_NET_RAW/);
  assert.match(advice('bind a netlink socket').message, /CAP_NET_ADMIN/);
});

test('every name that is given out is a number again', () => {
  for (const number of [1, 2, 11, 105, 517, 524]) assert.equal(errnoOf(errnoName(number)), number);
});

test('an errno nobody named still has a text', () => {
  assert.match(new KernelError({ op: 'x', errno: 999 }).message, /errno 999/);
});

test('README and code table list the same codes', () => {
  const readme = fs.readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const listed = [...readme.matchAll(/^\| `(KERNEL_\w+)` +\|/gm)].map((m) => m[1]);
  assert.deepEqual(listed.sort(), Object.keys(KERNEL_ERRORS).sort());
});

import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';
import { PodwireError } from '@podwire/base';
import { errnoOf } from '../errno.ts';
import { KernelError } from '../errors.ts';
import { outcomeOf } from './outcome.ts';

const kernelError = (name: string) => new KernelError({ op: 'try', errno: errnoOf(name) });
const thrownBy = (fn: () => unknown): unknown => {
  try {
    return fn();
  } catch (error) {
    return error;
  }
};

test('the kernel says no with its own refusals, and with files and instructions it does not have', () => {
  for (const name of ['EOPNOTSUPP', 'EINVAL', 'ENOENT', 'ENODEV', 'EPROTONOSUPPORT'])
    assert.equal(outcomeOf(kernelError(name)), 'no', name);
  assert.equal(outcomeOf(thrownBy(() => fs.readFileSync('/proc/nothing'))), 'no');
  assert.equal(outcomeOf(new KernelError({ op: 'load', errno: errnoOf('EACCES') }, 'KERNEL_BPF_VERIFIER')), 'no');
});

test('what says nothing of the kernel is no answer: permissions, resources, lost answers, mistakes of podwire', () => {
  for (const name of ['EPERM', 'EACCES', 'ENOMEM', 'ENOSPC', 'EMFILE', 'EBUSY', 'EAGAIN'])
    assert.equal(outcomeOf(kernelError(name)), 'unknown', name);
  assert.equal(outcomeOf(Object.assign(new Error('open'), { code: 'EPERM', errno: -1 })), 'unknown');
  assert.equal(outcomeOf(new PodwireError('KERNEL_NETLINK_LOST', 'try: no answer')), 'unknown');
  assert.equal(outcomeOf(new RangeError('out of range')), 'unknown');
});

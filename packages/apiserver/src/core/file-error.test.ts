import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withFiles } from './file-error.ts';

const refusing = (code: string) => async () => {
  throw Object.assign(new Error(`${code}: no`), { code });
};

test('what the system refuses is said with what to do; what is not about files stays as it is', async () => {
  const message = 'cannot use /x: EACCES: no; choose one this user may write, or give this user the right';
  await assert.rejects(withFiles('/x', refusing('EACCES')), { code: 'APISERVER_DIRECTORY', message });
  await assert.rejects(withFiles('/x', refusing('ENOSPC')), { code: 'APISERVER_DIRECTORY', message: /make room/ });
  await assert.rejects(withFiles('/x', refusing('ECONNRESET')), { code: 'ECONNRESET' });
  assert.equal(await withFiles('/x', async () => 1), 1);
});

import { findKubectls } from './testing/kubectl.ts';
import { matrixTests } from './testing/matrix/tests.ts';

/** Not supported any more; they do what they can. */
matrixTests(findKubectls(27).filter(({ minor }) => minor < 29));

import { findKubectls } from './testing/kubectl.ts';
import { matrixTests } from './testing/matrix/tests.ts';

/** The older ones are in files of their own, since a file has its time. */
matrixTests(findKubectls().filter(({ minor }) => minor > 30));

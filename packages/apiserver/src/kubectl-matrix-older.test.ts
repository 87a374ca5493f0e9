import { findKubectls } from './testing/kubectl.ts';
import { matrixTests } from './testing/matrix/tests.ts';

/** 1.29 and 1.30 are supported; 1.27 and 1.28 do what they can. */
matrixTests(findKubectls(27).filter(({ minor }) => minor <= 30));

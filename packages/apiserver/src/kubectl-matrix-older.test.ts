import { findKubectls } from './testing/kubectl.ts';
import { matrixTests } from './testing/matrix/tests.ts';

matrixTests(findKubectls().filter(({ minor }) => minor <= 30));

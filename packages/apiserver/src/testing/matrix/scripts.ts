import { APPLY } from './apply-script.ts';
import { CHANGE } from './change-script.ts';
import { CREATE } from './create-script.ts';
import { DESCRIBE } from './describe-script.ts';
import { GET } from './get-script.ts';
import { KINDS } from './kinds-script.ts';
import { NODE } from './node-script.ts';
import { ROLLOUT } from './rollout-script.ts';
import type { Script } from './row.ts';
import { ACCESS, DISCOVERY } from './server-script.ts';

/** What differs most between kubectl versions: the formats of requests, and streams. */
export const SHORT: readonly Script[] = [GET, CREATE, APPLY, NODE];
export const SCRIPTS: readonly Script[] = [...SHORT, DISCOVERY, ACCESS, CHANGE, DESCRIBE, KINDS, ROLLOUT];

/** `npm run bench -- g22`: runs bench/g22.ts, whose last line is `g22 ratio=R must=M stretch=S`. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './steps.ts';

const [name = ''] = process.argv.slice(2);
const file = path.join(ROOT, 'bench', `${name}.ts`);
if (!/^(g\d{1,2}|ffi|envtest|store)$/.test(name) || !existsSync(file)) {
  console.error(`usage: npm run bench -- NAME, where NAME is a file of bench/ (there is no ${name || 'name given'})`);
  process.exit(2);
}
await import(file);

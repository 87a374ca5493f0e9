/**
 * `npm run docs [-- --strict]`: pages about everything that kernel, nft and net export, and about every netlink message, in
 * docs/api. Fails on links that lead
 * nowhere and whatever else typedoc finds wrong; counts exports without a word and types that an export uses and that are
 * none themselves. With --strict these are listed and fail too.
 *
 * typedoc works with another TypeScript than the repository has: both are installed once into node_modules/.cache.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { netlinkPages } from './netlink-docs.ts';
import { ROOT } from './steps.ts';

const PACKAGES = ['kernel', 'nft', 'net'] as const;
const TARGET = path.join(ROOT, 'docs/api');
const CACHE = path.join(ROOT, 'node_modules/.cache/typedoc');
const LOCK = 'package-lock.json';
const TYPEDOC = installTypedoc();

/** Installed from the lock file beside this one; again when that changed. */
function installTypedoc(): string {
  const source = path.join(import.meta.dirname, 'typedoc');
  const installed = path.join(CACHE, 'node_modules', '.package-lock.json');
  const same = () => readFileSync(path.join(source, LOCK), 'utf8') === readFileSync(path.join(CACHE, LOCK), 'utf8');
  if (!existsSync(installed) || !same()) {
    console.error('docs: installing typedoc (once)...');
    mkdirSync(CACHE, { recursive: true });
    for (const file of ['package.json', LOCK]) copyFileSync(path.join(source, file), path.join(CACHE, file));
    const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: CACHE,
      stdio: ['ignore', 2, 2],
    });
    if (status !== 0)
      throw new Error('npm could not install typedoc (its messages are above); mend what it names and run this again');
  }
  return path.join(CACHE, 'node_modules/typedoc/bin/typedoc');
}

/** One for each subpath export; those for tests are left out. */
function entryPoints(folder: string): string[] {
  const { exports } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    exports: Record<string, string>;
  };
  const shown = Object.entries(exports).filter(([subpath]) => !/testing|fuzz/.test(subpath));
  return shown.map(([, file]) => path.join(folder, file));
}

/** Runs typedoc with the options; resolves to its complaints, or throws when it gives up. */
async function runTypedoc(name: string, options: object): Promise<string[]> {
  const file = path.join(CACHE, `${name}.options.json`);
  writeFileSync(file, JSON.stringify({ ...options, disableGit: true, hideGenerator: true }, null, 2));
  const child = spawn(process.execPath, [TYPEDOC, '--options', file, '--pretty', 'false'], {
    cwd: ROOT,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk;
    });
  const [status] = await once(child, 'close');
  const complaints = output.split('\n').filter((line) => /^\[(warning|error)\] (?!Found )/.test(line));
  if (status !== 0 && complaints.length === 0) throw new Error(`typedoc failed on ${name}: ${output}`);
  return complaints;
}

/** typedoc asks only for words about a package's own symbols, so each package is read alone and the pages are made of all. */
function readPackage(name: string): Promise<string[]> {
  const folder = path.join(ROOT, 'packages', name);
  return runTypedoc(name, {
    name: `@podwire/${name}`,
    entryPoints: entryPoints(folder),
    basePath: path.join(folder, 'src'),
    readme: path.join(folder, 'README.md'),
    json: path.join(CACHE, `${name}.json`),
    tsconfig: path.join(ROOT, 'tsconfig.json'),
    // the repository's own compiler has checked the types
    skipErrorChecking: true,
    disableSources: true,
    validation: { notExported: true, invalidLink: false, notDocumented: true },
    requiredToBeDocumented: ['Function', 'Class', 'Interface', 'TypeAlias', 'Variable'],
  });
}

const complaints = (await Promise.all(PACKAGES.map(readPackage))).flat();
complaints.push(
  ...(await runTypedoc('pages', {
    name: 'podwire: Linux networking for Node',
    entryPointStrategy: 'merge',
    entryPoints: PACKAGES.map((name) => path.join(CACHE, `${name}.json`)),
    readme: path.join(ROOT, 'docs/libraries.md'),
    out: TARGET,
    validation: { notExported: false, invalidLink: true, notDocumented: false },
  })),
);
const pages = path.join(TARGET, 'netlink');
mkdirSync(pages, { recursive: true });
for (const [file, text] of netlinkPages()) writeFileSync(path.join(pages, file), text);
const kindOf = (line: string): string => {
  if (line.includes('does not have any documentation')) return 'undocumented';
  return line.includes('not included in the documentation') ? 'not exported' : 'wrong';
};
const strict = process.argv.includes('--strict');
const found = Map.groupBy(complaints, kindOf);
for (const [kind, lines] of found) {
  if (strict || kind === 'wrong') for (const line of lines) console.error(line);
  console.error(`docs: ${kind}: ${lines.length}`);
}
console.error(
  `docs: ${path.relative(ROOT, TARGET)}/index.html has ${PACKAGES.join(', ')}; ${path.relative(ROOT, pages)} has netlink's messages`,
);
process.exitCode = found.has('wrong') || (strict && found.size > 0) ? 1 : 0;

import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type KubectlResult, type KubectlSession, runKubectl, startKubectl } from '../kubectl.ts';
import { patternOf, wordsOf } from './pattern.ts';
import type { Row, Script } from './row.ts';

const PATIENCE = 30_000;

/** Runs a script to its end; resolves with what was not as expected. The namespace must exist. */
export async function play(session: KubectlSession, script: Script): Promise<string[]> {
  const own = await sessionOf(session, script);
  const { minor } = session.kubectl;
  const wrong: string[] = [];
  for (const row of script.rows) {
    if (minor < (row.from ?? 0) || minor > (row.until ?? Number.POSITIVE_INFINITY)) continue;
    const withEnv = row.env ? { ...own, env: row.env } : own;
    const result = row.meanwhile === undefined ? await plain(withEnv, row) : await watching(withEnv, row);
    const difference = compare(row, result);
    if (difference) wrong.push(difference);
  }
  return wrong;
}

/** The session in the namespace and folder of the script. */
async function sessionOf(session: KubectlSession, { name, files = {} }: Script): Promise<KubectlSession> {
  const folder = join(session.home, name);
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(folder, file), text);
    if (file.endsWith('.sh')) await chmod(join(folder, file), 0o700);
  }
  const kubeconfig = join(folder, '.kubeconfig');
  const text = await readFile(session.kubeconfig, 'utf8');
  await writeFile(kubeconfig, text.replace(/^( *)(user: [\w-]+)$/m, `$1$2\n$1namespace: ${name}`), { mode: 0o600 });
  return { ...session, kubeconfig, folder };
}

function plain(session: KubectlSession, { run, input }: Row): Promise<KubectlResult> {
  const text = input === undefined || typeof input === 'string' ? input : JSON.stringify(input);
  return runKubectl(session, wordsOf(run), text);
}

/** Starts what watches, lets things happen until the expected output is there, and ends it. */
async function watching(session: KubectlSession, { run, out = '', meanwhile = '', exit = 0 }: Row) {
  const child = startKubectl(session, wordsOf(run));
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const deadline = Date.now() + PATIENCE;
  const pattern = patternOf(out);
  for (let n = 1; !pattern.test(stdout) && Date.now() < deadline; n++) {
    await runKubectl(session, wordsOf(meanwhile.replaceAll('%', String(n))));
    await delay(50);
  }
  child.kill();
  await closed;
  return { code: exit, stdout, stderr };
}

function compare({ run, exit = 0, out = '', err = '' }: Row, { code, stdout, stderr }: KubectlResult) {
  const lines = [
    ...(code === exit ? [] : [`exit ${code}, not ${exit}`]),
    ...(patternOf(out).test(stdout) ? [] : [`stdout:\n${indented(stdout)}\nexpected:\n${indented(out)}`]),
    ...(patternOf(err).test(stderr) ? [] : [`stderr:\n${indented(stderr)}\nexpected:\n${indented(err)}`]),
  ];
  return lines.length === 0 ? undefined : [`kubectl ${run}`, ...lines].join('\n');
}

function indented(text: string): string {
  return text.trimEnd().replace(/^/gm, '    | ');
}

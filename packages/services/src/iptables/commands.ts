import { type Family, messageOf, type PodwireError } from '@podwire/base';
import { type Netns, spawnIn } from '@podwire/kernel';
import { writingByChild } from '@podwire/nft';
import { servicesError } from '../errors.ts';
import { MARKER } from './layout.ts';
import { parseSaved, type Saved } from './saved.ts';

/** How the programs of one kind of kernel rules end their first word; '' is what the machine calls iptables. */
type Variant = '-nft' | '-legacy' | '';
const VARIANTS: readonly Variant[] = ['-nft', '-legacy'];
/** Another process may be writing: that long we wait for the lock of iptables-legacy, in seconds; the room tries again later. */
const LOCK_WAIT = 10;
const TIMEOUT = 300_000;
/** The status of who has waited in vain (RESOURCE_PROBLEM). */
const LOCKED = 4;

interface Ended {
  readonly code: number | string;
  readonly output: string;
  readonly complaint: string;
}

/** iptables-save and iptables-restore of one variant, in one namespace. Input goes to stdin; there is no shell. */
export class IptablesCommands {
  readonly variant: Variant;
  readonly #netns: Netns | undefined;
  readonly #lockWait: number;

  /** `lockWait`: seconds. */
  constructor(variant: Variant, netns?: Netns, lockWait = LOCK_WAIT) {
    this.variant = variant;
    this.#netns = netns;
    this.#lockWait = lockWait;
  }

  get name(): string {
    return `iptables${this.variant}`;
  }

  /** What is in the kernel. Throws SERVICES_IPTABLES. */
  async save(family: Family): Promise<Saved> {
    const { code, output, complaint } = await this.#run(this.#program(family, 'save'), []);
    if (code !== 0) throw refused(this.#program(family, 'save'), code, complaint);
    return parseSaved(output);
  }

  /** Each table in one transaction, without touching what the text does not name. Throws SERVICES_IPTABLES. */
  async restore(family: Family, text: string, test = false): Promise<void> {
    const program = this.#program(family, 'restore');
    const args = ['--noflush', '-w', `${this.#lockWait}`, ...(test ? ['--test'] : [])];
    const { code, complaint } = await writingByChild(this.#netns, () => this.#run(program, args, text));
    if (code !== 0) throw refused(program, code, complaint, text);
  }

  #program(family: Family, verb: 'save' | 'restore'): string {
    return `${family === 'ipv6' ? 'ip6tables' : 'iptables'}${this.variant}-${verb}`;
  }

  #run(program: string, args: readonly string[], input = ''): Promise<Ended> {
    return new Promise((resolve) => {
      const env = { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin:/sbin`, LC_ALL: 'C' };
      const child = spawnIn({ netns: this.#netns }, program, args, { env, timeout: TIMEOUT, stdio: 'pipe' });
      const [output, complaint]: [Buffer[], Buffer[]] = [[], []];
      child.stdout?.on('data', (chunk: Buffer) => output.push(chunk));
      child.stderr?.on('data', (chunk: Buffer) => complaint.push(chunk));
      const end = (code: number | string): void =>
        resolve({ code, output: Buffer.concat(output).toString(), complaint: Buffer.concat(complaint).toString() });
      child.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
      child.once('close', (code, signal) => end(code ?? signal ?? 'no status'));
      // a program that gives up early closes its end; its status tells why
      child.stdin?.on('error', () => {}).end(input);
    });
  }
}

function refused(program: string, code: number | string, complaint: string, text = ''): PodwireError {
  const number = Number(/line:? (\d+)/.exec(complaint)?.[1] ?? 0);
  const line = text.split('\n')[number - 1];
  const said = complaint.trim().slice(0, 400) || (code === 'ENOENT' ? 'it is not installed' : 'it says nothing');
  const advice = code === LOCKED ? 'it is tried again' : 'install iptables or choose another proxy mode';
  return servicesError(
    'SERVICES_IPTABLES',
    `${program} ended with ${code}: ${said}${line ? ` (${line})` : ''}; ${advice}`,
  );
}

const TRIAL = '*nat\n-A OUTPUT -m comment --comment trial -j ACCEPT\nCOMMIT\n';

/** A variant, and the IPv4 rules it was chosen for. */
export interface Detected {
  readonly commands: IptablesCommands;
  readonly saved: Saved;
}

/**
 * The variant whose rules the machine lives with: where our own are, else where a kubelet has left its hint, else where
 * most rules are, else the first that works. Two kinds at once would hide each other's rules from people. Throws
 * SERVICES_FOREIGN_PROXY where a kube-proxy has its chains, whichever variant it uses, and SERVICES_IPTABLES when no
 * variant works.
 */
export async function detectIptables(netns?: Netns): Promise<Detected> {
  const complaints: string[] = [];
  const trial = async (variant: Variant): Promise<Detected | undefined> => {
    const commands = new IptablesCommands(variant, netns);
    try {
      const [saved] = await Promise.all([commands.save('ipv4'), commands.restore('ipv4', TRIAL, true)]);
      return { commands, saved };
    } catch (error) {
      complaints.push(messageOf(error));
      return undefined;
    }
  };
  const named = (await Promise.all(VARIANTS.map(trial))).filter((one) => one !== undefined);
  const nameless = named.length ? undefined : await trial('');
  const found = nameless ? [nameless] : named;
  for (const { commands, saved } of found) refuseForeign(commands, saved);
  const [best] = found.sort(
    ({ saved: a }, { saved: b }) =>
      Number(isOurs(b)) - Number(isOurs(a)) || Number(b.hinted) - Number(a.hinted) || b.rules - a.rules,
  );
  if (!best) throw servicesError('SERVICES_IPTABLES', `no iptables works here: ${complaints.join('; ')}`);
  return best;
}

/** Every variant that can tell what it has, for removing what is ours. */
export const allVariants = (netns?: Netns): IptablesCommands[] =>
  VARIANTS.map((variant) => new IptablesCommands(variant, netns));

export const isOurs = ({ chains }: Saved): boolean => chains.has(`nat ${MARKER}`) || chains.has(`filter ${MARKER}`);

/** Throws SERVICES_FOREIGN_PROXY when the classic chains are there without our marker. */
export function refuseForeign({ name }: IptablesCommands, saved: Saved): void {
  if (isOurs(saved) || !(saved.chains.has('nat KUBE-SERVICES') || saved.chains.has('filter KUBE-SERVICES'))) return;
  throw servicesError(
    'SERVICES_FOREIGN_PROXY',
    `${name} has a chain KUBE-SERVICES that is not podwire's (no chain ${MARKER}): a kube-proxy serves this node; ` +
      'remove it and its rules (kube-proxy --cleanup), or choose proxy mode nftables',
  );
}

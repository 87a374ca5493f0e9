import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { PodwireError } from '@podwire/base';

/** The Debian packages a lab uses: the ingress proxy, and wget for pods played as busybox. */
export const LAB_PACKAGES = ['haproxy', 'wget', 'procps'] as const;

/** A file each package brings: quicker than asking dpkg, and true on other distributions too. */
const BRINGS: Readonly<Record<string, readonly string[]>> = {
  haproxy: ['/usr/sbin/haproxy'],
  wget: ['/usr/bin/wget'],
  procps: ['/bin/ps'],
  nftables: ['/usr/sbin/nft'],
  iproute2: ['/sbin/ip', '/usr/sbin/ip', '/bin/ip'],
  dnsutils: ['/usr/bin/dig'],
  'netcat-openbsd': ['/bin/nc.openbsd', '/usr/bin/nc.openbsd'],
  gcc: ['/usr/bin/gcc', '/usr/bin/cc'],
  'libc6-dev': ['/usr/include/stdlib.h'],
  'qemu-system-x86': ['/usr/bin/qemu-system-x86_64'],
  // not /bin/busybox: the package busybox brings one that needs libraries
  'busybox-static': ['/usr/share/doc/busybox-static'],
  cpio: ['/bin/cpio', '/usr/bin/cpio'],
  kmod: ['/sbin/modprobe', '/usr/sbin/modprobe'],
  'xz-utils': ['/usr/bin/xz'],
  ethtool: ['/usr/sbin/ethtool', '/sbin/ethtool'],
  iptables: ['/usr/sbin/iptables', '/sbin/iptables'],
  conntrack: ['/usr/sbin/conntrack'],
  tcpdump: ['/usr/bin/tcpdump', '/usr/sbin/tcpdump'],
  'python3-minimal': ['/usr/bin/python3'],
  ipvsadm: ['/usr/sbin/ipvsadm', '/sbin/ipvsadm'],
  'wireguard-tools': ['/usr/bin/wg'],
};

export function missingSystemPackages(names: readonly string[]): string[] {
  return names.filter((name) => !(BRINGS[name] ?? []).some((file) => existsSync(file)));
}

/** Installs the packages of the list that are missing, with apt-get; says so first. Throws CLI_INSTALL. */
export async function installSystemPackages(names: readonly string[], say: (line: string) => void): Promise<void> {
  const missing = missingSystemPackages(names);
  if (missing.length === 0) return;
  say(`installing ${missing.join(', ')} (once)...`);
  const apt = await promisify(execFile)('apt-get', ['--version']).catch(() => undefined);
  if (!apt)
    throw new PodwireError(
      'CLI_INSTALL',
      `${missing.join(', ')} must be installed and there is no apt-get here; install them with this system's package tool and run this again`,
    );
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], environment);
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], environment);
  // podwire starts HAProxy itself, one per node; the distribution's own service is not wanted.
  if (missing.includes('haproxy') && existsSync('/run/systemd/system'))
    await run('systemctl', ['disable', '--now', 'haproxy.service'], environment);
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => {
      errors = (errors + chunk).slice(-2000);
    });
    child.on('error', reject).on('close', (code) => {
      if (code === 0) resolve();
      else
        reject(
          new PodwireError(
            'CLI_INSTALL',
            `${command} ${args[0]} failed: ${errors.trim().split('\n').at(-1)}; mend that and run this again`,
          ),
        );
    });
  });
}

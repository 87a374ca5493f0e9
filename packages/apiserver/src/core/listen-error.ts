import { PodwireError } from '@podwire/base';

const ADVICE: Readonly<Record<string, string>> = {
  EADDRINUSE:
    'the port is in use; choose another one, or 0 for one that is free, or end what has it (ss -ltnp shows it)',
  EACCES: 'ports below 1024 need root; choose a higher one',
  EADDRNOTAVAIL: 'this machine does not have the address; choose one of those that "ip addr" shows',
  ENOTFOUND: 'this is no address and no name that is known',
};

export function cannotListen(where: { readonly address: string; readonly port: number }, cause: Error): PodwireError {
  const advice = ADVICE[(cause as NodeJS.ErrnoException).code ?? ''] ?? cause.message;
  const { address, port } = where;
  const at = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return new PodwireError('APISERVER_LISTEN', `cannot listen at ${at}: ${advice}`, { cause });
}

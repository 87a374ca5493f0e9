import net from 'node:net';

/** Number of the file descriptor whose end is the end of the launcher (tools/run.mjs). */
const VARIABLE = 'PODWIRE_LAUNCHER_FD';

/** Ends this process as SIGTERM does when the launcher has gone without a word, as after kill -9. */
export function followLauncher(): void {
  const fd = process.env[VARIABLE];
  delete process.env[VARIABLE];
  if (fd === undefined) return;
  const socket = new net.Socket({ fd: Number(fd), readable: true, writable: false });
  socket.on('error', () => {}).on('close', () => process.kill(process.pid, 'SIGTERM'));
  socket.resume().unref();
}

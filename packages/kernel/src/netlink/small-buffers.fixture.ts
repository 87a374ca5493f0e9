/** Sends batches of refused requests over a socket whose buffers cannot be grown; prints how many refusals came. */
import { isErrno, type KernelError } from '../errors.ts';
import { openNetlink } from './netlink.ts';

const DELLINK = 17;
/** Removes a link, whose name is much too long. */
const body = (length: number): Buffer => {
  const bytes = Buffer.alloc(length, 'a');
  bytes.fill(0, 0, 16);
  bytes.writeUInt16LE(length - 16, 16);
  bytes.writeUInt16LE(3, 18); // IFLA_IFNAME
  return bytes;
};
const remove = (length: number) => ({ type: DELLINK, flags: 0, body: body(length), op: 'remove a link' });
const refusals = (results: readonly (KernelError | undefined)[]) =>
  results.filter((error, index) => error?.index === index).length;
const large = Array.from({ length: 300 }, (_, i) => 50_000 + 4 * i);

using netlink = openNetlink('route');
const results = {
  many: refusals(netlink.batch(new Array(3000).fill(remove(24)))),
  large: refusals(netlink.batch(large.map(remove))),
  encoded: refusals(
    netlink.batchEncoded({
      type: DELLINK,
      flags: 0,
      count: large.length,
      write: (out, index) => out.raw(body(large[index] ?? 24)),
      op: (index) => `remove link ${index}`,
    }),
  ),
  unfitting: tooLarge(),
};
console.log(JSON.stringify(results));

function tooLarge(): string {
  try {
    netlink.request({ ...remove(24), body: Buffer.alloc(64 << 20) });
  } catch (error) {
    return isErrno(error, 'EMSGSIZE') && error.message.includes('wmem_max') ? 'EMSGSIZE wmem_max' : String(error);
  }
  return 'sent';
}

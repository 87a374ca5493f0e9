import { promisify } from 'node:util';
import { createGzip, type Gzip, gzip } from 'node:zlib';

const pack = promisify(gzip);

/** Bodies of more bytes than these are compressed, as Kubernetes does: below, it costs more than it saves. */
const THRESHOLD = 128 * 1024;
/** The fastest: most of the gain at a fraction of the time. */
const LEVEL = 1;

/** The body in gzip if that is worth while and the client takes it; undefined: as it is. */
export async function compressed(body: Buffer, acceptEncoding: string | undefined): Promise<Buffer | undefined> {
  if (body.length <= THRESHOLD || !takesGzip(acceptEncoding)) return undefined;
  return pack(body, { level: LEVEL });
}

/** What compresses a long body piece by piece, if the client takes it. */
export function compressor(acceptEncoding: string | undefined): Gzip | undefined {
  return takesGzip(acceptEncoding) ? createGzip({ level: LEVEL }) : undefined;
}

/** `Accept-Encoding: br;q=1.0, gzip;q=0.8`; RFC 9110, section 12.5.3. A weight of 0 is a no. */
function takesGzip(acceptEncoding = ''): boolean {
  return acceptEncoding.split(',').some((choice) => {
    const [name = '', ...parameters] = choice.split(';').map((part) => part.trim().toLowerCase());
    return name === 'gzip' && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/** The last path component of an image reference without tag and digest: `docker.io/library/nginx:1.27` is `nginx`. */
export function imageName(reference: string): string {
  const withoutDigest = reference.split('@')[0] ?? '';
  const last = withoutDigest.slice(withoutDigest.lastIndexOf('/') + 1);
  return last.split(':')[0] ?? '';
}

export function isOfFormat(format: string, value: string): boolean {
  return FORMATS[format.replaceAll('-', '')]?.(value) ?? true;
}
const FORMATS: Readonly<Record<string, (value: string) => boolean>> = {};

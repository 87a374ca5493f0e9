/** Resource quantities (apimachinery's resource.Quantity): `100m`, `1.5`, `64Mi`, `1e3`. */
const QUANTITY = /^([+-]?(?:\d+\.?\d*|\.\d+))(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

export const QUANTITY_MESSAGE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

export function isQuantity(text: string): boolean {
  return QUANTITY.test(text);
}

/** As a number, near enough to compare two quantities; NaN when the text is none. */
export function quantityValue(text: string): number {
  const match = QUANTITY.exec(text);
  if (!match) return Number.NaN;
  const [, digits = '', suffix = ''] = match;
  const factor = FACTORS[suffix];
  return factor === undefined ? Number(digits + suffix) : Number(digits) * factor;
}

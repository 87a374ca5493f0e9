import pc from 'picocolors';

/** Off when the output is not a terminal, also in CI, which picocolors would colour; off by NO_COLOR. */
export const colours = pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);

/** The oldest Node.js that the command runs on; "engines" of package.json says the same. */
const OLDEST = 20;

/** Why the command cannot run on this version, such as `18.20.4`; null if it can. */
export const olderNode = (version: string): string | null =>
  Number.parseInt(version) >= OLDEST
    ? null
    : `table-rename needs Node.js ${OLDEST} or later; this is ${version}`;

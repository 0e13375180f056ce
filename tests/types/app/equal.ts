/** Types that are the same, not only assignable: https://github.com/microsoft/TypeScript/issues/27024 */
export type Equal<One, Other> = (<T>() => T extends One ? 1 : 2) extends
  (<T>() => T extends Other ? 1 : 2) ? true : false;

/** Compiles only where `Holds` is true. */
export function expectType<Holds extends true>(): Holds | undefined {
  return undefined;
}

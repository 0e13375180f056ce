import { NOTHING_TO_DO } from "../../../contract/findings.ts";

/** Remedies that ask for nothing; the second is that of functions that were deployed before. */
const NOTHING: string[] = [NOTHING_TO_DO, "None needed."];

/** Whether a finding's remedy says what to do. */
export const isNeeded = (remedy: string | undefined): remedy is string =>
  remedy !== undefined && remedy !== "" && !NOTHING.includes(remedy);

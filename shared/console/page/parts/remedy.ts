import { NOTHING_TO_DO } from "../../../contract/findings.ts";

/** Whether a finding's remedy says what to do. */
export const isNeeded = (remedy: string | undefined): remedy is string =>
  remedy !== undefined && remedy !== "" && remedy !== NOTHING_TO_DO;

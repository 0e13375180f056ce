/** Whether a finding's remedy says what to do. */
export const isNeeded = (remedy: string | undefined): remedy is string =>
  remedy !== undefined && remedy !== "" && remedy !== "Nothing to do.";

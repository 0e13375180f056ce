/** The contract for other programs: schemas (zod) and types of requests, answers, problems and findings. */
export * from "./findings.ts";
export * from "./names.ts";
export * from "./notifications.ts";
export * from "./problems.ts";
export * from "./requests.ts";
export * from "./responses.ts";

/** Parts that several requests have, and their limits. */
import * as z from "zod";
import { identifierFault } from "./names.ts";

/** Marks an issue as an invalid identifier, which has its own problem code. */
export const IDENTIFIER = { problem: "invalid_identifier" } as const;

/** Makes a function that makes something at its first call. */
export const once = <Made>(make: () => Made): () => Made => {
  let made: Made | undefined;
  return () => made ??= make();
};

/*
 * Schemas are made when they are needed: a function has one endpoint, and to make the schemas of all took a large part
 * of the time in which it starts.
 */

export const identifier = once(() =>
  z.string().superRefine((name, context) => {
    const fault = identifierFault(name);
    if (fault) context.addIssue({ code: "custom", message: fault, params: IDENTIFIER });
  })
);

export const storableText = (max: number) =>
  z.string().max(max).refine((text) => !text.includes("\0") && text.isWellFormed(), {
    message: "text cannot contain NUL characters or halves of surrogate pairs",
  });

/** Days without use that a finalization asks for: most, and the default. */
export const MAX_DAYS = 3_650;
export const DEFAULT_DAYS = 7;

import type { ReactNode } from "react";
import { RenameError } from "../../../client/client.ts";
import { visible } from "../../../report/document/text.ts";

/** What went wrong, and what to do next. */
export function ProblemBox({ error, children }: { error: unknown; children?: ReactNode }) {
  const known = error instanceof RenameError ? error : null;
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <div className="problem" role="alert">
      <p className="problem-title">{known?.problem?.title ?? "This did not work"}</p>
      <p>{visible(known?.detail ?? detail)}</p>
      {known?.hint && <p>{visible(known.hint)}</p>}
      {children}
      {known && (
        <p className="quiet">
          Code: <code>{known.code}</code>
        </p>
      )}
    </div>
  );
}

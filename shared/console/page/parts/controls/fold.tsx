import type { ReactNode } from "react";

/** Something that is shown when it is asked for. */
export const Fold = (
  { title, children, open }: { title: ReactNode; children: ReactNode; open?: boolean },
) => (
  <details className="fold" open={open}>
    <summary>{title}</summary>
    <div className="fold-body">{children}</div>
  </details>
);

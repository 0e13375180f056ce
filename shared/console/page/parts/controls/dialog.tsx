import * as Ariakit from "@ariakit/react";
import type { ReactNode, RefObject } from "react";

/**
 * A dialog that keeps the keyboard inside and ends with Escape.
 *
 * @param initialFocus Where the keyboard begins. Default: at the first thing that can be used.
 */
export function Dialog(
  { open, onClose, title, children, footer, initialFocus }: {
    open: boolean;
    onClose: () => void;
    title: ReactNode;
    children: ReactNode;
    footer?: ReactNode;
    initialFocus?: RefObject<HTMLElement | null>;
  },
) {
  return (
    <Ariakit.Dialog
      open={open}
      onClose={onClose}
      initialFocus={initialFocus}
      className="dialog"
      backdrop={<div className="backdrop" />}
      unmountOnHide
    >
      <Ariakit.DialogHeading className="dialog-title" render={<h2 />}>
        {title}
      </Ariakit.DialogHeading>
      <div className="dialog-body stack">{children}</div>
      {footer && <div className="dialog-foot row">{footer}</div>}
    </Ariakit.Dialog>
  );
}

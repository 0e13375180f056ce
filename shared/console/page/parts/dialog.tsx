import * as Ariakit from "@ariakit/react";
import type { ReactNode } from "react";

/** A dialog that keeps the keyboard inside and ends with Escape. */
export function Dialog(
  { open, onClose, title, children, footer }: {
    open: boolean;
    onClose: () => void;
    title: ReactNode;
    children: ReactNode;
    footer?: ReactNode;
  },
) {
  return (
    <Ariakit.Dialog
      open={open}
      onClose={onClose}
      className="dialog"
      backdrop={<div className="backdrop" />}
      unmountOnHide
    >
      <Ariakit.DialogHeading render={<h2 />} className="dialog-title">
        {title}
      </Ariakit.DialogHeading>
      <div className="dialog-body stack">{children}</div>
      {footer && <div className="dialog-foot row">{footer}</div>}
    </Ariakit.Dialog>
  );
}

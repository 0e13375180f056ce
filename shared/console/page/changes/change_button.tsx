/** Opens the plan of a change, wherever one stands. The dialog is loaded when it is first needed. */
import { lazy, Suspense, useState } from "react";
import { visible } from "../../../report/document/text.ts";
import { Button } from "../parts/controls/button.tsx";
import { type ChangeKind, type ChangeTarget, verbOf } from "./change.ts";

const ChangeDialog = lazy(() => import("./change_dialog.tsx"));

/**
 * @param migrations One or several; whole batches are changed as one, others one after the other.
 * @param children The button's text. Default: the verb, such as "Roll back".
 */
export function ChangeButton(
  { kind, migrations, variant, disabled, children }: {
    kind: ChangeKind;
    migrations: ChangeTarget[];
    variant?: "plain" | "primary" | "link";
    disabled?: boolean;
    children?: string;
  },
) {
  const [open, setOpen] = useState(false);
  const text = children ?? verbOf(kind);
  const [one] = migrations;
  return (
    <>
      <Button
        variant={variant}
        disabled={disabled || migrations.length === 0}
        aria-haspopup="dialog"
        aria-label={migrations.length === 1
          ? `${text}: ${visible(one.old_name)} → ${visible(one.new_name)}`
          : undefined}
        onClick={() => setOpen(true)}
      >
        {text}
      </Button>
      {open && (
        <Suspense>
          <ChangeDialog kind={kind} migrations={migrations} onClose={() => setOpen(false)} />
        </Suspense>
      )}
    </>
  );
}

/// <reference lib="dom" />
/** The last look before something is changed: the project, the tables, and a tick for each code that breaks something. */
import { useId, useState } from "react";
import { useLocation } from "wouter";
import { FINDINGS } from "../../../../contract/findings.ts";
import type { RenameInput } from "../../../../contract/requests.ts";
import { keyOf } from "../../../../contract/new_names.ts";
import { visible } from "../../../../report/document/text.ts";
import { useSession } from "../../api/queries.ts";
import { startOperation } from "../../live/operations.ts";
import { Button } from "../../parts/controls/button.tsx";
import { Dialog } from "../../parts/controls/dialog.tsx";
import { Name, Renaming } from "../../parts/name.tsx";
import { Accept } from "./findings.tsx";
import type { ShownPlan } from "./shown_plan.ts";
import { changeRequest } from "../requests.ts";
import { setReviewed } from "../reviewed.ts";
import type { FindingGroup, Verdict } from "./verdict.ts";

export type Change = "apply" | "propose";

interface Changing {
  onClose: () => void;
  plan: ShownPlan;
  groups: FindingGroup[];
  verdict: Verdict;
  accepted: ReadonlySet<string>;
  onAccept: (key: string, is: boolean) => void;
}

export function ChangeDialog({ change, ...rest }: Changing & { change: Change | null }) {
  const { data: session } = useSession();
  const tables = rest.plan.answer.tables ?? [];
  const what = tables.length === 1
    ? <Name schema={tables[0].schema} name={tables[0].old_name} />
    : `${tables.length} tables`;
  // What is shown stays while the dialog goes away.
  const [shown, setShown] = useState<Change>("apply");
  if (change !== null && change !== shown) setShown(change);
  return (
    <Dialog
      open={change !== null}
      onClose={rest.onClose}
      title={shown === "apply"
        ? <>Rename {what} in {session?.project}?</>
        : <>Propose to rename {what} in {session?.project}?</>}
      footer={<Footer {...rest} change={shown} />}
    >
      <Body {...rest} change={shown} />
    </Dialog>
  );
}

function Body(
  { change, plan: { answer, request, options }, groups, accepted, onAccept }: Changing & {
    change: Change;
  },
) {
  const tables = answer.tables ?? [];
  const views = tables.filter(({ compatibility_view }) => compatibility_view).length;
  const breaking = groups.filter(({ severity }) => severity === "breaking");
  return (
    <>
      <ul className="plan-dialog-tables" tabIndex={0} aria-label="Tables">
        {tables.map((one) => (
          <li key={keyOf(one.schema, one.old_name)}>
            <Renaming {...one} />
          </li>
        ))}
      </ul>
      <p>
        {change === "propose"
          ? "Nothing is changed now. Another person can review the proposal and apply it."
          : `${
            views === tables.length
              ? tables.length === 1
                ? "The old name stays usable, as a view."
                : "The old names stay usable, as views."
              : tables.length === 1
              ? "The old name is removed: queries that use it fail."
              : "The old names are removed: queries that use them fail."
          } The rename can be rolled back.`}
      </p>
      {breaking.length > 0 && (
        answer.would_be_refused === undefined
          ? <p>What breaks was accepted with the proposal: {codesOf(breaking)}.</p>
          : (
            <div className="stack tight">
              <h3>This breaks. Accept each to continue.</h3>
              <ul className="plan-groups">
                {breaking.map((group) => (
                  <li key={group.key} className="plan-group" data-severity="breaking">
                    <div className="plan-group-head">
                      <div>
                        <p>{FINDINGS[group.code] ?? group.code}</p>
                        <p className="quiet">
                          <code>{group.code}</code>
                          {group.findings.length > 1 && ` · ${group.findings.length} times`}
                        </p>
                      </div>
                      <Accept group={group} accepted={accepted} onAccept={onAccept} />
                    </div>
                  </li>
                ))}
              </ul>
            </div>
          )
      )}
      {!("batch_id" in request) && options.notes.trim() !== "" && (
        <p>
          <span className="quiet">Note:</span> {visible(options.notes.trim())}
        </p>
      )}
      <p className="quiet plan-hash">
        This exact plan is {change === "apply" ? "applied" : "proposed"}:{" "}
        <code>{answer.plan_hash}</code>
      </p>
    </>
  );
}

const codesOf = (groups: FindingGroup[]) => groups.map(({ code }) => code).join(", ");

function Footer(
  { change, onClose, plan, verdict }: Changing & { change: Change },
) {
  const id = useId();
  const [, go] = useLocation();
  const { data: session } = useSession();
  const { answer, request, options, address } = plan;
  const tables = answer.tables ?? [];
  const count = tables.length;
  const start = () => {
    const wanted: RenameInput = changeRequest(request, options, {
      plan_hash: answer.plan_hash,
      acknowledge: verdict.acknowledge,
    });
    const verb = change === "apply" ? "Rename" : "Propose to rename";
    const [first] = tables;
    const operation = startOperation<"rename">({
      name: "rename",
      title: count === 1
        ? `${verb} ${first.old_name} to ${first.new_name}`
        : `${verb} ${count} tables`,
      tables: tables.map(({ schema, old_name, new_name }) => ({ schema, old_name, new_name })),
      request: change === "propose" && !("batch_id" in wanted)
        ? { ...wanted, mode: "propose" }
        : wanted,
    });
    setReviewed({ operation, request, plan: answer, address });
    onClose();
    go("/live");
  };
  const reason = session?.readOnly
    ? "This page is read-only."
    : verdict.open.length > 0 && verdict.state === "accept"
    ? verdict.open.length === 1
      ? "One code is not accepted yet."
      : `${verdict.open.length} codes are not accepted yet.`
    : "";
  return (
    <>
      <span id={id} className="quiet grow" role="status">{reason}</span>
      <Button onClick={onClose}>Cancel</Button>
      <Button
        variant="primary"
        disabled={reason !== "" || verdict.state !== "ready"}
        aria-describedby={id}
        onClick={start}
      >
        {change === "apply"
          ? count === 1 ? "Rename the table" : `Rename ${count} tables`
          : "Propose"}
      </Button>
    </>
  );
}

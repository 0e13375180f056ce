/// <reference lib="dom" />
/** The plan for elsewhere: as a request, a command, Markdown or a migration file. */
import * as Ariakit from "@ariakit/react";
import { useEffect, useState } from "react";
import type { MigrationFile, OperationAnswer } from "../../../../contract/responses.ts";
import { client } from "../../api/client.ts";
import type { DraftOptions } from "../draft.ts";
import { changeRequest, commandOf, type PlanRequest } from "../requests.ts";
import type { Verdict } from "./verdict.ts";

/** How long it is said that something was copied, in milliseconds. */
const SAID_MS = 3_000;

export function CopyMenu(
  { answer, request, options, verdict, disabled }: {
    answer: OperationAnswer;
    request: PlanRequest;
    options: DraftOptions;
    verdict: Verdict;
    disabled: boolean;
  },
) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const { acknowledge } = verdict;
  const wanted = () =>
    changeRequest(request, options, { plan_hash: answer.plan_hash, acknowledge });
  const file = async (): Promise<MigrationFile> => {
    if ("batch_id" in request) throw new Error("A proposal has no migration file.");
    const { expected_plan_hash } = wanted();
    const { migration_file } = await client.rename({
      ...request,
      acknowledge,
      expected_plan_hash,
      mode: "plan",
      migration_file: true,
    });
    if (migration_file === undefined) throw new Error("The answer has no migration file.");
    return migration_file;
  };
  const doing = (what: string, how: () => Promise<void>) => () => {
    how().then(
      () => setSaid(what),
      (error) => setSaid(error instanceof Error ? error.message : String(error)),
    );
  };
  const copying = (what: string, text: () => string | Promise<string>) =>
    doing(`${what} is copied.`, async () => await navigator.clipboard.writeText(await text()));
  const noFile = "batch_id" in request
    ? "not of a proposal"
    : verdict.state !== "ready"
    ? "accept what breaks first"
    : null;
  return (
    <div className="plan-copy">
      <Ariakit.MenuProvider>
        <Ariakit.MenuButton className="button" disabled={disabled}>
          Copy as <Ariakit.MenuButtonArrow />
        </Ariakit.MenuButton>
        <Ariakit.Menu gutter={4} className="plan-menu">
          <Ariakit.MenuItem
            className="plan-menu-item"
            onClick={copying("The request", () => JSON.stringify(wanted(), null, 2))}
          >
            Request <span className="quiet">JSON</span>
          </Ariakit.MenuItem>
          <Ariakit.MenuItem
            className="plan-menu-item"
            onClick={copying("The command", () => commandOf(wanted()))}
          >
            Command <span className="quiet">npx table-rename …</span>
          </Ariakit.MenuItem>
          <Ariakit.MenuItem
            className="plan-menu-item"
            onClick={copying("The plan", async () => {
              const { operationInMarkdown } = await import("../../../../report/operation.ts");
              // What was accepted here does not stand in the way any more.
              const { would_be_refused, ...planned } = answer;
              const shown = verdict.state === "ready" ? planned : { ...planned, would_be_refused };
              return operationInMarkdown(shown, {
                operation: "rename",
                acknowledged: acknowledge,
              });
            })}
          >
            Markdown <span className="quiet">for a pull request</span>
          </Ariakit.MenuItem>
          <Ariakit.MenuSeparator className="plan-menu-line" />
          <Ariakit.MenuItem
            className="plan-menu-item"
            disabled={noFile !== null}
            accessibleWhenDisabled
            onClick={copying("The migration file", async () => (await file()).sql)}
          >
            Migration file <span className="quiet">{noFile ?? "SQL"}</span>
          </Ariakit.MenuItem>
          <Ariakit.MenuItem
            className="plan-menu-item"
            disabled={noFile !== null}
            accessibleWhenDisabled
            onClick={doing("The migration file is downloaded.", async () => download(await file()))}
          >
            Migration file <span className="quiet">{noFile ?? "download"}</span>
          </Ariakit.MenuItem>
        </Ariakit.Menu>
      </Ariakit.MenuProvider>
      <span role="status" className="plan-said">{said}</span>
    </div>
  );
}

function download({ version, name, sql }: MigrationFile): void {
  const url = URL.createObjectURL(new Blob([sql], { type: "application/sql" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `${version}_${name}.sql`;
  link.click();
  URL.revokeObjectURL(url);
}
